import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { add, div, mul } from "../../src/ir/ops/arithmetic.ts";
import { constant, returnOp, shapeOf } from "../../src/ir/ops/control.ts";
import { cast } from "../../src/ir/ops/conversion.ts";
import { gather, gatherNd } from "../../src/ir/ops/gather.ts";
import { matmul } from "../../src/ir/ops/linear.ts";
import { concat, reshape, reverse, transpose } from "../../src/ir/ops/movement.ts";
import { nonMaxSuppression } from "../../src/ir/ops/non-max-suppression.ts";
import { softmax } from "../../src/ir/ops/normalisation.ts";
import { argReduce, cumulative, reduce } from "../../src/ir/ops/reduction.ts";
import { compress, nonZero, unique } from "../../src/ir/ops/selection.ts";
import { topK } from "../../src/ir/ops/sorting.ts";
import { span } from "../../src/ir/ops/span.ts";
import { roiAlign } from "../../src/ir/ops/window.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { tensorType, type DType, type StaticType } from "../../src/ir/types.ts";

/** A graph behind tensors whose length its inputs decide. */
export interface OpenCase {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly build: (b: Builder, inputs: readonly Value[]) => readonly Value[];
}

const numbers = (dtype: DType, shape: readonly number[], seed: number): Tensor => randomTensor(tensorType(dtype, shape) as StaticType, seed);
const bools = (values: readonly number[]): Tensor => tensor("bool", [values.length], values);
const [most, none, all] = [bools([1, 0, 1, 1, 0, 1, 1]), bools([0, 0, 0, 0, 0, 0, 0]), bools([1, 1, 1, 1, 1, 1, 1])];
const conditions = [most, none, all];
const x = numbers("f32", [7, 5], 3);

/** Rows of x where the condition holds. */
function rows(b: Builder, [condition, x]: readonly Value[]): Value {
  return b.create(compress, { x: x!, condition: condition! }, { extent: "rows" });
}

/** The same as columns. */
function columns(b: Builder, inputs: readonly Value[]): Value {
  return b.create(transpose, { x: rows(b, inputs) }, { perm: [1, 0] });
}

type Make = (b: Builder, inputs: readonly Value[]) => readonly Value[];

const BEHIND: Readonly<Record<string, Make>> = {
  "elementwise ops": (b, i) => [b.create(mul, { a: rows(b, i), b: rows(b, i) })],
  transposes: (b, i) => [columns(b, i)],
  casts: (b, i) => [b.create(cast, { x: rows(b, i) }, { to: "i32" })],
  "sums, means, extremes and products along it": (b, i) => {
    const x = rows(b, i);
    return (["sum", "max", "min", "prod", "l2", "logSumExp"] as const).map((kind) => b.create(reduce, { x }, { kind, axes: [0] }));
  },
  "sums of all": (b, i) => [b.create(reduce, { x: rows(b, i) }, { axes: [0, 1], keepDims: false })],
  "sums across it": (b, i) => [b.create(reduce, { x: rows(b, i) }, { axes: [1] })],
  "softmax across it": (b, i) => [b.create(softmax, { x: rows(b, i) }, { axis: 1 })],
  "running sums": (b, i) => [b.create(cumulative, { x: rows(b, i) }, { axis: 0 })],
  "matrix products of its rows": (b, i) => [b.create(matmul, { a: rows(b, i), b: columns(b, i) })],
  "matrix products along it": (b, i) => [b.create(matmul, { a: columns(b, i), b: rows(b, i) })],
  "concatenation with fixed rows": (b, i) => [b.create(concat, { xs: [rows(b, i), i[1]!] }, { axis: 0 })],
  "concatenation of two": (b, i) => [b.create(concat, { xs: [columns(b, i), i[2]!, columns(b, i)] }, { axis: 1 })],
  "a reshape that keeps rows in front": (b, i) => [b.create(reshape, { x: rows(b, i) }, { shape: [-1] })],
  "a reshape that keeps the axis": (b, i) => [b.create(reshape, { x: columns(b, i) }, { shape: [1, 5, -1, 1] })],
  "a reshape through the axis": (b, i) => [b.create(reshape, { x: columns(b, i) }, { shape: [-1] })],
  "its shape": (b, i) => [b.create(shapeOf, { x: columns(b, i) })],
  "a reversed row": (b, i) => [b.create(reverse, { x: rows(b, i) }, { axes: [1] })],
  "places looked up": (b, i) => {
    const places = b.create(reshape, { x: b.create(nonZero, { x: i[0]! }, { extent: "found" }) }, { shape: [-1] });
    const points = b.create(reshape, { x: places }, { shape: [-1, 1] });
    return [b.create(gather, { x: i[1]!, indices: places }, { axis: 0 }), b.create(gatherNd, { x: i[1]!, indices: points })];
  },
  "a span of it": (b, i) => {
    const three = b.create(constant, {}, { value: tensor("i64", [], [3]) });
    const one = b.create(constant, {}, { value: tensor("i32", [1], [1]) });
    return [
      b.create(span, { x: rows(b, i), length: three }, { extent: "few" }),
      b.create(span, { x: columns(b, i), length: three, start: one }, { axis: 1, extent: "later" }),
    ];
  },
  "a long chain": (b, i) => {
    const two = b.create(constant, {}, { value: tensor("f32", [], [2]) });
    const half = b.create(div, { a: rows(b, i), b: two });
    return [b.create(add, { a: b.create(softmax, { x: b.create(matmul, { a: half, b: i[3]! }) }), b: half })];
  },
};

