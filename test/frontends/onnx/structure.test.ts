import { expect, test } from "vitest";
import { importOnnx, type OnnxOptions } from "../../../src/frontends/onnx/import.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { DEFAULT_LIMITS as LIMITS } from "../../../src/support/limits.ts";
import { float, node, value, writeOnnx, type FunctionSpec, type ModelSpec } from "../../fixtures/onnx-writer.ts";
import { elements, f32, i64 } from "./one-node.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const load = (spec: ModelSpec, options: Partial<OnnxOptions> = {}): Graph => importOnnx(writeOnnx(spec), { fileName: "m.onnx", ...options });
const x = value("x", "f32", [2]);
const y = value("y", "f32");
const opsOf = (graph: Graph): string[] => graph.ops.map((op) => op.name);

test("nodes may stand in any order", () => {
  const graph = load({ nodes: [node("Exp", ["b"], ["y"]), node("Neg", ["a"], ["b"]), node("Abs", ["x"], ["a"])], inputs: [x], outputs: [y] });
  expect(opsOf(graph)).toEqual(["abs", "neg", "exp", "return"]);
});

test("nodes that nobody needs are left out, whatever they are", () => {
  const graph = load({ nodes: [node("Exp", ["x"], ["y"]), node("Unheard", ["x"], ["z"])], inputs: [x], outputs: [y] });
  expect(opsOf(graph)).toEqual(["exp", "return"]);
});

test("names go through: inputs, outputs, values and the nodes that ops came from", () => {
  const graph = load({ name: "net", nodes: [node("Exp", ["x"], ["h"], {}, { name: "first" }), node("Neg", ["h"], ["y"])], inputs: [x], outputs: [y] });
  expect(graph.name).toBe("net");
  expect(graph.params.map((param) => param.name)).toEqual(["x"]);
  expect(graph.ops.map((op) => op.loc)).toEqual([["first"], ["y"], []]);
  expect(graph.ops[0]!.result.name).toBe("h");
  expect(graph.terminator.attrs["names"]).toEqual(["y"]);
});

test("an output may be an input, a constant, or another output again", () => {
  const graph = load({
    nodes: [node("Identity", ["x"], ["a"]), node("Identity", ["w"], ["b"])],
    inputs: [x],
    outputs: [value("a", "f32"), value("b", "f32"), value("x", "f32")],
    initializers: { w: f32([1], 5) },
  });
  expect(interpret(graph, [f32([2], 1, 2)]).map(elements)).toEqual([[1, 2], [5], [1, 2]]);
});

test("initializers that are listed as inputs are no inputs", () => {
  const graph = load({
    ir: 3,
    nodes: [node("Add", ["x", "w"], ["y"])],
    inputs: [x, value("w", "f32", [2])],
    outputs: [y],
    initializers: { w: f32([2], 1, 1) },
  });
  expect(graph.params.map((param) => param.name)).toEqual(["x"]);
});

test("weights in Constant nodes and in sparse initializers", () => {
  const sparse = {
    values: { name: "s", dims: [2], data_type: 1, float_data: [5, 7] },
    indices: { dims: [2], data_type: 7, int64_data: ["1", "2"] },
    dims: [4],
  };
  const graph = load({
    nodes: [node("Constant", [], ["c"], { value_floats: { floats: [1, 2, 3, 4] } }), node("Add", ["c", "s"], ["y"])],
    outputs: [y],
    sparse: [sparse],
  });
  expect(elements(interpret(graph, [])[0])).toEqual([1, 7, 10, 4]);
});

test("a domain imported twice with one version, and one that nobody uses", () => {
  const opsets = [
    { domain: "ai.onnx.ml", version: 1 },
    { domain: "", version: 13 },
    { domain: "ai.onnx", version: 13 },
  ];
  expect(opsOf(load({ nodes: [node("Exp", ["x"], ["y"])], inputs: [x], outputs: [y], opsets }))).toEqual(["exp", "return"]);
});

test("what is odd and changes nothing is a warning", () => {
  const warnings: string[] = [];
  const bytes = writeOnnx({
    name: "",
    nodes: [node("Exp", ["x"], ["a"], {}, { name: "n" }), node("Neg", ["a"], ["y"], {}, { name: "n" })],
    inputs: [x, x],
    outputs: [y],
  });
  const graph = importOnnx(bytes, { fileName: "m.onnx", warn: ({ where, text }) => void warnings.push(`${where}: ${text}`) });
  expect(opsOf(graph)).toEqual(["exp", "neg", "return"]);
  expect(graph.params).toHaveLength(1);
  expect(warnings).toEqual(["m.onnx: its graph has no name", "x: is listed twice as an input, both times alike", "n: is the name of 2 nodes"]);
});

