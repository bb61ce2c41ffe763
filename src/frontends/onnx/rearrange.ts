import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { countOf, dimOf, equalDims } from "../../ir/dims.ts";
import { cast } from "../../ir/ops/conversion.ts";
import { broadcast, reshape, slice, transpose } from "../../ir/ops/movement.ts";
import { broadcastSymbolic, reshapeSymbolic } from "../../ir/ops/symbolic.ts";
import { printDim } from "../../ir/text/types.ts";
import { equalShapes, isFloat, type Dim, type DType } from "../../ir/types.ts";
import { rankOf } from "./static-shape.ts";

/** Movement ops as importers need them: what would change nothing makes no op. */

/** Extents may be lengths that only a run tells. */
export function reshapeTo(b: Builder, x: Value, shape: readonly Dim[]): Value {
  if (equalShapes(x.type.shape, shape)) return x;
  const numbers = shape.map((dim) => (typeof dim === "number" ? dim : -1));
  const isOne = shape.filter((dim) => typeof dim !== "number").length < 2 && fillsTo(x.type.shape, shape);
  return isOne ? b.create(reshape, { x }, { shape: numbers }) : b.create(reshapeSymbolic, { x }, { shape: shape.map(printDim) });
}

/** Whether the one open extent is what the others leave. */
function fillsTo(from: readonly Dim[], to: readonly Dim[]): boolean {
  const open = to.find((dim) => typeof dim !== "number");
  const rest = product(to.filter((dim) => typeof dim === "number"));
  const count = countOf(from);
  return open === undefined ? count === rest : rest > 0 && dimOf("mod", count, rest) === 0 && equalDims(dimOf("floorDiv", count, rest), open);
}

export function broadcastTo(b: Builder, x: Value, shape: readonly Dim[]): Value {
  if (equalShapes(x.type.shape, shape)) return x;
  if (shape.every((dim) => typeof dim === "number")) return b.create(broadcast, { x }, { shape });
  return b.create(broadcastSymbolic, { x }, { shape: shape.map(printDim) });
}

export function transposeBy(b: Builder, x: Value, perm: readonly number[]): Value {
  return perm.every((from, to) => from === to) ? x : b.create(transpose, { x }, { perm });
}

/** The last two axes swapped. */
export function transposeMatrix(b: Builder, x: Value): Value {
  const rank = rankOf(x);
  return transposeBy(b, x, [...range(rank - 2), rank - 1, rank - 2]);
}

export function castTo(b: Builder, x: Value, to: DType): Value {
  return x.type.dtype === to ? x : b.create(cast, { x }, { to });
}

/** y as x has it where both are floats: exporters leave weights in f32 that they folded into models of f16 or bf16. */
export function sameFloat(b: Builder, x: Value, y: Value): Value {
  return isFloat(x.type.dtype) && isFloat(y.type.dtype) ? castTo(b, y, x.type.dtype) : y;
}

/** `size` elements of one axis, from `start` on. */
export function sliceAxis(b: Builder, x: Value, axis: number, start: number, size: number): Value {
  const { shape } = x.type;
  if (start === 0 && size === shape[axis]) return x;
  const starts = shape.map((_, i) => (i === axis ? start : 0));
  return b.create(slice, { x }, { starts, sizes: shape.map((dim, i) => (i === axis ? size : typeof dim === "number" ? dim : -1)), steps: shape.map(() => 1) });
}

/** An axis of extent 1 put in at each of `axes`, which count in the result. */
export function unsqueezeAt(b: Builder, x: Value, axes: readonly number[]): Value {
  const dims = [...x.type.shape];
  const rank = dims.length + axes.length;
  return reshapeTo(
    b,
    x,
    Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : dims.shift()!)),
  );
}

/** 0, 1, … n-1. */
export function range(n: number): number[] {
  return Array.from({ length: Math.max(0, n) }, (_, i) => i);
}

/** Product of dims. */
export function product(dims: readonly number[]): number {
  return dims.reduce((n, dim) => n * dim, 1);
}
