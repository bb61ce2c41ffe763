import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensorType, type StaticType } from "../../src/ir/types.ts";
import { node, value, type GraphSpec } from "../fixtures/onnx-writer.ts";
import { testOpenModels, type OpenModel } from "./open-models.ts";

const weights = (shape: readonly number[], seed: number): Tensor => randomTensor(tensorType("f32", shape) as StaticType, seed);
const longs = (...values: readonly number[]): Tensor => tensor("i64", [values.length], values.map(BigInt));
const long = (of: number): Tensor => tensor("i64", [], [BigInt(of)]);

const graph = (nodes: GraphSpec["nodes"], inputs: GraphSpec["inputs"], outputs: GraphSpec["outputs"]): { readonly graph: GraphSpec } => ({
  graph: { nodes, ...(inputs ? { inputs } : {}), outputs },
});
const flag = { dtype: "bool", dims: [], range: [0, 1] } as const;
const most = { N: 5, S: 7 };
const at = [
  { N: 3, S: 4 },
  { N: 1, S: 1 },
  { N: 2, S: 6 },
];

/** Softmax along an open axis and what follows: wrong where something behind the end is seen. */
const shares = [node("Softmax", ["x"], ["s"], { axis: 1 }), node("ReduceSum", ["s", "last"], ["sum"], { keepdims: 1 })];

