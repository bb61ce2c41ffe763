import { expect, test } from "vitest";
import { importOnnx, type OnnxOptions } from "../../../src/frontends/onnx/import.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { Executors } from "../../executors/executors.ts";
import { node, value, writeOnnx, type ModelSpec } from "../../fixtures/onnx-writer.ts";
import { elements, f32 } from "./one-node.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const [a, b, c] = [f32([2], 1, 2), f32([2], 3, 4), f32([2], 5, 6)];
const ABC = [value("a", "f32", [2]), value("b", "f32", [2]), value("c", "f32", [2])];
const ALL = node("SequenceConstruct", ["a", "b", "c"], ["all"]);
const options: OnnxOptions = { fileName: "sequences.onnx" };

function results(spec: Omit<ModelSpec, "opset">, inputs: readonly Tensor[], more: Partial<OnnxOptions> = {}): number[][] {
  const graph = importOnnx(writeOnnx({ ...spec, opset: 18 }), { ...options, ...more });
  return interpret(graph, inputs).map((output) => elements(output));
}

const at = (place: number): ModelSpec["initializers"] => ({ p: tensor("i64", [], [place]) });

test("places that are known pick, leave out and put in; negative ones count from behind", () => {
  const outputs = [value("y", "f32")];
  const of = (nodes: ModelSpec["nodes"], place: number): number[][] =>
    results({ nodes: [ALL, ...nodes], inputs: ABC, outputs, initializers: at(place)! }, [a, b, c]);
  const joined = (from: string) => node("ConcatFromSequence", [from], ["y"], { axis: 0 });
  expect(of([node("SequenceAt", ["all", "p"], ["y"])], -1)).toEqual([[5, 6]]);
  expect(of([node("SequenceErase", ["all", "p"], ["s"]), joined("s")], -3)).toEqual([[3, 4, 5, 6]]);
  expect(of([node("SequenceErase", ["all"], ["s"]), joined("s")], 0)).toEqual([[1, 2, 3, 4]]);
  expect(of([node("SequenceInsert", ["all", "c", "p"], ["s"]), joined("s")], -1)).toEqual([[1, 2, 3, 4, 5, 6, 5, 6]]);
  expect(of([node("SequenceInsert", ["all", "a", "p"], ["s"]), joined("s")], 3)).toEqual([[1, 2, 3, 4, 5, 6, 1, 2]]);
  expect(of([node("SequenceLength", ["all"], ["n"]), node("Cast", ["n"], ["y"], { to: 1 })], 0)).toEqual([[3]]);
});

test("places that only data tell pick among tensors of one type, on every executor", async () => {
  const nodes = [
    ALL,
    node("SequenceAt", ["all", "p"], ["x"]),
    node("SequenceErase", ["all", "p"], ["less"]),
    node("SequenceInsert", ["all", "x", "p"], ["more"]),
    node("ConcatFromSequence", ["less"], ["y"], { axis: 0, new_axis: 1 }),
    node("ConcatFromSequence", ["more"], ["z"], { axis: 0 }),
  ];
  const bytes = writeOnnx({ nodes, opset: 18, inputs: [...ABC, value("p", "i64", [])], outputs: [value("x", "f32"), value("y", "f32"), value("z", "f32")] });
  const wanted: Readonly<Record<string, number[][]>> = {
    "1": [
      [3, 4],
      [1, 2, 5, 6],
      [1, 2, 3, 4, 3, 4, 5, 6],
    ],
    "-1": [
      [5, 6],
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5, 6, 5, 6],
    ],
    "0": [
      [1, 2],
      [3, 4, 5, 6],
      [1, 2, 1, 2, 3, 4, 5, 6],
    ],
  };
  for (const [place, found] of Object.entries(wanted)) {
    const all = new Executors(importOnnx(bytes, options));
    for (const executor of ["interpreter", "wasm"] as const)
      expect((await all.run(executor, [a, b, c, tensor("i64", [], [Number(place)])])).map((output) => elements(output))).toEqual(found);
  }
  const uneven = writeOnnx({ nodes, opset: 18, inputs: [value("a", "f32", [3]), ...ABC.slice(1), value("p", "i64", [])], outputs: [value("x", "f32")] });
  expect(noteTexts(expectRefused("NEO2006", () => importOnnx(uneven, options)))[0]).toContain("of different shapes");
});

test("a sequence that comes in is as long as the caller says, and leaves tensor by tensor", () => {
  const sequence = { message: { sequence_type: { elem_type: { tensor_type: { elem_type: 1, shape: { dim: [{ dim_param: "n" }] } } } } } };
  const body = { nodes: [node("Add", ["x", "k"], ["s"])], inputs: [value("x", "f32"), value("k", "f32")], outputs: [value("s", "f32")] };
  const bytes = writeOnnx({
    opset: 18,
    nodes: [node("SequenceMap", ["in", "one"], ["out"], { body: { graph: body } })],
    inputs: [{ name: "in", dtype: "f32", type: sequence.message }],
    outputs: [{ name: "out", dtype: "f32", type: sequence.message }],
    initializers: { one: f32([], 1) },
  });
  const graph = importOnnx(bytes, { ...options, shapes: { in: 2, "in[0]": [2], "in[1]": [3] } });
  expect(graph.params.map(({ name, type }) => [name, type.shape])).toEqual([
    ["in[0]", [2]],
    ["in[1]", [3]],
  ]);
  expect(graph.lists).toEqual({ inputs: new Map([["in", 2]]), outputs: new Map([["out", 2]]) });
  expect(interpret(graph, [f32([2], 1, 2), f32([3], 3, 4, 5)]).map((output) => elements(output))).toEqual([
    [2, 3],
    [4, 5, 6],
  ]);
  expect(expectRefused("NEO2003", () => importOnnx(bytes, options)).hint).toContain("--shape in=2");
});

