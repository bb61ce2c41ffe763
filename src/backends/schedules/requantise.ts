import type { Op } from "../../ir/graph.ts";
import { fixedPoint, onnxFactor, storedBounds, type RequantAttrs } from "../../ir/ops/requantise.ts";
import type { DType } from "../../ir/types.ts";
import { storeElement } from "./storage.ts";
import { lanesOfType, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";

/** From accumulators to stored integers: times a factor, rounded, plus a zero point, clamped. */
export interface Requantise {
  readonly dtype: DType;
  readonly rounding: RequantAttrs["rounding"];
  readonly zeroPoint: number;
  readonly low: number;
  readonly high: number;
  /** What the factor is made of, as many numbers as columns have factors of their own, or one for all. */
  readonly tables: readonly FactorTable[];
}

/** One number a column, or one for all; `param` names the kernel's parameter where there are several. */
export interface FactorTable {
  readonly param: string;
  readonly elem: "f32" | "f64" | "i32";
  readonly values: readonly number[];
}

/** How a product of quantised operands stores its result; undefined where it stores the accumulators. */
export function requantiseOf(op: Op): Requantise | undefined {
  const result = op.result.type;
  const attrs = op.attrs as unknown as RequantAttrs;
  if (result.quant === undefined || attrs.outScale.length === 0) return undefined;
  const [x, w] = [op.operands[0]!.type.quant!, op.operands[1]!.type.quant!];
  const out = attrs.outScale[0]!;
  const [low, high] = storedBounds(result, op.attrs);
  return {
    dtype: result.dtype,
    rounding: attrs.rounding,
    zeroPoint: attrs.outZeroPoint[0]!,
    low,
    high,
    tables: tablesOf(attrs.rounding, x.scale[0]!, w.scale, out),
  };
}

function tablesOf(rounding: RequantAttrs["rounding"], x: number, w: readonly number[], out: number): FactorTable[] {
  switch (rounding) {
    case "onnx":
      return [{ param: "factors", elem: "f32", values: w.map((scale) => onnxFactor(x, scale, out)) }];
    case "float":
      return [{ param: "factors", elem: "f64", values: w.map((scale) => (x * scale) / out) }];
    case "tflite": {
      const fixed = w.map((scale) => fixedPoint((x * scale) / out));
      return [
        { param: "multipliers", elem: "i32", values: fixed.map((f) => f.multiplier) },
        { param: "shifts", elem: "i32", values: fixed.map((f) => f.shift) },
      ];
    }
  }
}

/** Where results go and their factors come from; a factor that all columns share has no cursor. */
export interface Stored {
  readonly cursor: string;
  readonly offset: number;
  readonly factors: readonly (string | undefined)[];
  readonly factorOffset: number;
  /** Lanes that exist. */
  readonly count: number;
}

/** Stores accumulators through a cursor of `storeCursor`: vectors at once, other roundings than ONNX's lane by lane, through f64 or i64. */
export function storeRequantised(b: KernelBuilder, acc: Term, r: Requantise, to: Stored): void {
  const lanes = lanesOfType(acc.type);
  const factorsAt = (lanes: number, offset: number): readonly Term[] =>
    to.factors.map((cursor, t) => {
      const { elem, values } = r.tables[t]!;
      return cursor === undefined ? b.constant({ elem, lanes }, values[0]!) : b.load({ elem, lanes }, cursor, offset);
    });
  if (r.rounding === "onnx" && to.count === lanes) {
    return storeElement(b, r.dtype, lanes, to.cursor, to.offset, b.let("y", requantised(b, acc, r, factorsAt(lanes, to.factorOffset))));
  }
  for (let lane = 0; lane < to.count; lane++) {
    const value = lanes === 1 ? acc : b.let("l", b.op("extract", scalar("i32"), [acc], [lane]));
    storeElement(b, r.dtype, 1, to.cursor, to.offset + lane, requantised(b, value, r, factorsAt(1, to.factorOffset + lane)));
  }
}

/** Stored integers, in i32, of accumulators; `factors` as `tables` lists them, with the lanes of `acc`. */
function requantised(b: KernelBuilder, acc: Term, r: Requantise, factors: readonly Term[]): Term {
  switch (r.rounding) {
    case "onnx": {
      const scaled = b.let("q", b.mul(b.toFloat(acc), factors[0]!));
      const whole = b.op("nearest", scaled.type, [scaled]);
      const bounds = [r.low - r.zeroPoint, r.high - r.zeroPoint].map((bound) => b.constant(scaled.type, bound));
      const bounded = b.truncToInt(b.pmin(b.pmax(bounds[0]!, b.let("q", whole)), bounds[1]!));
      return r.zeroPoint === 0 ? bounded : b.add(bounded, b.constant(bounded.type, r.zeroPoint));
    }
    case "float":
      return clamped(b, halfAway(b, b.mul(b.convert(acc, "f64"), factors[0]!), r), r);
    case "tflite":
      return clamped(b, highProduct(b, acc, factors[0]!, factors[1]!), r);
  }
}

/** Nearest integer, halves away from zero, of a scalar f64; far ones stop where the clamp does. */
function halfAway(b: KernelBuilder, value: Term, r: Requantise): Term {
  const c = (number: number): Term => b.constant(value.type, number);
  const v = b.let("v", value);
  const magnitude = b.op("floor", v.type, [b.add(b.abs(v), c(0.5))]);
  const limit = 2 * (r.high - r.low + Math.abs(r.zeroPoint) + 1);
  const near = b.let("v", b.pmin(b.let("v", magnitude), c(limit)));
  return b.convert(b.select(b.compare("lt", v, c(0)), b.neg(near), near), "i32");
}

/**
 * gemmlowp: the accumulator times 2^max(shift, 0), wrapped; the high 31 bits of its product with the multiplier, rounded; shifted
 * right by max(-shift, 0), halves away from zero.
 */
function highProduct(b: KernelBuilder, acc: Term, multiplier: Term, shift: Term): Term {
  const [word, long] = [scalar("i32"), scalar("i64")];
  const wide = (value: bigint): Term => b.constant(long, value);
  const zero = b.constant(word, 0);
  const shifts = b.let("shift", shift);
  const left = b.let("left", b.pmax(shifts, zero));
  const right = b.let("right", b.pmax(b.neg(shifts), zero));
  const moved = b.op("shl", word, [acc, left]);
  const product = b.let("product", b.mul(b.convert(moved, "i64"), b.convert(multiplier, "i64")));
  const nudge = b.select(b.compare("ge", product, wide(0n)), wide(1n << 30n), wide(1n - (1n << 30n)));
  const high = b.let("high", b.op("div", long, [b.add(product, nudge), wide(1n << 31n)]));
  const half = b.op("shrS", long, [b.op("shl", long, [wide(1n), right]), b.constant(word, 1)]);
  const magnitude = b.op("shrS", long, [b.add(b.select(b.compare("lt", high, wide(0n)), b.neg(high), high), half), right]);
  const rounded = b.let("rounded", magnitude);
  return b.convert(b.select(b.compare("lt", high, wide(0n)), b.neg(rounded), rounded), "i32");
}

function clamped(b: KernelBuilder, value: Term, r: Requantise): Term {
  const c = (bound: number): Term => b.constant(value.type, bound);
  return b.pmin(b.pmax(b.let("y", b.add(value, c(r.zeroPoint))), c(r.low)), c(r.high));
}

/** Tables that have a number a column. */
export function columnTables({ requantise }: { readonly requantise?: Requantise | undefined }): readonly FactorTable[] {
  return requantise?.tables.filter((table) => table.values.length > 1) ?? [];
}

/** The numbers of a table with one a column, laid out as the biases of a contraction are: rows of `row` elements in `size`. */
export function tableData(table: FactorTable, columns: number, row: number, size: number): Float32Array | Float64Array | Int32Array {
  const data = new ARRAYS[table.elem](size);
  table.values.forEach((value, i) => (data[Math.floor(i / columns) * row + (i % columns)] = value));
  return data;
}

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array } as const;