const MODELS: Readonly<Record<string, OpenModel>> = {
  "branches over what is captured": {
    nodes: [
      node("If", ["c"], ["y", "m"], {
        then_branch: graph([...shares, node("Mul", ["x", "sum"], ["a"]), node("ReduceMean", ["x"], ["b"], { axes: [1], keepdims: 1 })], undefined, [
          value("a", "f32"),
          value("b", "f32"),
        ]),
        else_branch: graph([node("MatMul", ["x", "w"], ["a"]), node("ReduceMax", ["x"], ["b"], { axes: [1], keepdims: 1 })], undefined, [
          value("a", "f32"),
          value("b", "f32"),
        ]),
      }),
      node("Softmax", ["y"], ["z"], { axis: 1 }),
    ],
    inputs: { x: ["N", "S", 3], c: flag },
    outputs: { y: "f32", m: "f32", z: "f32" },
    initializers: { w: weights([3, 3], 1), last: longs(1) },
    opset: 17,
    most,
    at,
  },
  "branches of different lengths": {
    nodes: [
      node("If", ["c"], ["y", "z"], {
        then_branch: graph([node("Slice", ["x", "zero1", "three1", "one1"], ["a"]), node("Exp", ["x"], ["b"])], undefined, [
          value("a", "f32"),
          value("b", "f32"),
        ]),
        else_branch: graph([node("Concat", ["x", "x"], ["a"], { axis: 1 }), node("Neg", ["x"], ["b"])], undefined, [value("a", "f32"), value("b", "f32")]),
      }),
      node("ReduceMean", ["y"], ["mean"], { axes: [1] }),
      node("Add", ["z", "x"], ["sum"]),
    ],
    inputs: { x: ["N", "S", 3], c: flag },
    outputs: { y: "f32", mean: "f32", sum: "f32" },
    initializers: { zero1: longs(0), three1: longs(3), one1: longs(1) },
    opset: 17,
    most,
    at,
  },
  "a condition that lengths decide": {
    nodes: [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "one"], ["length"]),
      node("Greater", ["length", "three"], ["isLong"]),
      node("If", ["isLong"], ["y"], {
        then_branch: graph([node("CumSum", ["x", "one"], ["a"])], undefined, [value("a", "f32")]),
        else_branch: graph([node("Neg", ["x"], ["a"])], undefined, [value("a", "f32")]),
      }),
      node("GreaterOrEqual", ["length", "one"], ["isSome"]),
      node("If", ["isSome"], ["z"], {
        then_branch: graph([node("Abs", ["x"], ["a"])], undefined, [value("a", "f32")]),
        else_branch: graph([node("ReduceSum", ["x"], ["a"], { keepdims: 0 })], undefined, [value("a", "f32")]),
      }),
    ],
    inputs: { x: ["N", "S", 3] },
    outputs: { y: "f32", z: "f32" },
    initializers: { one: long(1), three: long(3) },
    opset: 17,
    most,
    at,
  },
  "as many turns as a tensor is long": {
    nodes: [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "one"], ["length"]),
      node("Loop", ["length", "", "start"], ["last", "rows"], {
        body: graph(
          [
            node("Gather", ["x", "i"], ["slice"], { axis: 1 }),
            node("Add", ["state", "slice"], ["next"]),
            node("Identity", ["cond"], ["again"]),
            node("Mul", ["next", "slice"], ["row"]),
          ],
          [value("i", "i64", []), value("cond", "bool", []), value("state", "f32", ["N", 3])],
          [value("again", "bool"), value("next", "f32"), value("row", "f32")],
        ),
      }),
      node("ReduceSum", ["rows", "zeros"], ["sum"], { keepdims: 0 }),
    ],
    inputs: { x: ["N", "S", 3], start: ["N", 3] },
    outputs: { last: "f32", rows: "f32", sum: "f32" },
    initializers: { one: long(1), zeros: longs(0) },
    opset: 17,
    most,
    at,
  },
  "a loop that its data end, over open values": {
    nodes: [
      node("Loop", ["ten", "true", "x"], ["last", "rows"], {
        body: graph(
          [
            node("Mul", ["state", "half"], ["next"]),
            node("ReduceMax", ["next"], ["top"], { keepdims: 0 }),
            node("Greater", ["top", "least"], ["again"]),
            node("ReduceMean", ["next"], ["row"], { axes: [1], keepdims: 0 }),
          ],
          [value("i", "i64", []), value("cond", "bool", []), value("state", "f32", ["N", "S"])],
          [value("again", "bool"), value("next", "f32"), value("row", "f32")],
        ),
      }),
    ],
    inputs: { x: { dims: ["N", "S"], range: [0.1, 4] } },
    outputs: { last: "f32", rows: "f32" },
    initializers: { ten: long(10), true: tensor("bool", [], [1]), half: tensor("f32", [], [0.5]), least: tensor("f32", [], [0.3]) },
    opset: 17,
    most,
    at,
  },
  "a scan along an open axis, from behind too": {
    nodes: [
      node("Scan", ["start", "x", "x"], ["last", "rows", "back"], {
        num_scan_inputs: 2,
        scan_input_axes: [1, 1],
        scan_input_directions: [0, 1],
        scan_output_directions: [0, 1],
        scan_output_axes: [1, 0],
        body: graph(
          [
            node("MatMul", ["a", "w"], ["p"]),
            node("Add", ["h", "p"], ["s"]),
            node("Tanh", ["s"], ["next"]),
            node("Mul", ["next", "b"], ["row"]),
            node("Sub", ["next", "k"], ["other"]),
          ],
          [value("h", "f32", ["N", 3]), value("a", "f32", ["N", 3]), value("b", "f32", ["N", 3])],
          [value("next", "f32"), value("row", "f32"), value("other", "f32")],
        ),
      }),
    ],
    inputs: { x: ["N", "S", 3], start: ["N", 3], k: ["N", 3] },
    outputs: { last: "f32", rows: "f32", back: "f32" },
    initializers: { w: weights([3, 3], 1) },
    opset: 17,
    most,
    at,
  },
  "a scan of known length over open values, a branch in it": {
    nodes: [
      node("Scan", ["start", "x"], ["last", "rows"], {
        num_scan_inputs: 1,
        body: graph(
          [
            node("ReduceSum", ["a"], ["sum"], { keepdims: 0 }),
            node("Greater", ["sum", "zero"], ["isPositive"]),
            node("If", ["isPositive"], ["next"], {
              then_branch: graph([node("Add", ["h", "a"], ["t"])], undefined, [value("t", "f32")]),
              else_branch: graph([node("Softmax", ["a"], ["soft"], { axis: 1 }), node("Sub", ["h", "soft"], ["t"])], undefined, [value("t", "f32")]),
            }),
            node("Identity", ["next"], ["row"]),
          ],
          [value("h", "f32", ["N", "S"]), value("a", "f32", ["N", "S"])],
          [value("next", "f32"), value("row", "f32")],
        ),
      }),
    ],
    inputs: { x: [4, "N", "S"], start: ["N", "S"] },
    outputs: { last: "f32", rows: "f32" },
    initializers: { zero: tensor("f32", [], [0]) },
    opset: 17,
    most,
    at,
  },
  "a recurrence in a loop": {
    nodes: [
      node("Loop", ["three", "", "x"], ["last"], {
        body: graph(
          [
            node("LSTM", ["state", "w", "r"], ["y"], { hidden_size: 3, direction: "reverse" }),
            node("Squeeze", ["y", "ones"], ["next"]),
            node("Identity", ["cond"], ["again"]),
          ],
          [value("i", "i64", []), value("cond", "bool", []), value("state", "f32", ["S", "N", 3])],
          [value("again", "bool"), value("next", "f32")],
        ),
      }),
    ],
    inputs: { x: ["S", "N", 3] },
    outputs: { last: "f32" },
    initializers: { three: long(3), ones: longs(1), w: weights([1, 12, 3], 1), r: weights([1, 12, 3], 2) },
    opset: 17,
    most,
    at,
  },
  "calls of functions": {
    nodes: [node("Normalised", ["x", "w"], ["y"], {}, { domain: "local" }), node("Normalised", ["y", "w"], ["z"], {}, { domain: "local" })],
    functions: [
      {
        name: "Normalised",
        domain: "local",
        inputs: ["a", "b"],
        outputs: ["c"],
        nodes: [node("MatMul", ["a", "b"], ["p"]), node("Softmax", ["p"], ["s"], { axis: 1 }), node("Add", ["s", "a"], ["c"])],
        opsets: [{ domain: "", version: 17 }],
      },
    ],
    inputs: { x: ["N", "S", 3] },
    outputs: { y: "f32", z: "f32" },
    initializers: { w: weights([3, 3], 1) },
    opset: 17,
    domains: [{ domain: "local", version: 1 }],
    most,
    at,
  },
};

testOpenModels("control flow over what a run tells", MODELS);
