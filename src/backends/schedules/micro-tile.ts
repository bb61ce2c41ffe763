import { scalar, vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Type } from "../../kernel/kernel.ts";
import { columnOffset, type ColumnSection, type Contraction, type ReductionLoop, type Segment } from "./contraction.ts";
import { applyActivation, isLight } from "./epilogue.ts";
import { registerOf } from "./scalar-elements.ts";
import type { Tile } from "./tile.ts";

/** Addresses of one pixel of the tile, relative to its first. */
export interface PixelOffset {
  readonly a: number;
  readonly y: number;
  readonly residual: number;
}

/** A loop of the reduction as it is printed: its steps in `a` and in the weights. */
interface WalkLoop {
  readonly stem: string;
  readonly trips: number;
  readonly a: number;
  readonly w: number;
}

/** A cursor over weights to come, and how many tiles share them. */
export interface Ahead {
  readonly cursor: string;
  readonly tiles: number;
}

/** Each iteration of the loop at `level` fetches `step` elements. */
interface Fetch {
  readonly cursor: string;
  readonly level: number;
  readonly step: number;
}

/** Elements of a cache line. */
const CACHE_LINE = 16;
/** Loops of so few trips are too short to fetch in each. */
const SHORT_LOOP = 16;

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

  /** `ahead` is a cursor over weights to come; in one pass over the segment it fetches `aheadShare` elements. */
  reduce(segment: Segment, a: string, w: string, ahead?: Ahead): void {
    const loops = this.printedLoops(segment.loops);
    this.walk(loops, a, w, ahead && { cursor: ahead.cursor, level: this.fetchLevel(loops), step: this.fetchStep(loops, ahead.tiles) });
  }

  /** Elements that a tile of this section fetches, when `tiles` tiles share the next panel. */
  aheadShare(section: ColumnSection, segment: Segment, tiles: number): number {
    this.section = section;
    const loops = this.printedLoops(segment.loops);
    return this.fetchStep(loops, tiles) * this.fetches(loops);
  }

  /** Fetches stand in the innermost loop, or in the one round it where that is short. */
  private fetchLevel(loops: readonly WalkLoop[]): number {
    return loops.length > 1 && loops.at(-1)!.trips <= SHORT_LOOP ? loops.length - 2 : loops.length - 1;
  }

  private fetches(loops: readonly WalkLoop[]): number {
    const level = this.fetchLevel(loops);
    const outer = loops.slice(0, level + 1).reduce((n, loop) => n * loop.trips, 1);
    return level < loops.length - 1 ? outer : (outer / loops[level]!.trips) * Math.floor(loops[level]!.trips / this.stepsAtOnce(loops[level]!));
  }

  private fetchStep(loops: readonly WalkLoop[], tiles: number): number {
    const panel = loops.reduce((n, loop) => n * loop.trips, this.section.nv * this.c.lanes);
    return Math.ceil(panel / (this.fetches(loops) * tiles));
  }

  private stepsAtOnce(loop: WalkLoop): number {
    return loop.trips <= this.shape.whole ? loop.trips : this.shape.unroll;
  }

  /** The epilogue: residual, activation where it is light, and the stores. */
  store(y: string, residual: string | undefined): void {
    this.joinSets();
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

  /** Loops that walk on where their inner loop ends become one. */
  private printedLoops(loops: readonly ReductionLoop[]): WalkLoop[] {
    const printed: WalkLoop[] = [];
    let width = this.section.nv * this.c.lanes;
    for (const loop of loops.toReversed()) {
      const w = this.c.direct ? loop.source : width;
      width *= loop.trips;
      const inner = printed[0];
      if (loop.trips === 1 && loops.length > 1) continue;
      if (inner && loop.a === inner.a * inner.trips && w === inner.w * inner.trips) printed[0] = { ...inner, trips: inner.trips * loop.trips };
      else printed.unshift({ stem: loop.stem, trips: loop.trips, a: loop.a, w });
    }
    return printed.length ? printed : [{ stem: "c", trips: 1, a: 0, w: 0 }];
  }

  private walk(loops: readonly WalkLoop[], a: string, w: string, fetch: Fetch | undefined): void {
    const [loop, ...rest] = loops;
    const inside = fetch && { ...fetch, level: fetch.level - 1 };
    if (rest.length === 0) return this.innermost(loop!, a, w, fetch);
    // In one iteration of the loop at level 0 the cursor moves by a step, in those round it by all steps inside.
    const ahead = fetch && fetch.level >= 0 ? { [fetch.cursor]: fetch.step * rest.slice(0, fetch.level).reduce((n, l) => n * l.trips, 1) } : {};
    this.b.loop(loop!.stem, loop!.trips, { [a]: loop!.a, [w]: loop!.w, ...ahead }, () => {
      if (fetch?.level === 0) this.fetch(fetch);
      this.walk(rest, a, w, inside);
    });
  }

  private fetch({ cursor, step }: Fetch): void {
    for (let line = 0; line < step; line += CACHE_LINE) this.b.prefetch(cursor, line);
  }

  private innermost(loop: WalkLoop, a: string, w: string, fetch: Fetch | undefined): void {
    const { sets } = this.shape;
    const per = this.stepsAtOnce(loop);
    const trips = Math.floor(loop.trips / per);
    const steps = (from: number, count: number): void => {
      for (let u = 0; u < count; u++) {
        if (u > 0 && this.c.overlapping) this.b.launder(a);
        this.step(a, (from + u) * loop.a, w, (from + u) * loop.w, u % sets);
      }
    };
    const here = fetch?.level === 0 ? fetch : undefined;
    if (trips > 1) {
      this.b.loop(loop.stem, trips, { [a]: per * loop.a, [w]: per * loop.w, ...(here ? { [here.cursor]: here.step } : {}) }, () => {
        if (here) this.fetch(here);
        steps(0, per);
      });
    } else steps(0, per);
    if (trips * per < loop.trips) steps(trips * per, loop.trips - trips * per);
  }

  private step(a: string, aOffset: number, w: string, wOffset: number, set: number): void {
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
    const isFloat = this.c.elem === "f32" || this.c.elem === "f64";
    return isFloat ? this.b.madd(x, w, acc) : this.b.add(this.b.mul(x, w), acc);
  }
}
