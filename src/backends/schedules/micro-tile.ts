import { scalar, vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Type } from "../../kernel/kernel.ts";
import { columnOffset, type ColumnSection, type Contraction, type Segment } from "./contraction.ts";
import { applyActivation, isLight } from "./epilogue.ts";
import { ReductionWalk, type WalkCursors } from "./reduction-walk.ts";
import { storeRequantised } from "./requantise.ts";
import { registerOf } from "./scalar-elements.ts";
import type { Tile } from "./tile.ts";

/** Addresses of one pixel of the tile, relative to its first. */
export interface PixelOffset {
  readonly a: number;
  readonly y: number;
  readonly residual: number;
}

/**
 * The register tile: accumulators of `pixels` times `nv` vectors. Each step of the reduction loads nv vectors of weights, then per
 * pixel spreads one element of `a` over a vector and multiplies and adds it into nv accumulators. Registers are shared by all tiles
 * of a kernel.
 */
export class MicroTile {
  private readonly b: KernelBuilder;
  private readonly c: Contraction;
  private readonly shape: Tile;
  /** In memory, and in registers. */
  private readonly memory: Type;
  private readonly type: Type;
  private readonly pool = new Map<string, Term>();
  private pixels: readonly PixelOffset[] = [];
  private section: ColumnSection = { unit: 0, nv: 0, groups: 0 };

  constructor(b: KernelBuilder, c: Contraction, shape: Tile) {
    this.b = b;
    this.c = c;
    this.shape = shape;
    this.memory = vector(c.elem, c.lanes);
    this.type = c.lanes > 1 ? this.memory : registerOf(c.elem);
  }

  /** Everything until the next `begin` is about this tile. */
  begin(section: ColumnSection, pixels: readonly PixelOffset[]): void {
    this.section = section;
    this.pixels = pixels;
  }

  /** Accumulators begin with the bias, or 0. */
  start(bias: string | undefined): void {
    const zero = this.zero();
    this.each((acc, i, j) => this.b.set(acc, !bias ? zero : i === 0 ? this.b.load(this.memory, bias, j * this.c.lanes) : this.acc(0, j)));
    for (let set = 1; set < this.shape.sets; set++) this.each((acc) => this.b.set(acc, zero), set);
  }

  /** Accumulators begin with the partial sums that `suspend` left in the result. */
  resume(y: string): void {
    this.each((acc, i, j) => this.b.set(acc, this.b.load(this.memory, y, this.yOffset(i, j))));
    for (let set = 1; set < this.shape.sets; set++) this.each((acc) => this.b.set(acc, this.zero()), set);
  }

  suspend(y: string): void {
    this.joinSets();
    this.each((acc, i, j) => this.b.storeAs(this.memory, y, this.yOffset(i, j), acc));
  }

  /** Adds the products of one segment. */
  reduce(segment: Segment, cursors: WalkCursors): void {
    this.walkOver(segment, this.section).emit(this.b, cursors, this.c.overlapping, (a, w, set) => this.step(cursors, a, w, set));
  }

  /** Elements of the next panel that a tile of this section fetches when `tiles` tiles share it. */
  fetchShare(section: ColumnSection, segment: Segment, tiles: number): number {
    return this.walkOver(segment, section).fetchShare(tiles);
  }

  private walkOver(segment: Segment, section: ColumnSection): ReductionWalk {
    return new ReductionWalk(segment.loops, { width: section.nv * this.c.lanes, direct: this.c.direct !== undefined }, this.shape);
  }

  /** The epilogue: residual, activation where it is light, requantisation by `factors`, and the stores. */
  store(y: string, residual: string | undefined, factors: readonly (string | undefined)[]): void {
    this.joinSets();
    const { requantise, lanes } = this.c;
    if (requantise) {
      return this.each((acc, i, j) => {
        const count = this.isPartial(j) ? this.section.partial! : lanes;
        storeRequantised(this.b, acc, requantise, { cursor: y, offset: this.yOffset(i, j), factors, factorOffset: j * lanes, count });
      });
    }
    this.each((acc, i, j) => {
      if (this.isPartial(j)) return this.storePartial(acc, i, j, y, residual);
      const sum = residual ? this.b.add(acc, this.b.load(this.memory, residual, this.residualOffset(i, j))) : acc;
      this.b.storeAs(this.memory, y, this.yOffset(i, j), isLight(this.c.activation) ? applyActivation(this.b, sum, this.c.activation) : sum);
    });
  }

