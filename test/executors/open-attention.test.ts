import { randomTensor } from "../../src/ir/sample.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { tensorType, type StaticType } from "../../src/ir/types.ts";
import { float, node, type Attribute, type NodeSpec } from "../fixtures/onnx-writer.ts";
import { testOpenModels, type OpenModel, type Sizes } from "./open-models.ts";

const weights = (shape: readonly number[], seed: number): Tensor => randomTensor(tensorType("f32", shape) as StaticType, seed);
const domains = [{ domain: "com.microsoft", version: 1 }];
const ms = (op: string, inputs: readonly string[], outputs: readonly string[], attrs: Readonly<Record<string, Attribute>>): NodeSpec =>
  node(op, inputs, outputs, attrs, { domain: "com.microsoft" });

/** Batch, queries, keys; keys of a cache. */
const most = { B: 3, S: 6, T: 11 };
const at = [
  { B: 2, S: 4, T: 7 },
  { B: 1, S: 1, T: 1 },
  { B: 3, S: 2, T: 3 },
];
const decoder = { most: { B: 3, S: 4, P: 7 }, at: [{ B: 2, S: 3, P: 5 }, { B: 1, S: 1, P: 1 }, { B: 2, S: 1, P: 6 }] } as const; // prettier-ignore
const attention = (inputs: readonly string[], attrs: Readonly<Record<string, Attribute>> = {}, outputs: readonly string[] = ["y"]): NodeSpec =>
  node("Attention", inputs, outputs, attrs);

const q = ["B", 4, "S", 8];
const k = ["B", 2, "T", 8];
const lengthsTo =
  (most: string) =>
  (sizes: Sizes): Tensor =>
    tensor(
      "i64",
      [sizes["B"]!],
      Array.from({ length: sizes["B"]! }, (_, i) => BigInt(Math.max(1, sizes[most]! - i))),
    );

