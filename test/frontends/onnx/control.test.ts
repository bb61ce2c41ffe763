import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { boundsOf } from "../../../src/ir/dims.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { verify } from "../../../src/ir/verify.ts";
import { CONTROL_MODELS } from "../../fixtures/control-models.ts";
import { node, value, writeOnnx, type GraphSpec, type ModelSpec, type NodeSpec } from "../../fixtures/onnx-writer.ts";
import { expectClose } from "./expect-close.ts";
import { f32, runModel } from "./one-node.ts";
import { loadReference } from "./reference.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const reference = await loadReference();

describe.skipIf(!reference)("control flow agrees with ONNX Runtime", () => {
  test.each(CONTROL_MODELS.map((model) => [model.name, model] as const))("%s", async (_name, { spec, runs }) => {
    const bytes = writeOnnx(spec);
    const outputs = spec.outputs.map(({ name }) => name);
    for (const inputs of runs) {
      const wanted = await reference!(bytes, inputs, outputs);
      runModel(bytes, inputs).forEach((got, k) => expectClose(got, wanted[k]!, 1e-5, outputs[k]));
    }
  });
});

const load = (spec: ModelSpec): Graph => importOnnx(writeOnnx(spec), { fileName: "m.onnx" });
const opsOf = (graph: Graph): string[] => graph.ops.map((op) => op.name);

test.each(CONTROL_MODELS.map((model) => [model.name, model] as const))("a verified graph: %s", (_name, { spec }) => {
  expect(verify(load(spec)).map(({ text }) => text)).toEqual([]);
});

const sub = (spec: GraphSpec): { readonly graph: GraphSpec } => ({ graph: spec });
const x = value("x", "f32", [3]);
const y = value("y", "f32");
const count = tensor("i64", [], [3n]);
const yes = tensor("bool", [], [1]);

/** A loop over x with a body of these nodes, whose input is v and whose outputs are named. */
function loop(
  nodes: readonly NodeSpec[],
  outputs: readonly string[],
  more: Partial<ModelSpec> & { readonly inputs?: readonly ReturnType<typeof value>[] } = {},
): ModelSpec {
  const body: GraphSpec = {
    nodes,
    inputs: [value("i", "i64", []), value("go", "bool", []), value("v", "f32")],
    outputs: outputs.map((name, k) => value(name, k === 0 ? "bool" : "f32")),
  };
  return {
    nodes: [node("Loop", ["m", "start", "x"], ["y", "rows"].slice(0, outputs.length - 1), { body: sub(body) }, { name: "turning" })],
    outputs: [y],
    initializers: { m: count, start: yes },
    ...more,
    inputs: [x, ...(more.inputs ?? [])],
  };
}

test("the number of turns is a number where constants tell it", () => {
  const turns = (spec: ModelSpec): unknown => load(spec).ops.find((op) => op.name === "loop")?.attrs["turns"];
  const next = node("Neg", ["v"], ["w"]);
  expect(turns(loop([next, node("Identity", ["go"], ["again"])], ["again", "w"]))).toBe(3);
  expect(turns(loop([next, node("Not", ["go"], ["again"])], ["again", "w"]))).toBe(1);
  expect(turns(loop([next, node("Identity", ["go"], ["again"])], ["again", "w"], { initializers: { m: count, start: tensor("bool", [], [0]) } }))).toBe(0);
  expect(turns(loop([next, node("Identity", ["go"], ["again"])], ["again", "w"], { initializers: { start: yes }, inputs: [value("m", "i64", [])] }))).toBe(-1);
});

test("captured constants become constants of the region, other values its parameters", () => {
  const graph = load(CONTROL_MODELS[0]!.spec);
  const choose = graph.ops.find((op) => op.name === "if")!;
  expect(choose.operands.map((operand) => operand!.name)).toEqual(["c", "e", "x"]);
  expect(choose.regions.map(opsOf)).toEqual([
    ["constant", "mul", "return"],
    ["constant", "sub", "add", "return"],
  ]);
});