test("an optional that comes in holds something unless the caller says no", () => {
  const optional = { optional_type: { elem_type: { tensor_type: { elem_type: 1, shape: { dim: [{ dim_value: 2 }] } } } } };
  const branch = (op: string, from: string) => ({ nodes: [node(op, [from], ["r"])], outputs: [value("r", "f32")] });
  const spec: ModelSpec = {
    opset: 18,
    nodes: [
      node("OptionalHasElement", ["o"], ["has"]),
      node("If", ["has"], ["y"], { then_branch: { graph: branch("OptionalGetElement", "o") }, else_branch: { graph: branch("Neg", "a") } }),
    ],
    inputs: [{ name: "o", dtype: "f32", type: optional }, value("a", "f32", [2])],
    outputs: [value("y", "f32")],
  };
  expect(results(spec, [b, a])).toEqual([[3, 4]]);
  expect(results(spec, [a], { absent: ["o"] })).toEqual([[-1, -2]]);
  expect(noteTexts(expectRefused("NEO2010", () => importOnnx(writeOnnx(spec), { ...options, absent: ["a"] })))[0]).toContain("no optional input");
});

test("loops and branches carry sequences", () => {
  const turn = {
    nodes: [node("SequenceInsert", ["s", "a"], ["t"]), node("Identity", ["go"], ["on"])],
    inputs: [value("i", "i64", []), value("go", "bool", []), value("s", "f32")],
    outputs: [value("on", "bool"), value("t", "f32")],
  };
  const pair = (first: string, second: string) => ({ nodes: [node("SequenceConstruct", [first, second], ["r"])], outputs: [value("r", "f32")] });
  const nodes = [
    node("SequenceConstruct", ["b"], ["start"]),
    node("Loop", ["n", "", "start"], ["grown"], { body: { graph: turn } }),
    node("ConcatFromSequence", ["grown"], ["y"], { axis: 0 }),
    node("If", ["w"], ["two"], { then_branch: { graph: pair("a", "b") }, else_branch: { graph: pair("b", "c") } }),
    node("ConcatFromSequence", ["two"], ["z"], { axis: 0 }),
  ];
  const spec = {
    nodes,
    inputs: [...ABC, value("w", "bool", [])],
    outputs: [value("y", "f32"), value("z", "f32")],
    initializers: { n: tensor("i64", [], [2]) },
  };
  expect(results(spec, [a, b, c, tensor("bool", [], [1])])).toEqual([
    [3, 4, 1, 2, 1, 2],
    [1, 2, 3, 4],
  ]);
  expect(results(spec, [a, b, c, tensor("bool", [], [0])])[1]).toEqual([3, 4, 5, 6]);
});

test("what is cut into a sequence", () => {
  const x = f32([5], 1, 2, 3, 4, 5);
  const cut = (inputs: readonly string[], attrs: Parameters<typeof node>[3], initializers = {}) => {
    const spec = { nodes: [node("SplitToSequence", ["x", ...inputs], ["y"], attrs)], inputs: [value("x", "f32", [5])], initializers };
    return importOnnx(
      writeOnnx({ ...spec, opset: 18, outputs: [{ name: "y", dtype: "f32", type: { sequence_type: { elem_type: { tensor_type: { elem_type: 1 } } } } }] }),
      options,
    );
  };
  const shapes = (graph: ReturnType<typeof importOnnx>) => interpret(graph, [x]).map(({ type, data }) => [type.shape, ...Array.from(data as Float32Array)]);
  expect(shapes(cut(["s"], {}, { s: tensor("i64", [], [2]) }))).toEqual([
    [[2], 1, 2],
    [[2], 3, 4],
    [[1], 5],
  ]);
  expect(shapes(cut(["s"], {}, { s: tensor("i64", [2], [4, 1]) }))).toEqual([
    [[4], 1, 2, 3, 4],
    [[1], 5],
  ]);
  expect(shapes(cut([], { keepdims: 0 }))).toEqual([1, 2, 3, 4, 5].map((v) => [[], v]));
  expect(noteTexts(expectRefused("NEO2005", () => cut(["s"], {}, { s: tensor("i64", [2], [4, 2]) })))[0]).toContain("splits 5 into 4, 2");
});

test("what wants a tensor refuses a sequence, and the other way round", () => {
  const refused = (nodes: ModelSpec["nodes"]): string =>
    noteTexts(expectRefused("NEO2008", () => importOnnx(writeOnnx({ nodes, opset: 18, inputs: ABC, outputs: [value("y", "f32")] }), options)))[0]!;
  expect(refused([ALL, node("Relu", ["all"], ["y"])])).toContain("all is a sequence");
  expect(refused([node("SequenceAt", ["a", "a"], ["y"])])).toContain("is a tensor");
});
