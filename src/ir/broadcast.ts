/** Numpy's broadcasting: shapes are aligned at their last axis, an extent of 1 repeats. */
import { boundsOf, dimOf, equalDims } from "./dims.ts";
import { TypeMismatch } from "./op-def.ts";
import type { Dim } from "./types.ts";

/** The shape that all the given ones broadcast to. */
export function broadcastShapes(...shapes: readonly (readonly Dim[])[]): readonly Dim[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let extent: Dim = 1;
    for (const shape of shapes) {
      const dim = shape[shape.length - rank + axis] ?? 1;
      const joined = broadcastDims(extent, dim);
      if (joined === undefined) throw new TypeMismatch(`shapes ${shapes.map(shapeText).join(" and ")} don't broadcast`);
      extent = joined;
    }
    return extent;
  });
}

function broadcastDims(a: Dim, b: Dim): Dim | undefined {
  if (a === 1) return b;
  if (b === 1 || equalDims(a, b)) return a;
  if (typeof a === "number" && typeof b === "number") return undefined;
  const [lowA, highA] = boundsOf(a);
  const [lowB, highB] = boundsOf(b);
  const mayMatch = lowA <= highB && lowB <= highA;
  if (!mayMatch && lowA > 1 && lowB > 1) return undefined;
  if (typeof a === "number") return a;
  if (typeof b === "number") return b;
  return dimOf("max", a, b);
}

/** "2xNx3", for messages; "scalar" for rank 0. */
export function shapeText(shape: readonly Dim[]): string {
  return shape.length === 0 ? "scalar" : shape.map(dimWord).join("x");
}

function dimWord(dim: Dim): string {
  if (typeof dim === "number") return String(dim);
  return dim.kind === "symbol" ? dim.name : `${dim.operator}(${dimWord(dim.left)}, ${dimWord(dim.right)})`;
}

/** Elements `start .. start + count` of the result read element `offsets[i] + k * steps[i]` of operand i. Both arrays are reused. */
export type Row = (start: number, count: number, offsets: Int32Array, steps: Int32Array) => void;

/**
 * Walks a result of `shape` in order, in the longest rows along which each operand moves by one constant step: a single row
 * when all shapes are equal or scalar.
 */
export function forEachRow(shape: readonly number[], operands: readonly (readonly number[])[], row: Row): void {
  const { extents, strides } = coalesce(shape, operands);
  const inner = extents.length - 1;
  const count = extents[inner] ?? 1;
  if (extents.includes(0)) return;
  const steps = Int32Array.from(operands, (_, i) => strides[i]![inner] ?? 0);
  const offsets = new Int32Array(operands.length);
  const index = new Int32Array(Math.max(inner, 0));
  for (let start = 0; ; start += count) {
    row(start, count, offsets, steps);
    let axis = inner - 1;
    for (; axis >= 0; axis--) {
      index[axis]!++;
      for (let i = 0; i < operands.length; i++) offsets[i]! += strides[i]![axis]!;
      if (index[axis]! < extents[axis]!) break;
      for (let i = 0; i < operands.length; i++) offsets[i]! -= strides[i]![axis]! * extents[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** Strides of each operand over the result's axes (0 where it repeats), neighbouring axes joined where all operands allow it. */
function coalesce(shape: readonly number[], operands: readonly (readonly number[])[]): { extents: number[]; strides: number[][] } {
  const full = operands.map((operand) => stridesIn(operand, shape.length));
  const extents: number[] = [];
  const strides = operands.map((): number[] => []);
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    const joins = last >= 0 && full.every((stride, i) => strides[i]![last] === stride[axis]! * extent);
    if (joins) extents[last]! *= extent;
    else extents.push(extent);
    full.forEach((stride, i) => {
      if (joins) strides[i]![last] = stride[axis]!;
      else strides[i]!.push(stride[axis]!);
    });
  });
  return { extents, strides };
}

function stridesIn(operand: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let i = operand.length - 1; i >= 0; i--) {
    if (operand[i] !== 1) strides[rank - operand.length + i] = stride;
    stride *= operand[i]!;
  }
  return strides;
}