test("everything that is wrong with the structure is said at once", () => {
  const error = expectRefused("NEO2002", () =>
    load({
      nodes: [
        node("Exp", ["nowhere"], ["a"], {}, { name: "n1" }),
        node("Add", ["a", "c"], ["b"], {}, { name: "n2" }),
        node("Neg", ["b"], ["c"], {}, { name: "n3" }),
        node("Abs", ["x"], ["a"], {}, { name: "n4" }),
      ],
      inputs: [x, value("x", "i64", [3])],
      outputs: [value("c", "f32"), value("missing", "f32")],
      opsets: [
        { domain: "", version: 13 },
        { domain: "", version: 17 },
      ],
    }),
  );
  expect(noteTexts(error)).toEqual([
    'm.onnx: imports domain "" twice, as 13 and 17',
    "x: is an input twice, with two types",
    "a: is given by two nodes, n1 and n4",
    expect.stringMatching(/^n[23]: depends on itself through [bc]$/) as string,
    "n1: reads nowhere, which nothing gives",
    "missing: is an output that nothing gives",
  ]);
  expect(error.message).toBe("6 places in m.onnx break the rules of ONNX");
});

test("a graph needs outputs, and nodes an opset of their domain", () => {
  expect(noteTexts(expectRefused("NEO2002", () => load({ nodes: [], outputs: [] })))).toEqual(["test: has no outputs"]);
  const error = expectRefused("NEO2002", () => load({ nodes: [node("Exp", ["x"], ["y"], {}, { name: "e" })], inputs: [x], outputs: [y], opsets: [] }));
  expect(noteTexts(error)).toEqual(["e: uses Exp, and no opset of its domain is imported"]);
});

test("operators without an importer are listed with their nodes and domains", () => {
  const error = expectRefused("NEO2004", () =>
    load({
      nodes: [
        node("NonZero_3", ["x"], ["a"], {}, { name: "/head/n" }),
        node("Foo", ["a"], ["b"], {}, { domain: "com.acme" }),
        node("Foo", ["b"], ["y"], {}, { domain: "com.acme" }),
      ],
      inputs: [x],
      outputs: [y],
      opsets: [
        { domain: "", version: 17 },
        { domain: "com.acme", version: 1 },
      ],
    }),
  );
  expect(error.message).toBe("3 nodes of m.onnx use operators that have no importer (opset 17)");
  expect(noteTexts(error)).toEqual(["/head/n: NonZero_3", "b: com.acme::Foo", "y: com.acme::Foo"]);
  expect(error.hint).toContain("neo ops");
  expect(error.awsName).toBe("OperatorNotImplemented");
});

test("all nodes that can't be imported are listed; what hangs on them is not", () => {
  const error = expectRefused("NEO2005", () =>
    load({
      nodes: [
        node("MatMul", ["x", "x3"], ["a"], {}, { name: "m" }),
        node("Add", ["a", "x"], ["b"]),
        node("Elu", ["x"], ["c"], { alpha: float(1), tilt: 3 }, { name: "e" }),
        node("Concat", ["x", "x"], ["d"], {}, { name: "k" }),
      ],
      inputs: [x, value("x3", "f32", [3])],
      outputs: [value("b", "f32"), value("c", "f32"), value("d", "f32")],
    }),
  );
  expect(noteTexts(error)).toEqual([
    expect.stringContaining("m: MatMul: ") as string,
    "e: Elu has attribute tilt, which neo does not know",
    "k: Concat lacks attribute axis",
  ]);
  expect(error.awsName).toBe("OperatorAttributeNotImplemented");
});

test("a shape that hangs on the data is refused, and an input can be made constant", () => {
  const spec: ModelSpec = {
    nodes: [node("Reshape", ["x", "s"], ["y"], {}, { name: "r" })],
    inputs: [value("x", "f32", [2, 3]), value("s", "i64", [1])],
    outputs: [y],
  };
  expect(noteTexts(expectRefused("NEO2006", () => load(spec)))).toEqual(["r: Reshape takes shape from s, which hangs on the model's inputs"]);
  const graph = load(spec, { constants: { s: i64(-1) } });
  expect(graph.params.map((param) => param.name)).toEqual(["x"]);
  expect(opsOf(graph)).toEqual(["reshape", "return"]);
});

