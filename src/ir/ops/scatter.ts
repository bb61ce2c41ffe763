import { int, oneOf } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import type { Data } from "../tensor.ts";
import { equalShapes, tensorType, type TensorType } from "../types.ts";
import { elementTable, expectElementIndices, expectOneScale, pointTable } from "./gather.ts";
import { toDoubles } from "./elements.ts";
import { expect, expectIndices, expectShape, knownExtent } from "./expect.ts";

const reduction = oneOf("none", "add", "mul", "min", "max");
type Reduction = "none" | "add" | "mul" | "min" | "max";

/** Negative indices count from the end. One that is still outside writes nothing, on every executor. */
function insideOrNowhere(index: number, count: number): number {
  const at = index < 0 ? index + count : index;
  return at < 0 || at >= count ? -1 : at;
}

function inferScatter(op: string, x: TensorType, updates: TensorType, how: Reduction): TensorType {
  expect(updates.dtype === x.dtype, () => `updates are ${updates.dtype}, ${op} wants ${x.dtype} like x`);
  expectOneScale(op, x);
  expect(JSON.stringify(updates.quant ?? null) === JSON.stringify(x.quant ?? null), () => `updates are quantised otherwise than x, ${op} wants them alike`);
  expect(
    how === "none" || (x.dtype !== "string" && x.quant === undefined),
    () => `x is ${x.quant ? "quantised" : "string"}, ${op} with ${how} wants plain numbers`,
  );
  return tensorType(x.dtype, x.shape, x.quant);
}

export const scatterElements = defineOp({
  name: "scatterElements",
  summary: "x with y[..., indices[..., i, ...], ...] = updates[..., i, ...], in the order of updates; or added, multiplied, the least, the greatest.",
  operands: ["x", "indices", "updates"],
  attrs: { axis: int(), reduction },
  samples: [
    { x: "3x3xf32", indices: "2x3xi64", updates: "2x3xf32", attrs: { axis: 0 } },
    { x: "1x5xf32", indices: "1x2xi64", updates: "1x2xf32", attrs: { axis: -1, reduction: "add" } },
    { x: "2x4xi64", indices: "2x2xi32", updates: "2x2xi64", attrs: { axis: 1, reduction: "max" } },
  ],
  infer({ x, indices, updates }, attrs) {
    expectIndices("scatterElements", "indices", indices);
    expectElementIndices("scatterElements", x, indices, attrs.axis);
    expectShape("scatterElements", "updates", updates, indices.shape);
    return inferScatter("scatterElements", x, updates, attrs.reduction);
  },
  evaluate({ x, indices, updates }, attrs, _result, types) {
    return merge(x, updates, elementTable(toDoubles(indices), types.x.shape, types.indices.shape, attrs.axis, insideOrNowhere), 1, attrs.reduction);
  },
});

export const scatterNd = defineOp({
  name: "scatterNd",
  summary: "x with the parts that the last axis of indices points at replaced by updates, in their order; or added, multiplied, the least, the greatest.",
  operands: ["x", "indices", "updates"],
  attrs: { reduction },
  samples: [
    { x: "8xf32", indices: "4x1xi64", updates: "4xf32" },
    { x: "4x4x2xf32", indices: "2x1xi64", updates: "2x4x2xf32", attrs: { reduction: "mul" } },
    { x: "3x3xi64", indices: "2x2x2xi64", updates: "2x2xi64", attrs: { reduction: "add" } },
  ],
  infer({ x, indices, updates }, attrs) {
    expectIndices("scatterNd", "indices", indices);
    expect(indices.shape.length > 0, () => "indices are a scalar, scatterNd wants rank 1 or more");
    const depth = knownExtent("scatterNd", "indices", indices.shape.at(-1));
    expect(depth <= x.shape.length, () => `indices point into ${depth} axes, x has ${x.shape.length} for scatterNd`);
    const wanted = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
    expect(equalShapes(updates.shape, wanted), () => `updates are ${shapeText(updates.shape)}, scatterNd wants ${shapeText(wanted)}`);
    return inferScatter("scatterNd", x, updates, attrs.reduction);
  },
  evaluate({ x, indices, updates }, attrs, _result, types) {
    const { starts, run } = pointTable(toDoubles(indices), types.x.shape, types.indices.shape, 0, insideOrNowhere);
    return merge(x, updates, starts, run, attrs.reduction);
  },
});

/** A copy of x into which each run of updates is merged where its start points. */
function merge(x: Data, updates: Data, starts: Int32Array, run: number, how: Reduction): Data {
  const y = x.slice();
  // number, bigint or string: one kind in both arrays.
  const [into, from]: { [i: number]: number }[] = [y as Float64Array, updates as Float64Array];
  for (let i = 0; i < starts.length; i++) {
    if (starts[i]! < 0) continue;
    for (let j = 0; j < run; j++) {
      const at = starts[i]! + j;
      into![at] = MERGE[how](into![at]!, from![i * run + j]!);
    }
  }
  return y;
}

const MERGE: Readonly<Record<Reduction, (old: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  min: (old, update) => (update < old || update !== update ? update : old),
  max: (old, update) => (update > old || update !== update ? update : old),
};
