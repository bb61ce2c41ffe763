import { int } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import type { Data } from "../tensor.ts";
import { equalShapes, tensorType, type TensorType } from "../types.ts";
import { copyRun, emptyLike, splitAt, stridesOf, take, toDoubles, UNCHANGED } from "./elements.ts";
import { axisIn, expect, expectIndices, knownExtent } from "./expect.ts";

/** Negative indices count from the end. One that is still outside reads the nearest element inside, on every executor. */
export function insideIndex(index: number, count: number): number {
  const at = index < 0 ? index + count : index;
  return at < 0 ? 0 : at >= count ? count - 1 : at;
}

/** One scale for all: what is picked out of a tensor has no whole quantised axis. */
export function expectOneScale(op: string, { quant }: TensorType): void {
  expect(quant?.axis === undefined || quant.scale.length === 1, () => `x is quantised along an axis, ${op} wants one scale`);
}

export const gather = defineOp({
  name: "gather",
  summary: "Slices of x along an axis, picked by index: y[..., i..., ...] = x[..., indices[i...], ...].",
  operands: ["x", "indices"],
  attrs: { axis: int() },
  tolerance: UNCHANGED,
  samples: [
    { x: "5x3xf32", indices: "2x2xi64", attrs: { axis: 0 } },
    { x: "2x4x3xi64", indices: "3xi32", attrs: { axis: -2 } },
    { x: "4xbool", indices: "i64", attrs: { axis: 0 } },
  ],
  infer({ x, indices }, { axis }) {
    expectIndices("gather", "indices", indices);
    expectOneScale("gather", x);
    const at = axisIn("gather", axis, x.shape.length);
    expect(x.shape[at] !== 0 || indices.shape.includes(0), () => `axis ${at} of x is empty, gather wants elements`);
    return tensorType(x.dtype, [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)], x.quant);
  },
  evaluate({ x, indices }, { axis }, _result, types) {
    const { outer, size, inner } = splitAt(types.x.shape, axisIn("gather", axis, types.x.shape.length));
    const picks = toDoubles(indices);
    const y: Data = emptyLike(x, outer * picks.length * inner);
    for (let o = 0, at = 0; o < outer; o++) {
      for (let i = 0; i < picks.length; i++, at += inner) copyRun(x, (o * size + insideIndex(picks[i]!, size)) * inner, inner, y, at);
    }
    return y;
  },
});

export const gatherElements = defineOp({
  name: "gatherElements",
  summary: "Elements picked along an axis: y[..., i, ...] = x[..., indices[..., i, ...], ...]; y is shaped like indices.",
  operands: ["x", "indices"],
  attrs: { axis: int() },
  tolerance: UNCHANGED,
  samples: [
    { x: "3x3xf32", indices: "2x3xi64", attrs: { axis: 0 } },
    { x: "2x4xi64", indices: "2x2xi32", attrs: { axis: -1 } },
    { x: "4x2x3xf32", indices: "1x2x3xi64", attrs: { axis: 0 } },
  ],
  infer({ x, indices }, { axis }) {
    expectIndices("gatherElements", "indices", indices);
    expectOneScale("gatherElements", x);
    expectElementIndices("gatherElements", x, indices, axis);
    return tensorType(x.dtype, indices.shape, x.quant);
  },
  evaluate: ({ x, indices }, { axis }, _result, types) => take(x, elementTable(toDoubles(indices), types.x.shape, types.indices.shape, axis, insideIndex)),
});

/** Indices of the rank of x, in every axis but the one they index no longer than it. */
export function expectElementIndices(op: string, x: TensorType, indices: TensorType, axis: number): void {
  const at = axisIn(op, axis, x.shape.length);
  const fits =
    indices.shape.length === x.shape.length &&
    indices.shape.every((dim, i) => i === at || dim === x.shape[i] || Number(dim) <= Number(x.shape[i]) || equalShapes([dim], [x.shape[i]!]));
  expect(fits, () => `indices are ${shapeText(indices.shape)}, ${op} along axis ${at} wants them to lie inside ${shapeText(x.shape)}`);
}