test("shapes computed from shapes are computed", () => {
  const graph = load(
    {
      nodes: [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["to"], { axis: 0 }),
        node("Reshape", ["x", "to"], ["y"]),
      ],
      inputs: [value("x", "f32", ["N", 3, 4])],
      outputs: [y],
      initializers: { zero: tensor("i64", [], [0]), axis: i64(0), rest: i64(-1) },
    },
    { shapes: { N: 5 } },
  );
  expect(opsOf(graph)).toEqual(["reshape", "return"]);
  expect(graph.outputs[0]!.type.shape).toEqual([5, 12]);
});

const scaled: FunctionSpec = {
  name: "Scaled",
  domain: "my.lib+1",
  inputs: ["a", "bias"],
  outputs: ["r"],
  attributes: ["factor"],
  nodes: [
    node("Constant", [], ["f"], { value_float: { reference: "factor", type: 1 } }),
    node("Mul", ["a", "f"], ["p"], {}, { name: "times" }),
    node("Clip", ["p", "bias"], ["r"]),
  ],
};
const outer: FunctionSpec = {
  name: "Twice",
  domain: "my.lib+1",
  inputs: ["a"],
  outputs: ["r"],
  defaults: { by: float(3) },
  nodes: [
    node("Scaled", ["a"], ["h"], { factor: { reference: "by", type: 1 } }, { domain: "my.lib+1", name: "one" }),
    node("Scaled", ["h"], ["r"], { factor: { reference: "by", type: 1 } }, { domain: "my.lib+1", name: "two" }),
  ],
  opsets: [
    { domain: "", version: 17 },
    { domain: "my.lib+1", version: 1 },
  ],
};
const withLibrary = [
  { domain: "", version: 17 },
  { domain: "my.lib+1", version: 1 },
];

test("functions are laid open: nested, attributes by reference and default, inputs left out", () => {
  const call = (attrs: Record<string, { float: number }>): ModelSpec => ({
    nodes: [node("Twice", ["x"], ["y"], attrs, { domain: "my.lib+1", name: "call" })],
    inputs: [x],
    outputs: [y],
    functions: [scaled, outer],
    opsets: withLibrary,
  });
  expect(elements(interpret(load(call({})), [f32([2], 1, 2)])[0])).toEqual([9, 18]);
  const graph = load(call({ by: float(2) }));
  expect(elements(interpret(graph, [f32([2], 1, 2)])[0])).toEqual([4, 8]);
  expect(graph.ops.filter((op) => op.name === "mul").map((op) => op.loc)).toEqual([["call/one/times"], ["call/two/times"]]);
});

test("a function that calls itself is refused", () => {
  const self: FunctionSpec = { ...scaled, name: "Self", attributes: [], nodes: [node("Self", ["a"], ["r"], {}, { domain: "my.lib+1" })] };
  expectRefused("NEO7002", () =>
    load({ nodes: [node("Self", ["x"], ["y"], {}, { domain: "my.lib+1" })], inputs: [x], outputs: [y], functions: [self], opsets: withLibrary }),
  );
});

test("functions that double the nodes at each level are refused", () => {
  const levels = Array.from({ length: 40 }, (_, i): FunctionSpec => {
    const inner = (from: string, to: string) => (i === 0 ? node("Neg", [from], [to]) : node(`F${i - 1}`, [from], [to], {}, { domain: "my.lib+1" }));
    return { name: `F${i}`, domain: "my.lib+1", inputs: ["a"], outputs: ["r"], nodes: [inner("a", "h"), inner("h", "r")] };
  });
  const spec: ModelSpec = { nodes: [node("F39", ["x"], ["y"], {}, { domain: "my.lib+1" })], inputs: [x], outputs: [y], functions: levels, opsets: withLibrary };
  expectRefused("NEO7001", () => load(spec, { limits: { ...LIMITS, nodes: 10_000 } }));
});

test("an If whose condition is known is the branch that runs", () => {
  const branch = (op: string) => ({ graph: { nodes: [node(op, ["x"], ["r"])], outputs: [value("r", "f32")] } });
  const spec: ModelSpec = {
    nodes: [node("If", ["c"], ["y"], { then_branch: branch("Exp"), else_branch: branch("Unheard") }, { name: "choose" })],
    inputs: [x, value("c", "bool", [])],
    outputs: [y],
  };
  expect(opsOf(load(spec, { constants: { c: tensor("bool", [], [1]) } }))).toEqual(["exp", "return"]);
  expect(noteTexts(expectRefused("NEO2004", () => load(spec)))).toEqual(["choose/r: Unheard"]);
  const both = load({ ...spec, nodes: [node("If", ["c"], ["y"], { then_branch: branch("Exp"), else_branch: branch("Neg") }, { name: "choose" })] });
  expect(opsOf(both)).toEqual(["if", "return"]);
});
