import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensorType, type StaticType } from "../../src/ir/types.ts";
import { floats, node } from "../fixtures/onnx-writer.ts";
import { testOpenModels, type OpenModel } from "./open-models.ts";

const weights = (shape: readonly number[], seed: number): Tensor => randomTensor(tensorType("f32", shape) as StaticType, seed);
const longs = (...values: readonly number[]): Tensor => tensor("i64", [values.length], values.map(BigInt));
const long = (of: number): Tensor => tensor("i64", [], [BigInt(of)]);
const most = { N: 5, S: 7 };
const at = [
  { N: 3, S: 4 },
  { N: 2, S: 6 },
];
const least = { S: 3 };
const x = ["N", "S", 3];
const places = { dtype: "i64", dims: ["N", 2], range: [-3, 2] } as const;

const MODELS: Readonly<Record<string, OpenModel>> = {
  "sums of products by letters": {
    nodes: [
      node("Einsum", ["x", "y"], ["a"], { equation: "nsd,nsd->ns" }),
      node("Einsum", ["x", "y"], ["b"], { equation: "nid,njd->nij" }),
      node("Einsum", ["x", "w"], ["c"], { equation: "nsd,de->sne" }),
    ],
    inputs: { x, y: x },
    outputs: { a: "f32", b: "f32", c: "f32" },
    initializers: { w: weights([3, 4], 1) },
    opset: 17,
    most,
    at,
  },
  "triangles, sequences turned round, the greatest of a row": {
    nodes: [
      node("Trilu", ["m"], ["a"], { upper: 0 }),
      node("ReverseSequence", ["x", "lengths"], ["b"], { batch_axis: 0, time_axis: 1 }),
      node("Hardmax", ["x"], ["c"], { axis: 1 }),
      node("CumSum", ["x", "one"], ["d"], { reverse: 1 }),
      node("ReduceLogSum", ["positive"], ["e"], { axes: [1] }),
    ],
    inputs: { x, m: ["N", "S", "S"], positive: { dims: x, range: [0.5, 2] }, lengths: { dtype: "i64", dims: ["N"], range: [1, 3] } },
    outputs: { a: "f32", b: "f32", c: "f32", d: "f32", e: "f32" },
    initializers: { one: long(1) },
    opset: 17,
    most,
    least,
    at,
  },
  "places read and written": {
    nodes: [
      node("GatherElements", ["table", "p"], ["a"], { axis: 1 }),
      node("GatherND", ["x", "q"], ["b"], { batch_dims: 1 }),
      node("ScatterElements", ["table", "p", "u"], ["c"], { axis: 1 }),
      node("ScatterND", ["flat", "rows", "v"], ["d"]),
      node("Gather", ["x", "last"], ["e"], { axis: 1 }),
    ],
    inputs: {
      x,
      table: ["N", "S"],
      p: places,
      q: { dtype: "i64", dims: ["N", 2, 1], range: [-3, 2] },
      u: ["N", 2],
      flat: ["S", 3],
      rows: { dtype: "i64", dims: ["N", 1], range: [-3, 2] },
      v: ["N", 3],
    },
    outputs: { a: "f32", b: "f32", c: "f32", d: "f32", e: "f32" },
    initializers: { last: longs(-1, -2) },
    opset: 17,
    most,
    least,
    at,
  },
  "order from the least on": {
    nodes: [node("TopK", ["x", "k"], ["a", "i"], { axis: 1, largest: 0 }), node("TopK", ["x", "k"], ["b", "j"], { axis: 1 })],
    inputs: { x },
    outputs: { a: "f32", i: "i64", b: "f32", j: "i64" },
    initializers: { k: longs(2) },
    opset: 17,
    most,
    least,
    at,
  },
  "paddings that read from the end": {
    nodes: [node("Pad", ["x", "pads"], ["a"], { mode: "reflect" }), node("Pad", ["x", "pads"], ["b"], { mode: "wrap" })],
    inputs: { x: ["N", 2, "S"] },
    outputs: { a: "f32", b: "f32" },
    initializers: { pads: longs(0, 1, 2, 0, 0, 2) },
    opset: 19,
    most,
    least,
    at,
  },
  "groups and instances made even": {
    nodes: [
      node("InstanceNormalization", ["x", "s", "b"], ["a"]),
      node("GroupNormalization", ["x", "s", "b"], ["c"], { num_groups: 2 }),
      node("ConvTranspose", ["x", "w"], ["d"], { strides: [2] }),
      node("ConvTranspose", ["x", "w"], ["e"], { strides: [2], auto_pad: "SAME_UPPER" }),
    ],
    inputs: { x: ["N", 4, "S"] },
    outputs: { a: "f32", c: "f32", d: "f32", e: "f32" },
    initializers: { s: weights([4], 1), b: weights([4], 2), w: weights([4, 2, 3], 3) },
    opset: 21,
    most,
    least,
    at,
  },
  "tables of any number of rows": {
    nodes: [
      node("Scaler", ["x"], ["a"], { offset: floats(0.1, 0.2, 0.3), scale: floats(2, 3, 4) }, { domain: "ai.onnx.ml" }),
      node(
        "LinearClassifier",
        ["a"],
        ["label", "p"],
        { classlabels_ints: [3, 5], coefficients: floats(1, -1, 0.5, -0.5, 1, 1), intercepts: floats(0.1, -0.1), post_transform: "SOFTMAX" },
        { domain: "ai.onnx.ml" },
      ),
      node("Normalizer", ["a"], ["n"], { norm: "L2" }, { domain: "ai.onnx.ml" }),
      node("ArrayFeatureExtractor", ["x", "columns"], ["f"], {}, { domain: "ai.onnx.ml" }),
      node("Compress", ["x", "c"], ["k"]),
    ],
    inputs: { x: ["N", 3], c: { dtype: "bool", dims: ["N"], range: [0, 1] } },
    outputs: { label: "i64", p: "f32", n: "f32", f: "f32", k: "f32" },
    initializers: { columns: longs(2, 0) },
    opset: 17,
    domains: [{ domain: "ai.onnx.ml", version: 3 }],
    most: { N: 5 },
    at: [{ N: 1 }, { N: 4 }],
  },
};

testOpenModels("operators along what a run tells", MODELS);