/** Flat index into a tensor of `shape` for each of the indices that point along `axis`; `inside` maps those outside, -1 means nowhere. */
export function elementTable(
  indices: Float64Array,
  shape: readonly number[],
  indexShape: readonly number[],
  axis: number,
  inside: (index: number, count: number) => number,
): Int32Array {
  const at = axisIn("gatherElements", axis, shape.length);
  const strides = stridesOf(shape);
  const counter = shape.map(() => 0);
  const table = new Int32Array(indices.length);
  for (let i = 0; i < table.length; i++) {
    const index = inside(indices[i]!, shape[at]!);
    let flat = index * strides[at]!;
    for (let a = 0; a < shape.length; a++) if (a !== at) flat += counter[a]! * strides[a]!;
    table[i] = index < 0 ? -1 : flat;
    for (let a = shape.length - 1; a >= 0 && ++counter[a]! === indexShape[a]; a--) counter[a] = 0;
  }
  return table;
}

export const gatherNd = defineOp({
  name: "gatherNd",
  summary: "The last axis of indices holds positions in the axes of x behind the batch axes; what they leave of x is copied.",
  operands: ["x", "indices"],
  attrs: { batchDims: int(0) },
  tolerance: UNCHANGED,
  samples: [
    { x: "3x4xf32", indices: "5x2xi64" },
    { x: "3x4x2xf32", indices: "2x1xi64" },
    { x: "2x3x4xi64", indices: "2x2x1xi64", attrs: { batchDims: 1 } },
    { x: "2x3xbool", indices: "1xi32" },
  ],
  infer({ x, indices }, { batchDims }) {
    expectIndices("gatherNd", "indices", indices);
    expectOneScale("gatherNd", x);
    const depth = knownExtent("gatherNd", "indices", indices.shape.at(-1));
    const batches =
      batchDims >= 0 &&
      batchDims < indices.shape.length &&
      batchDims <= x.shape.length &&
      equalShapes(x.shape.slice(0, batchDims), indices.shape.slice(0, batchDims));
    expect(batches, () => `x is ${shapeText(x.shape)} and indices are ${shapeText(indices.shape)}, gatherNd wants them to share ${batchDims} batch axes`);
    expect(depth <= x.shape.length - batchDims, () => `indices point into ${depth} axes, x has ${x.shape.length - batchDims} for gatherNd`);
    return tensorType(x.dtype, [...indices.shape.slice(0, -1), ...x.shape.slice(batchDims + depth)], x.quant);
  },
  evaluate({ x, indices }, { batchDims }, _result, types) {
    const { starts, run } = pointTable(toDoubles(indices), types.x.shape, types.indices.shape, batchDims, insideIndex);
    const y = emptyLike(x, starts.length * run);
    starts.forEach((start, i) => copyRun(x, start, run, y, i * run));
    return y;
  },
});

/** Where each index tuple points: the flat start of a run of `run` elements; -1 when `inside` says so for one of its indices. */
export function pointTable(
  indices: Float64Array,
  shape: readonly number[],
  indexShape: readonly number[],
  batchDims: number,
  inside: (index: number, count: number) => number,
): { readonly starts: Int32Array; readonly run: number } {
  const depth = indexShape.at(-1)!;
  const strides = stridesOf(shape);
  const count = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
  const batchSize = count(shape.slice(batchDims));
  const points = count(indexShape.slice(batchDims, -1));
  const starts = new Int32Array(count(indexShape.slice(0, -1)));
  for (let i = 0; i < starts.length; i++) {
    let flat = points === 0 ? 0 : Math.floor(i / points) * batchSize;
    let outside = false;
    for (let d = 0; d < depth; d++) {
      const index = inside(indices[i * depth + d]!, shape[batchDims + d]!);
      outside ||= index < 0;
      flat += index * strides[batchDims + d]!;
    }
    starts[i] = outside ? -1 : flat;
  }
  return { starts, run: count(shape.slice(batchDims + depth)) };
}