const ONNX: Readonly<Record<string, OpenModel>> = {
  "heads that share keys": { nodes: [attention(["q", "k", "v"])], inputs: { q, k, v: ["B", 2, "T", 5] }, outputs: { y: "f32" }, most, at },
  "heads in the last axis, with a mask": {
    nodes: [attention(["q", "k", "v", "m"], { q_num_heads: 2, kv_num_heads: 2, softcap: float(2) })],
    inputs: { q: ["B", "S", 8], k: ["B", "T", 8], v: ["B", "T", 8], m: ["S", "T"] },
    outputs: { y: "f32" },
    most,
    at,
  },
  "causal, a mask of flags": {
    nodes: [attention(["q", "k", "v", "m"], { is_causal: 1 })],
    inputs: { q, k, v: k, m: { dtype: "bool", dims: ["B", 1, "S", "T"], range: [0, 1] } },
    outputs: { y: "f32" },
    most,
    at,
  },
  "keys behind a cache, all scores": {
    nodes: [attention(["q", "k", "v", "", "pk", "pv"], { is_causal: 1, qk_matmul_output_mode: 3 }, ["y", "nk", "nv", "s"])],
    inputs: { q: ["B", 4, "S", 8], k: ["B", 2, "S", 8], v: ["B", 2, "S", 5], pk: ["B", 2, "P", 8], pv: ["B", 2, "P", 5] },
    outputs: { y: "f32", nk: "f32", nv: "f32", s: "f32" },
    ...decoder,
  },
  "sequences of their own lengths": {
    nodes: [attention(["q", "k", "v", "", "", "", "n"], { is_causal: 1 })],
    inputs: { q, k, v: k, n: { dtype: "i64", dims: ["B"], data: lengthsTo("T") } },
    outputs: { y: "f32" },
    opset: 24,
    most,
    at: [{ B: 2, S: 4, T: 7 }, { B: 3, S: 2, T: 3 }], // prettier-ignore
  },
  "positions turned into angles": {
    nodes: [node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"], { num_heads: 2 }), node("RotaryEmbedding", ["x4", "c", "s", "p"], ["z"], { interleaved: 1 })],
    inputs: { x: ["B", "S", 16], x4: ["B", 2, "S", 8], p: { dtype: "i64", dims: ["B", "S"], range: [0, 15] } },
    outputs: { y: "f32", z: "f32" },
    initializers: { c: weights([16, 4], 1), s: weights([16, 4], 2) },
    most: { B: 3, S: 6 },
    at: [{ B: 2, S: 4 }, { B: 1, S: 1 }], // prettier-ignore
  },
};
const MICROSOFT: Readonly<Record<string, OpenModel>> = {
  "one product for all": {
    nodes: [ms("Attention", ["x", "w", "b", "m"], ["y"], { num_heads: 2 }), ms("Attention", ["x", "w", "b"], ["z"], { num_heads: 2, unidirectional: 1 })],
    inputs: { x: ["B", "S", 5], m: { dtype: "i32", dims: ["B", "S"], range: [0, 1] } },
    outputs: { y: "f32", z: "f32" },
    initializers: { w: weights([5, 18], 1), b: weights([18], 2) },
    domains,
    most: { B: 3, S: 6 },
    at: [{ B: 2, S: 4 }, { B: 1, S: 1 }, { B: 3, S: 5 }], // prettier-ignore
  },
  "one product for all, behind a cache": {
    nodes: [ms("Attention", ["x", "w", "b", "", "past"], ["y", "present"], { num_heads: 2, unidirectional: 1 })],
    inputs: { x: ["B", "S", 5], past: [2, "B", 2, "P", 3] },
    outputs: { y: "f32", present: "f32" },
    initializers: { w: weights([5, 18], 1), b: weights([18], 2) },
    domains,
    ...decoder,
  },
  "many heads": {
    nodes: [
      ms("MultiHeadAttention", ["q", "k", "v", "b", "m"], ["y"], { num_heads: 2 }),
      ms("MultiHeadAttention", ["q", "k", "v", "", "", "r"], ["z"], { num_heads: 2, unidirectional: 1 }),
    ],
    inputs: { q: ["B", "S", 6], k: ["B", "T", 6], v: ["B", "T", 6], m: { dtype: "i32", dims: ["B"], range: [1, 6] }, r: [1, 2, "S", "T"] },
    outputs: { y: "f32", z: "f32" },
    initializers: { b: weights([18], 2) },
    domains,
    most,
    at: [{ B: 2, S: 4, T: 7 }, { B: 1, S: 1, T: 1 }, { B: 3, S: 2, T: 3 }], // prettier-ignore
  },
  "many heads behind a cache": {
    nodes: [ms("MultiHeadAttention", ["q", "q", "q", "", "", "", "pk", "pv"], ["y", "nk", "nv"], { num_heads: 2, unidirectional: 1 })],
    inputs: { q: ["B", "S", 6], pk: ["B", 2, "P", 3], pv: ["B", 2, "P", 3] },
    outputs: { y: "f32", nk: "f32", nv: "f32" },
    domains,
    ...decoder,
  },
  "groups of queries, a prompt": {
    nodes: [
      ms("GroupQueryAttention", ["q", "k", "v", "", "", "e", "t", "c", "s"], ["y", "nk", "nv"], { num_heads: 4, kv_num_heads: 2, do_rotary: 1 }),
      ms("GroupQueryAttention", ["q", "k", "v", "", "", "e", "t"], ["z", "zk", "zv"], {
        num_heads: 4,
        kv_num_heads: 2,
        local_window_size: 2,
        smooth_softmax: 1,
      }),
    ],
    inputs: {
      q: ["B", "S", 64],
      k: ["B", "S", 32],
      v: ["B", "S", 32],
      e: { dtype: "i32", dims: ["B"], data: ({ B, S }) => tensor("i32", [B!], new Array<number>(B!).fill(S! - 1)) },
      t: { dtype: "i32", dims: [1], data: ({ S }) => tensor("i32", [1], [S!]) },
    },
    outputs: { y: "f32", nk: "f32", nv: "f32", z: "f32" },
    initializers: { c: weights([16, 8], 1), s: weights([16, 8], 2) },
    domains,
    most: { B: 3, S: 6 },
    at: [{ B: 2, S: 4 }, { B: 1, S: 1 }], // prettier-ignore
  },
  "groups of queries behind caches of their own lengths": {
    nodes: [
      ms("GroupQueryAttention", ["q", "k", "v", "pk", "pv", "e", "t", "c", "s"], ["y", "nk", "nv"], {
        num_heads: 4,
        kv_num_heads: 2,
        do_rotary: 1,
        softcap: float(2),
      }),
    ],
    inputs: {
      q: ["B", "S", 64],
      k: ["B", "S", 32],
      v: ["B", "S", 32],
      pk: ["B", 2, "P", 16],
      pv: ["B", 2, "P", 16],
      e: {
        dtype: "i32",
        dims: ["B"],
        data: ({ B, S, P }) =>
          tensor(
            "i32",
            [B!],
            Array.from({ length: B! }, (_, i) => S! - 1 + Math.max(0, P! - i)),
          ),
      },
      t: { dtype: "i32", dims: [1], data: ({ S, P }) => tensor("i32", [1], [S! + P!]) },
    },
    outputs: { y: "f32", nk: "f32", nv: "f32" },
    initializers: { c: weights([16, 8], 1), s: weights([16, 8], 2) },
    domains,
    ...decoder,
  },
  "angles of its positions": {
    nodes: [ms("RotaryEmbedding", ["x", "p", "c", "s"], ["y"], {}), ms("RotaryEmbedding", ["x", "from", "c", "s"], ["z"], { interleaved: 1 })],
    inputs: { x: ["B", "S", 16], p: { dtype: "i64", dims: ["B", "S"], range: [0, 15] } },
    outputs: { y: "f32", z: "f32" },
    initializers: { c: weights([16, 4], 1), s: weights([16, 4], 2), from: tensor("i64", [1], [3n]) },
    domains,
    most: { B: 3, S: 6 },
    at: [{ B: 2, S: 4 }, { B: 1, S: 1 }], // prettier-ignore
  },
};

testOpenModels("Attention along what a run tells", ONNX);
testOpenModels("attention of com.microsoft along what a run tells", MICROSOFT);
