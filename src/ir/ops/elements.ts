import type { Data } from "../tensor.ts";
import type { DType } from "../types.ts";

/** Tolerance of ops that only move or pick elements. */
export const UNCHANGED = { abs: 0, rel: 0 } as const;

/** Tolerance of sums of products: executors add in other orders, and Winograd rounds more. */
export const SUMS = { abs: 1e-4, rel: 1e-4 } as const;

/** Data as doubles, so that inner loops meet one kind of array. i64 and u64 above 2^53 are rounded. */
export function toDoubles(data: Data): Float64Array {
  if (data instanceof Float64Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  return Float64Array.from(data as ArrayLike<number>);
}

/** Zeros (or "") of the same kind of array. */
export function emptyLike(data: Data, count: number): Data {
  return Array.isArray(data) ? new Array<string>(count).fill("") : new (data.constructor as new (n: number) => Data)(count);
}

/** Data whose elements are only moved: of any kind, all of the same. */
export type Movable = { [i: number]: unknown; readonly length: number };

/** y[i] = data[table[i]]. */
export function take(data: Data, table: Int32Array): Data {
  const y = emptyLike(data, table.length);
  const [from, to]: Movable[] = [data, y];
  for (let i = 0; i < table.length; i++) to![i] = from![table[i]!];
  return y;
}

/** to[table[i]] = data[i]. */
export function place(data: Data, to: Data, table: Int32Array): Data {
  const [from, into]: Movable[] = [data, to];
  for (let i = 0; i < table.length; i++) into![table[i]!] = from![i];
  return to;
}

/** to[toStart + i] = data[start + i] for `count` elements. */
export function copyRun(data: Data, start: number, count: number, to: Data, toStart: number): void {
  if (Array.isArray(data) || Array.isArray(to)) for (let i = 0; i < count; i++) (to as string[])[toStart + i] = (data as string[])[start + i]!;
  else (to as Float64Array).set((data as Float64Array).subarray(start, start + count), toStart);
}

/** A number as an element of `data`'s kind. */
export function elementFor(dtype: DType, value: number): number | bigint | string {
  if (dtype === "string") return "";
  return dtype === "i64" || dtype === "u64" ? BigInt(Math.trunc(value)) : value;
}

/** Elements between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** A shape seen from one axis: `outer` blocks of `size` rows of `inner` elements. */
export interface AxisSplit {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

export function splitAt(shape: readonly number[], axis: number): AxisSplit {
  const count = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
  return { outer: count(shape.slice(0, axis)), size: shape[axis]!, inner: count(shape.slice(axis + 1)) };
}

/** All sums of one offset from each list, the last list fastest: the flat indices of a view whose axes have these offsets. */
export function tableOf(offsets: readonly ArrayLike<number>[], start = 0): Int32Array {
  let table = Int32Array.of(start);
  for (const list of offsets) {
    const next = new Int32Array(table.length * list.length);
    let at = 0;
    for (let i = 0; i < table.length; i++) {
      const base = table[i]!;
      for (let j = 0; j < list.length; j++) next[at++] = base + list[j]!;
    }
    table = next;
  }
  return table;
}

/** `count` offsets, `step` apart. */
export function evenOffsets(count: number, step: number, start = 0): Int32Array {
  const offsets = new Int32Array(count);
  for (let i = 0; i < count; i++) offsets[i] = start + i * step;
  return offsets;
}

/** Flat index into an operand of `shape` for each element of `result`, to which it broadcasts. */
export function broadcastTable(shape: readonly number[], result: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  const extra = result.length - shape.length;
  return tableOf(result.map((count, i) => evenOffsets(count, i < extra || shape[i - extra] === 1 ? 0 : strides[i - extra]!)));
}
