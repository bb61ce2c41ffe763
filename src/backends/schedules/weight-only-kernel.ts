import type { DType } from "../../ir/types.ts";
import { F32, KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { pressureOf } from "../../kernel/verify/pressure.ts";
import type { TargetProfile } from "../../target/profile.ts";

/** y[m, first .. first + count] of x[m, k] times weights in codes; panels of `lanes * vectors` columns. */
export interface WeightOnly {
  readonly loc: readonly string[];
  /** u4: two codes a byte, the even one in the low bits. Else one a byte. */
  readonly dtype: DType;
  readonly m: number;
  readonly k: number;
  /** Columns of y. */
  readonly n: number;
  readonly first: number;
  readonly count: number;
  readonly block: number;
  readonly lanes: number;
  readonly vectors: number;
  /** The one that all blocks have, or a table like that of the scales. */
  readonly zeroPoint: number | "each";
  readonly bias: boolean;
}

/** Rows of x that share each code once it is a number: as many as there are registers for, at most so many. */
const MOST_ROWS = 4;

/**
 * Parameters x, y, w, scale, zeroPoint?, bias?. Codes of a block are multiplied as they are, less the zero point, and the sum of the
 * block by its scale: as many roundings as there are blocks more than with real weights.
 */
export function weightOnlyKernel(c: WeightOnly, { registers, pressure, fma }: TargetProfile): Kernel {
  for (let rows = Math.min(MOST_ROWS, c.m); ; rows--) {
    const kernel = new Emitter(c, rows).kernel();
    if (rows === 1 || pressureOf(kernel, pressure, fma !== "no") <= registers) return kernel;
  }
}

class Emitter {
  private readonly c: WeightOnly;
  private readonly b: KernelBuilder;
  private readonly rows: number;
  private readonly halves: boolean;

  constructor(c: WeightOnly, rows: number) {
    this.c = c;
    this.rows = rows;
    this.halves = c.dtype === "u4" && c.lanes > 1;
    const name = `weights_${c.dtype}_${c.m}x${c.k}x${c.n}_from${c.first}_${c.count}_block${c.block}_nv${c.lanes > 1 ? c.vectors : 0}`;
    this.b = new KernelBuilder(`${name}_zero${typeof c.zeroPoint === "number" ? `${c.zeroPoint}`.replace("-", "m") : "each"}${c.bias ? "_bias" : ""}`, {
      lanes: c.lanes,
      mode: "fast",
      loc: c.loc,
    });
  }

  kernel(): Kernel {
    const { b, c } = this;
    const { m, k, n, count, block, lanes, vectors, first } = c;
    const [width, blocks] = [lanes * vectors, k / block];
    const codeElem = c.dtype === "i8" || c.dtype === "i4" ? "i8" : "u8";
    b.param("x", "f32", m * k, "in");
    b.param("y", "f32", m * n, "out");
    b.param("w", codeElem, (count * k) / (this.halves ? 2 : 1), "in");
    b.param("scale", "f32", count * blocks, "in");
    if (c.zeroPoint === "each") b.param("zeroPoint", lanes > 1 ? "f32" : codeElem, count * blocks, "in");
    if (c.bias) b.param("bias", "f32", count, "in");
    const per = this.halves ? 2 : 1;
    const at = {
      w: b.cursor("w", "w"),
      scale: b.cursor("s", "scale"),
      ...(c.zeroPoint === "each" ? { zeroPoint: b.cursor("z", "zeroPoint") } : {}),
      ...(c.bias ? { bias: b.cursor("c", "bias") } : {}),
    };
    const tiles = [
      { rows: this.rows, trips: Math.floor(m / this.rows), from: 0 },
      { rows: m % this.rows, trips: 1, from: m - (m % this.rows) },
    ].filter(({ rows }) => rows > 0);
    const cursors = tiles.map(({ from }) => ({ x: b.cursor("x", "x", from * k), y: b.cursor("y", "y", from * n + first) }));
    const advance = {
      [at.w]: (width * k) / per,
      [at.scale]: width * blocks,
      ...(at.zeroPoint ? { [at.zeroPoint]: width * blocks } : {}),
      ...(at.bias ? { [at.bias]: width } : {}),
      ...Object.fromEntries(cursors.map(({ y }) => [y, width])),
    };
    b.loop("panel", count / width, advance, () => {
      tiles.forEach(({ rows, trips }, i) => {
        const { x, y } = cursors[i]!;
        b.loop("rows", trips, { [x]: rows * k, [y]: rows * n }, () => this.tile(rows, { ...at, x, y }));
      });
    });
    return b.finish();
  }

  private tile(
    rows: number,
    at: { readonly x: string; readonly y: string; readonly w: string; readonly scale: string; readonly zeroPoint?: string; readonly bias?: string },
  ): void {
    const { b, c } = this;
    const { lanes, vectors, block, k, n } = c;
    const [width, per] = [lanes * vectors, this.halves ? 2 : 1];
    const real = lanes > 1 ? vector("f32", lanes) : F32;
    const each = <T>(make: (row: number, v: number) => T): T[][] =>
      Array.from({ length: rows }, (_, row) => Array.from({ length: vectors }, (_u, v) => make(row, v)));
    const totals = each((_, v) => b.let("total", at.bias ? b.load(real, at.bias, v * lanes) : b.constant(real, 0)));
    const blockSteps = { [at.x]: block, [at.w]: (width * block) / per, [at.scale]: width, ...(at.zeroPoint ? { [at.zeroPoint]: width } : {}) };
    b.loop("block", k / block, blockSteps, () => {
      const zeros = Array.from({ length: vectors }, (_, v) => this.zero(at.zeroPoint, v));
      // One row alone has a chain for each half of a byte: that hides the latency of the sums.
      const chains = rows === 1 ? per : 1;
      const sums = Array.from({ length: chains }, () => each(() => b.let("sum", b.constant(real, 0))));
      b.loop("k", block / per, { [at.x]: per, [at.w]: width }, () => {
        const numbers = Array.from({ length: vectors }, (_, v) => this.codes(at.w, v).map((code) => b.let("q", zeros[v] ? b.sub(code, zeros[v]) : code)));
        for (let half = 0; half < per; half++)
          for (let row = 0; row < rows; row++) {
            const a = b.let("a", b.splat(real, at.x, row * k + half));
            for (let v = 0; v < vectors; v++) b.set(sums[half % chains]![row]![v]!, b.madd(a, numbers[v]![half]!, sums[half % chains]![row]![v]!));
          }
      });
      for (let v = 0; v < vectors; v++) {
        const scale = b.let("scale", b.load(real, at.scale, v * lanes));
        for (let row = 0; row < rows; row++) {
          const sum = sums.map((half) => half[row]![v]!).reduce((p, q) => b.add(p, q));
          b.set(totals[row]![v]!, b.madd(sum, scale, totals[row]![v]!));
        }
      }
    });
    totals.forEach((row, i) => row.forEach((total, v) => b.store(at.y, i * n + v * lanes, total)));
  }

  /** Undefined where there is nothing to take off. */
  private zero(cursor: string | undefined, v: number): Term | undefined {
    const { b, c } = this;
    const real = c.lanes > 1 ? vector("f32", c.lanes) : F32;
    if (!cursor) return c.zeroPoint === 0 ? undefined : b.let("zero", b.constant(real, c.zeroPoint as number));
    if (c.lanes > 1) return b.let("zero", b.load(real, cursor, v * c.lanes));
    return b.let("zero", b.toFloat(b.load(scalar(c.dtype === "i8" || c.dtype === "i4" ? "i8" : "u8"), cursor)));
  }

  /** One number, or the two of a byte, in each lane. */
  private codes(cursor: string, v: number): readonly Term[] {
    const { b, c } = this;
    const elem = c.dtype === "i8" || c.dtype === "i4" ? "i8" : "u8";
    const word = b.let("word", c.lanes > 1 ? b.widen(vector("i32", c.lanes), vector(elem, c.lanes), cursor, v * c.lanes) : b.load(scalar(elem), cursor));
    if (!this.halves) return [b.toFloat(word)];
    return [b.toFloat(b.op("and", word.type, [word, b.constant(word.type, 15)])), b.toFloat(b.shrU(word, 4))];
  }
}