  /** Applies a heavy activation to the stored tile, vector by vector. */
  activate(stored: string, rows: number, cols: number): void {
    const { b, c } = this;
    const apply = (type: Type, offset: number): void => b.store(stored, offset, applyActivation(b, b.load(type, stored, offset), c.activation));
    const over = (stem: string, trips: number, step: number, body: () => void): void => (trips === 1 ? body() : b.loop(stem, trips, { [stored]: step }, body));
    over("pr", rows, c.rows.y, () =>
      over("pc", cols, c.cols.y, () => {
        for (let j = 0; j < this.section.nv; j++) {
          if (!this.isPartial(j)) apply(this.type, columnOffset(c.y, j * c.lanes));
          else over("pl", this.section.partial!, 1, () => apply(scalar(c.elem), j * c.lanes));
        }
      }),
    );
  }

  private zero(): Term {
    return this.b.constant(this.type, this.c.elem === "i64" ? 0n : 0);
  }

  private isPartial(j: number): boolean {
    return this.section.partial !== undefined && j === this.section.nv - 1;
  }

  /** The vector behind the last column: lane by lane. */
  private storePartial(acc: Term, i: number, j: number, y: string, residual: string | undefined): void {
    const { b, c } = this;
    const type = registerOf(c.elem);
    for (let lane = 0; lane < this.section.partial!; lane++) {
      const value = b.op("extract", type, [acc], [lane]);
      const sum = residual ? b.add(value, b.load(type, residual, this.residualOffset(i, j) + lane)) : value;
      b.store(y, this.yOffset(i, j) + lane, isLight(c.activation) ? applyActivation(b, sum, c.activation) : sum);
    }
  }

  private yOffset(i: number, j: number): number {
    return this.pixels[i]!.y + columnOffset(this.c.y, j * this.c.lanes);
  }

  private residualOffset(i: number, j: number): number {
    return this.pixels[i]!.residual + columnOffset(this.c.residual!, j * this.c.lanes);
  }

  private acc(i: number, j: number, set = 0): Term {
    return this.register(set ? `a${i}_${j}_${set}` : `a${i}_${j}`);
  }

  private register(name: string): Term {
    const known = this.pool.get(name) ?? this.b.register(name, this.type);
    this.pool.set(name, known);
    return known;
  }

  private each(body: (acc: Term, i: number, j: number) => void, set = 0): void {
    for (let i = 0; i < this.pixels.length; i++) for (let j = 0; j < this.section.nv; j++) body(this.acc(i, j, set), i, j);
  }

  private joinSets(): void {
    for (let distance = 1; distance < this.shape.sets; distance *= 2) {
      for (let set = 0; set + distance < this.shape.sets; set += 2 * distance) {
        this.each((acc, i, j) => this.b.set(acc, this.b.add(acc, this.acc(i, j, set + distance))), set);
      }
    }
  }

  private step({ a, w }: WalkCursors, aOffset: number, wOffset: number, set: number): void {
    const { b, c } = this;
    const weight = (j: number): Term => b.load(this.memory, w, wOffset + j * c.lanes);
    // One pixel uses each weight once: it goes straight from memory into the product.
    const weights = Array.from({ length: this.section.nv }, (_, j) => {
      if (this.pixels.length === 1) return undefined;
      const register = this.register(`w${j}`);
      b.set(register, weight(j));
      return register;
    });
    this.pixels.forEach((pixel, i) => {
      const spread = this.register("s");
      b.set(spread, b.splat(this.memory, a, aOffset + pixel.a));
      weights.forEach((loaded, j) => {
        const acc = this.acc(i, j, set);
        b.set(acc, this.multiplyAdd(spread, loaded ?? weight(j), acc));
      });
    });
  }

  private multiplyAdd(x: Term, w: Term, acc: Term): Term {
    if (this.c.pairs) return this.b.op("dot2", acc.type, [acc, this.b.op("bitcast", this.halves(), [x]), this.b.op("bitcast", this.halves(), [w])]);
    const isFloat = this.c.elem === "f32" || this.c.elem === "f64";
    return isFloat ? this.b.madd(x, w, acc) : this.b.add(this.b.mul(x, w), acc);
  }

  private halves(): Type {
    return { elem: "i16", lanes: 2 * this.c.lanes };
  }
}
