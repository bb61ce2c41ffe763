import type { Data } from "../tensor.ts";
import { integerRange, isFloat, isWide, type DType } from "../types.ts";
import { toDoubles } from "./elements.ts";
import { threeAxes, type Sliding } from "./window-geometry.ts";

/** Taps of one axis that lie inside the image: the first, and one past the last. */
function tapsInside({ in: count, kernel, stride, dilation, before }: Sliding, out: number): readonly [number, number] {
  const start = out * stride - before;
  const first = Math.max(0, Math.ceil(-start / dilation));
  return [first, Math.max(first, Math.min(kernel, Math.ceil((count - start) / dilation)))];
}

/** Calls `fold` with the flat place of each tap inside the image, then `close`, window after window of a plane. */
function eachWindow(axes: readonly Sliding[], fold: (at: number) => void, close: (d: number, h: number, v: number) => void): void {
  const [d, h, v] = threeAxes(axes);
  for (let a = 0; a < d.out; a++) {
    const [a0, a1] = tapsInside(d, a);
    for (let b = 0; b < h.out; b++) {
      const [b0, b1] = tapsInside(h, b);
      for (let c = 0; c < v.out; c++) {
        const [c0, c1] = tapsInside(v, c);
        for (let i = a0; i < a1; i++) {
          const slab = (a * d.stride + i * d.dilation - d.before) * h.in;
          for (let j = b0; j < b1; j++) {
            const row = (slab + b * h.stride + j * h.dilation - h.before) * v.in + c * v.stride - v.before;
            for (let k = c0; k < c1; k++) fold(row + k * v.dilation);
          }
        }
        close(a, b, c);
      }
    }
  }
}

const planeOf = (axes: readonly Sliding[]): number => axes.reduce((n, axis) => n * axis.in, 1);
const pixelsOf = (axes: readonly Sliding[]): number => axes.reduce((n, axis) => n * axis.out, 1);

/** The greatest element of each window and its place in all of x, the first of equals. NaN wins; a window of padding alone gives the least value. */
export function greatestInWindows(
  x: Data,
  planes: number,
  axes: readonly Sliding[],
  dtype: DType,
): { readonly values: ArrayLike<number | bigint>; readonly indices: Float64Array } {
  const data = toDoubles(x);
  const values = new Float64Array(planes * pixelsOf(axes));
  const indices = new Float64Array(values.length);
  const least = isFloat(dtype) ? -Infinity : integerRange(dtype)[0];
  let [start, to, best, at] = [0, 0, least, -1];
  const fold = (i: number): void => {
    const value = data[start + i]!;
    if (value > best || at < 0 || (value !== value && best === best)) [best, at] = [value, start + i];
  };
  for (let plane = 0; plane < planes; plane++) {
    start = plane * planeOf(axes);
    eachWindow(axes, fold, () => {
      values[to] = best;
      indices[to++] = at;
      [best, at] = [least, -1];
    });
  }
  return { values: isWide(dtype) ? Array.from(indices, (i) => (i < 0 ? BigInt(least) : (x as BigInt64Array)[i]!)) : values, indices };
}

/** Means over what lies inside the image, or with `includePad` over its padding too. */
export function averageWindows(x: Float64Array, planes: number, axes: readonly Sliding[], includePad: boolean): Float64Array {
  const y = new Float64Array(planes * pixelsOf(axes));
  let [start, to, sum, count] = [0, 0, 0, 0];
  const padded = threeAxes(axes).map((axis) => Int32Array.from({ length: axis.out }, (_, o) => tapsOverPadding(axis, o)));
  const fold = (i: number): void => {
    sum += x[start + i]!;
    count++;
  };
  for (let plane = 0; plane < planes; plane++) {
    start = plane * planeOf(axes);
    eachWindow(axes, fold, (d, h, v) => {
      y[to++] = sum / (includePad ? padded[0]![d]! * padded[1]![h]! * padded[2]![v]! : count);
      [sum, count] = [0, 0];
    });
  }
  return y;
}

/** Taps of one axis that lie inside the image or its padding. */
function tapsOverPadding({ in: count, kernel, stride, dilation, before, after }: Sliding, out: number): number {
  return Math.min(kernel, Math.ceil((count + after + before - out * stride) / dilation));
}

export function normWindows(x: Float64Array, planes: number, axes: readonly Sliding[], p: number): Float64Array {
  const y = new Float64Array(planes * pixelsOf(axes));
  let [start, to, sum] = [0, 0, 0];
  const fold = (i: number): void => {
    const value = Math.abs(x[start + i]!);
    sum += p === 1 ? value : p === 2 ? value * value : value ** p;
  };
  for (let plane = 0; plane < planes; plane++) {
    start = plane * planeOf(axes);
    eachWindow(axes, fold, () => {
      y[to++] = p === 1 ? sum : p === 2 ? Math.sqrt(sum) : sum ** (1 / p);
      sum = 0;
    });
  }
  return y;
}
