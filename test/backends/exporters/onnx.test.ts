import { describe, expect, test } from "vitest";
import { exportOnnx, ONNX_OPS, onnxModel, onnxRefusal } from "../../../src/backends/exporters/onnx.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value, type Op } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { add, mul } from "../../../src/ir/ops/arithmetic.ts";
import { constant, returnOp } from "../../../src/ir/ops/control.ts";
import { attention } from "../../../src/ir/ops/attention.ts";
import { randomGraph } from "../../../src/ir/random-graph.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { tensorType, type StaticType } from "../../../src/ir/types.ts";
import { randomTensor } from "../../../src/ir/sample.ts";
import { loadReference } from "../../frontends/onnx/reference.ts";
import { difference, opRegions } from "./op-regions.ts";

const reference = await loadReference();

const REGIONS = opRegions((def) => ONNX_OPS.has(def.name));
const refusalOf = (graph: Graph): string | undefined => graph.ops.map((op) => (op.name === "return" ? undefined : onnxRefusal(op))).find(Boolean);

function readBack(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  const again = importModel(exportOnnx(graph), { fileName: "region.onnx", shapes: {} });
  return interpret(again, inputs);
}

describe("every op that has a form in ONNX", () => {
  const refused = REGIONS.map((region) => ({ title: region.title, words: refusalOf(region.graph) })).filter(({ words }) => words);

  test("is written, or refused in words", () => {
    expect(Object.fromEntries(refused.map(({ title, words }) => [title, words]))).toMatchSnapshot();
  });

  const written = REGIONS.filter((region) => !refused.some(({ title }) => title === region.title));

  test.each(written)("$title is read back by the importer and gives the same", ({ graph, inputs, tolerance }) => {
    const wanted = interpret(graph, inputs);
    expect(difference(readBack(graph, inputs), wanted, { abs: tolerance.abs + 1e-6, rel: tolerance.rel + 1e-6 })).toBe("");
  });

  const taken = written.filter(({ inputs }) => inputs.every((input) => input.type.dtype !== "f64" && input.data.length > 0));

  describe.skipIf(!reference)("and ONNX Runtime gives the same (wants onnxruntime-node)", () => {
    test.each(taken)("$title", async ({ title, graph, inputs, tolerance }) => {
      const feeds = Object.fromEntries(graph.params.map((param, i) => [param.name, inputs[i]!]));
      const names = graph.terminator.attrs["names"] as readonly string[];
      try {
        const got = await reference!(exportOnnx(graph), feeds, names);
        expect(difference(got, interpret(graph, inputs), { abs: tolerance.abs + 1e-5, rel: tolerance.rel + 1e-4 })).toBe("");
      } catch (error) {
        // The file is good, and the runtime has no kernel for the dtype or gives up on the data: which, is written down.
        expect(String(error)).toMatch(/NOT_IMPLEMENTED|Could not find an implementation|Integer overflow/);
        expect(NO_KERNEL).toContain(title);
      }
    });
  });
});

/** Of i64 and bool; and regions so large that ONNX Runtime's count of samples overflows. */
const NO_KERNEL: readonly string[] = ["relu 3", "select 3", "roiAlign 2"];

test.each(Array.from({ length: 60 }, (_, seed) => seed))("random graph %i is read back and gives the same", (seed) => {
  const { graph, inputs } = randomGraph(seed, { accepts: (op: Op) => ONNX_OPS.has(op.name) && onnxRefusal(op) === undefined });
  const wanted = interpret(graph, inputs);
  expect(difference(readBack(graph, inputs), wanted, { abs: 1e-3, rel: 1e-3 })).toBe("");
});

describe("a file", () => {
  const type = tensorType("f32", [2, 2]) as StaticType;

  test("has initializers that are no inputs, a type for every value, and names of the source", () => {
    const x = new Value(type, "x");
    const graph = new Graph("r0", [x]);
    const b = new Builder(graph.ops);
    const weights = b.create(constant, {}, { value: tensor("f32", [2, 2], [1, 2, 3, 4]) });
    b.loc = ["/stem/Mul"];
    const inner = b.create(mul, { a: x, b: weights });
    b.loc = ["/stem/Add"];
    const y = b.create(add, { a: inner, b: weights });
    b.create(returnOp, { values: [y] }, { names: ["y"] });
    const model = onnxModel(graph);
    expect(model.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(model.initializers).toHaveLength(1);
    expect(model.nodes.map(({ name }) => name)).toEqual(["/stem/Mul", "/stem/Add"]);
    const known = [...model.inputs, ...model.outputs, ...model.values].map(({ name }) => name);
    expect(known).toEqual(expect.arrayContaining(model.nodes.flatMap((node) => node.outputs)));
    expect(exportOnnx(graph)).toEqual(exportOnnx(graph));
  });

  test("gives a value under several names, and parameters as results", () => {
    const x = new Value(type, "x");
    const graph = new Graph("r0", [x]);
    const b = new Builder(graph.ops);
    const y = b.create(add, { a: x, b: x });
    b.create(returnOp, { values: [y, y, x] }, { names: ["a", "b", "c"] });
    const inputs = [tensor("f32", [2, 2], [1, 2, 3, 4])];
    expect(difference(readBack(graph, inputs), interpret(graph, inputs), { abs: 0, rel: 0 })).toBe("");
    expect(onnxModel(graph).outputs.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test("gives 0 for a query that sees no key", () => {
    const types = ["q", "k", "v"].map((name) => new Value(tensorType("f32", [1, 1, 3, 4]), name));
    const mask = new Value(tensorType("bool", [3, 3]), "mask");
    const graph = new Graph("r0", [...types, mask]);
    const b = new Builder(graph.ops);
    b.create(returnOp, { values: [b.create(attention, { q: types[0]!, k: types[1]!, v: types[2]!, mask }, { causal: true })] }, { names: ["y"] });
    const inputs = [...types.map((value, i) => randomTensor(value.type as StaticType, i)), tensor("bool", [3, 3], [0, 1, 1, 1, 0, 1, 1, 1, 1])];
    const got = readBack(graph, inputs);
    expect(Array.from(got[0]!.data as Float32Array).slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(difference(got, interpret(graph, inputs), { abs: 1e-5, rel: 1e-5 })).toBe("");
  });
});