test("rows of a loop whose turns are an input, within the bound that the caller gives", () => {
  const spec = loop([node("Identity", ["go"], ["again"]), node("Neg", ["v"], ["w"]), node("Abs", ["v"], ["row"])], ["again", "w", "row"], {
    initializers: { start: yes },
    inputs: [value("m", "i64", [])],
    outputs: [y, value("rows", "f32")],
  });
  const graph = importOnnx(writeOnnx(spec), { fileName: "m.onnx", bounds: { rows: 4 } });
  expect(verify(graph)).toEqual([]);
  const shape = (m: bigint): readonly number[] => interpret(graph, [f32([3], 1, 2, 3), tensor("i64", [], [m])])[1]!.type.shape;
  expect([shape(0n), shape(3n), shape(4n)]).toEqual([
    [0, 3],
    [3, 3],
    [4, 3],
  ]);
  expect(noteTexts(expectRefused("NEO1058", () => shape(9n)))).toEqual(["rows: is 5 long, at most 4 were planned"]);
});

describe("refused by name", () => {
  const again = node("Identity", ["go"], ["again"]);
  test("rows of a loop whose turns the inputs tell", () => {
    const spec = loop([again, node("Neg", ["v"], ["w"]), node("Abs", ["v"], ["row"])], ["again", "w", "row"], {
      initializers: { start: yes },
      inputs: [value("m", "i64", [])],
    });
    const error = expectRefused("NEO2006", () => load(spec));
    expect(noteTexts(error)).toEqual(["turning: Loop gives a row each turn, and how many turns there are hangs on the model's inputs"]);
    expect(error.hint).toBe("say how many there can be: `--bound rows=N`");
  });
  test("a carried value that grows by turns which the inputs tell", () => {
    const spec = loop([again, node("Concat", ["v", "x"], ["w"], { axis: 0 })], ["again", "w"], {
      initializers: { start: yes },
      inputs: [value("m", "i64", [])],
    });
    const error = expectRefused("NEO2006", () => load(spec));
    expect(noteTexts(error)).toEqual(["turning: Loop carries 3 f32, which gets longer along axis 0 turn by turn, and nothing says how long that can get"]);
    expect(error.hint).toBe("say how long it can get: `--bound y=N`");
  });
  test("a loop that never ends", () => {
    const spec: ModelSpec = loop([again, node("Neg", ["v"], ["w"])], ["again", "w"]);
    const endless = { ...spec, nodes: [{ ...spec.nodes[0]!, inputs: ["", "", "x"] }] };
    expect(noteTexts(expectRefused("NEO2005", () => load(endless)))).toEqual(["turning: Loop never ends"]);
  });
  test("a branch without outputs", () => {
    const branches = { then_branch: sub({ nodes: [], outputs: [] }), else_branch: sub({ nodes: [node("Neg", ["x"], ["a"])], outputs: [value("a", "f32")] }) };
    const spec: ModelSpec = { nodes: [node("If", ["c"], ["y"], branches, { name: "choose" })], inputs: [x, value("c", "bool", [])], outputs: [y] };
    expect(noteTexts(expectRefused("NEO2002", () => load(spec)))).toContainEqual(expect.stringMatching(/^choose: If gives /));
  });

  test("branches that give tensors of different ranks", () => {
    const branch = (...nodes: NodeSpec[]): { readonly graph: GraphSpec } => sub({ nodes, outputs: [value(nodes.at(-1)!.outputs[0]!, "f32")] });
    const branches = { then_branch: branch(node("Neg", ["x"], ["a"])), else_branch: branch(node("Unsqueeze", ["x", "first"], ["b"])) };
    const spec: ModelSpec = {
      nodes: [node("If", ["c"], ["y"], branches, { name: "choose" })],
      inputs: [x, value("c", "bool", [])],
      outputs: [y],
      initializers: { first: tensor("i64", [1], [0n]) },
    };
    const error = expectRefused("NEO2006", () => load(spec));
    expect(noteTexts(error)).toEqual(["choose: If gives 3 f32 in one branch and 1x3 f32 in the other"]);
    expect(error.hint).toContain("--set");
  });
  test("a node in a body, by its own name", () => {
    const spec = loop([again, node("Unheard", ["v"], ["w"], {}, { name: "inner" })], ["again", "w"]);
    expect(noteTexts(expectRefused("NEO2004", () => load(spec)))).toEqual(["turning/inner: Unheard"]);
  });
  test("a loop without a body, and one that carries what its body does not", () => {
    const spec = loop([again, node("Neg", ["v"], ["w"])], ["again", "w"]);
    const bare = { ...spec, nodes: [{ ...spec.nodes[0]!, attrs: {} }] };
    expect(noteTexts(expectRefused("NEO2005", () => load(bare)))).toEqual(["turning: Loop has no body"]);
    const two = { ...spec, nodes: [{ ...spec.nodes[0]!, inputs: ["m", "start", "x", "x"] }] };
    expect(noteTexts(expectRefused("NEO2005", () => load(two)))).toEqual(["turning: Loop carries 2 values, its body takes 1"]);
  });
});

