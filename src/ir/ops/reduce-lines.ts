import { integerRange, isFloat, type DType } from "../types.ts";

export type ReduceKind = "sum" | "mean" | "prod" | "min" | "max" | "l1" | "l2" | "logSum" | "logSumExp" | "sumSquare" | "any" | "all";

/** What one pass over a line accumulates; each value is folded into the total in double precision. */
const FOLDS: Readonly<Record<ReduceKind, (rows: Float64Array, start: number, end: number, first: number) => number>> = {
  sum: sumOf,
  mean: (rows, start, end) => sumOf(rows, start, end) / (end - start),
  logSum: (rows, start, end) => Math.log(sumOf(rows, start, end)),
  sumSquare: squaresOf,
  l2: (rows, start, end) => Math.sqrt(squaresOf(rows, start, end)),
  prod(rows, start, end) {
    let total = 1;
    for (let i = start; i < end; i++) total *= rows[i]!;
    return total;
  },
  l1(rows, start, end) {
    let total = 0;
    for (let i = start; i < end; i++) total += Math.abs(rows[i]!);
    return total;
  },
  logSumExp(rows, start, end) {
    const top = greatest(rows, start, end, -Infinity);
    if (!Number.isFinite(top)) return top;
    let total = 0;
    for (let i = start; i < end; i++) total += Math.exp(rows[i]! - top);
    return top + Math.log(total);
  },
  max: greatest,
  min(rows, start, end, first) {
    let least = first;
    for (let i = start; i < end; i++) if (rows[i]! < least || rows[i] !== rows[i]) least = rows[i]!;
    return least;
  },
  any: (rows, start, end) => Number(rows.subarray(start, end).some((x) => x !== 0)),
  all: (rows, start, end) => Number(rows.subarray(start, end).every((x) => x !== 0)),
};

function sumOf(rows: Float64Array, start: number, end: number): number {
  let total = 0;
  for (let i = start; i < end; i++) total += rows[i]!;
  return total;
}

function squaresOf(rows: Float64Array, start: number, end: number): number {
  let total = 0;
  for (let i = start; i < end; i++) total += rows[i]! * rows[i]!;
  return total;
}

// Once NaN, no comparison is true any more.
function greatest(rows: Float64Array, start: number, end: number, first: number): number {
  let most = first;
  for (let i = start; i < end; i++) if (rows[i]! > most || rows[i] !== rows[i]) most = rows[i]!;
  return most;
}

/** `count` lines of `length` elements, each made one number. Extremes of nothing are the bounds of the dtype. */
export function reduceLines(kind: ReduceKind, rows: Float64Array, count: number, length: number, dtype: DType): Float64Array {
  const [low, high] = isFloat(dtype) ? [-Infinity, Infinity] : integerRange(dtype);
  const first = kind === "max" ? low : high;
  const y = new Float64Array(count);
  for (let i = 0; i < count; i++) y[i] = FOLDS[kind](rows, i * length, (i + 1) * length, first);
  return y;
}

/** The same for i64 and u64, exactly where the result is whole by nature; roots and logarithms are taken in doubles. */
export function reduceWideLines(
  kind: ReduceKind,
  rows: BigInt64Array | BigUint64Array,
  count: number,
  length: number,
  dtype: DType,
): ArrayLike<number | bigint> {
  const y = new Array<bigint>(count);
  const [low, high] = dtype === "i64" ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  for (let i = 0; i < count; i++) {
    const line = [...rows.subarray(i * length, (i + 1) * length)];
    const sum = (terms: readonly bigint[]): bigint => terms.reduce((a, b) => a + b, 0n);
    switch (kind) {
      case "sum":
        y[i] = sum(line);
        break;
      case "mean":
        y[i] = length === 0 ? 0n : sum(line) / BigInt(length);
        break;
      case "prod":
        y[i] = line.reduce((a, b) => a * b, 1n);
        break;
      case "min":
        y[i] = line.reduce((a, b) => (b < a ? b : a), high);
        break;
      case "max":
        y[i] = line.reduce((a, b) => (b > a ? b : a), low);
        break;
      case "l1":
        y[i] = sum(line.map((x) => (x < 0n ? -x : x)));
        break;
      case "sumSquare":
        y[i] = sum(line.map((x) => x * x));
        break;
      default:
        return reduceLines(kind, Float64Array.from(rows, Number), count, length, dtype);
    }
  }
  return y;
}