/** Of no rows at all these are not defined. */
const OF_SOME: Readonly<Record<string, Make>> = {
  "the mean along it": (b, i) => [b.create(reduce, { x: rows(b, i) }, { kind: "mean", axes: [0] })],
  "softmax along it": (b, i) => [b.create(softmax, { x: columns(b, i) })],
  "the place of the greatest": (b, i) => [b.create(argReduce, { x: rows(b, i) }, { axis: 0 })],
  "the greatest along it": (b, i) => b.createAll(topK, { x: rows(b, i) }, { k: 3, axis: 0 }),
  "rows counted from the end": (b, i) => {
    const indices = b.create(constant, {}, { value: tensor("i64", [3], [-1, 0, -2]) });
    return [b.create(gather, { x: rows(b, i), indices }, { axis: 0 })];
  },
};

const more = [x, numbers("f32", [5, 2], 5), numbers("f32", [5, 5], 6)];
export const OPEN_CASES: readonly OpenCase[] = [
  ...Object.entries(BEHIND).flatMap(([name, build]) => conditions.map((condition, i) => ({ name: `${name} (${i})`, inputs: [condition, ...more], build }))),
  ...Object.entries(OF_SOME).flatMap(([name, build]) => [most, all].map((condition, i) => ({ name: `${name} (${i})`, inputs: [condition, ...more], build }))),
  {
    name: "distinct elements",
    inputs: [tensor("f32", [8], [2, NaN, -1, 2, 0, NaN, -0, 7])],
    build: (b, [x]) => [...b.createAll(unique, { x: x! }), ...b.createAll(unique, { x: x! }, { sorted: false, extent: "m" })],
  },
  {
    name: "regions that choose their number of samples, up to a thousand times as large as the image",
    inputs: [
      numbers("f32", [2, 3, 7, 9], 8),
      tensor("f32", [5, 4], [1, 2, 6, 5, -20, -3, 30, 9, -4000, -4000, 5000, 5000, 0, 0, 0, 0, 5, 5, 900, 6]),
      tensor("i64", [5], [0, 1, 1, 0, 1]),
    ],
    build: (b, [image, rois, batchIndices]) =>
      (["average", "max"] as const).map((kind) => b.create(roiAlign, { x: image!, rois: rois!, batchIndices: batchIndices! }, { kind, height: 2, width: 3 })),
  },
  {
    name: "boxes, and what stands at them",
    inputs: [randomTensor(tensorType("f32", [1, 40, 4]) as StaticType, 4, [0, 9]), randomTensor(tensorType("f32", [1, 2, 40]) as StaticType, 5, [0, 1])],
    build(b, [boxes, scores]) {
      const value = (dtype: DType, of: number): Value => b.create(constant, {}, { value: tensor(dtype, [], [of]) });
      const found = b.create(nonMaxSuppression, { boxes: boxes!, scores: scores!, most: value("i64", 9), iou: value("f32", 0.3), least: value("f32", 0.2) });
      const places = b.create(gather, { x: found, indices: value("i64", 2) }, { axis: 1 });
      return [found, b.create(gather, { x: boxes!, indices: places }, { axis: 1 })];
    },
  },
];

export function openGraph({ inputs, build }: OpenCase): Graph {
  const graph = new Graph(
    "open",
    inputs.map(({ type }, i) => new Value(type, `in${i}`)),
  );
  const b = new Builder(graph.ops);
  const values = build(b, graph.params);
  b.create(returnOp, { values }, { names: values.map((_, i) => `out${i}`) });
  return graph;
}