test("a loop with too many turns to be written out stays one, though what it carries grows", () => {
  const again = node("Identity", ["go"], ["again"]);
  const graph = load(
    loop([again, node("Concat", ["v", "x"], ["w"], { axis: 0 })], ["again", "w"], { initializers: { m: tensor("i64", [], [100_000n]), start: yes } }),
  );
  expect(verify(graph)).toEqual([]);
  expect(graph.ops.find((op) => op.name === "loop")?.attrs["turns"]).toBe(100_000);
  expect(boundsOf(graph.outputs[0]!.type.shape[0]!)).toEqual([3, 300_003]);
});

test("a captured value may be an input of the model that nothing else reads", () => {
  const spec = loop([node("Identity", ["go"], ["again"]), node("Add", ["v", "k"], ["w"])], ["again", "w"], { inputs: [value("k", "f32", [1])] });
  const [got] = runModel(writeOnnx(spec), { x: f32([3], 1, 2, 3), k: f32([1], 10) });
  expect(Array.from(got!.data as Float32Array)).toEqual([31, 32, 33]);
});

describe("a branch for other shapes than these", () => {
  const branch = (out: ReturnType<typeof value>, ...nodes: NodeSpec[]): { readonly graph: GraphSpec } => sub({ nodes, outputs: [out] });
  const choose = (then: NodeSpec[], otherwise: NodeSpec[], dtype: "f32" | "i64" = "f32"): ModelSpec => ({
    nodes: [
      node(
        "If",
        ["c"],
        ["y"],
        {
          then_branch: branch(value(then.at(-1)!.outputs[0]!, dtype), ...then),
          else_branch: branch(value(otherwise.at(-1)!.outputs[0]!, dtype), ...otherwise),
        },
        { name: "choose" },
      ),
    ],
    inputs: [x, value("c", "bool", [])],
    outputs: [value("y", dtype)],
    initializers: { w: f32([4], 1, 2, 3, 4) },
  });
  const misfit = node("Add", ["x", "w"], ["b"], {}, { name: "wide" });

  test("gives NaN where it is chosen, and the import says so", () => {
    const warnings: string[] = [];
    const spec = choose([node("Neg", ["x"], ["a"])], [misfit]);
    const graph = importOnnx(writeOnnx(spec), { fileName: "m.onnx", warn: ({ where, text }) => void warnings.push(`${where} ${text}`) });
    expect(verify(graph)).toEqual([]);
    const run = (c: number): number[] => Array.from(interpret(graph, [f32([3], 1, 2, 3), tensor("bool", [], [c])])[0]!.data as Float32Array);
    expect([run(1), run(0)]).toEqual([
      [-1, -2, -3],
      [NaN, NaN, NaN],
    ]);
    expect(warnings).toEqual([
      expect.stringMatching(/^choose gives NaN where its condition chooses the else_branch, which does not fit these shapes: choose\/wide: /),
    ]);
  });
  test("is refused where the other one gives whole numbers", () => {
    const spec = choose([node("Shape", ["x"], ["a"])], [misfit, node("Shape", ["b"], ["d"])], "i64");
    expect(noteTexts(expectRefused("NEO2005", () => load(spec)))).toEqual([expect.stringContaining("choose/wide: ")]);
  });
  test("is refused where neither fits, and where an operator is missing", () => {
    const both = choose([node("Add", ["x", "w"], ["a"], {}, { name: "first" })], [misfit]);
    expect(noteTexts(expectRefused("NEO2005", () => load(both)))).toEqual([
      expect.stringContaining("choose/first: "),
      expect.stringContaining("choose/wide: "),
    ]);
    const unheard = choose([node("Neg", ["x"], ["a"])], [node("Unheard", ["x"], ["b"])]);
    expect(noteTexts(expectRefused("NEO2004", () => load(unheard)))).toEqual(["choose/b: Unheard"]);
  });
});
