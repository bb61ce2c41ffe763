import { expect, test } from "vitest";
import { describeOnnx } from "../../../src/frontends/onnx/describe.ts";
import { importOnnx, type OnnxOptions } from "../../../src/frontends/onnx/import.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { node, value, writeOnnx, type ValueSpec } from "../../fixtures/onnx-writer.ts";
import { i64 } from "./one-node.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const model = (...inputs: ValueSpec[]): Uint8Array =>
  writeOnnx({
    nodes: inputs.map(({ name }) => node("Neg", [name], [`${name}_out`])),
    inputs,
    outputs: inputs.map(({ name, dtype }) => value(`${name}_out`, dtype)),
  });
const bytes = model(value("a", "f32", ["batch", 3, "length"]), value("b", "f32", ["batch", null, 18446744073709551615n as unknown as number]));
const load = (options: Partial<OnnxOptions>, from = bytes): Graph => importOnnx(from, { fileName: "m.onnx", ...options });
const shapes = (graph: Graph) => graph.params.map((param) => param.type.shape);

test("dims that are named, unnamed or negative want a size, all of them at once", () => {
  const error = expectRefused("NEO2003", () => load({}));
  expect(noteTexts(error)).toEqual(["batch: of input a, b", "length: of input a", "b.1: of input b", "b.2: of input b"]);
  expect(error.message).toBe("4 dims of m.onnx have no size");
  expect(error.hint).toBe("give each a size: `--shape batch=N --shape length=N --shape b.1=N --shape b.2=N`");
});

test("sizes by the name of a dim, shapes by the name of an input", () => {
  expect(shapes(load({ shapes: { batch: 2, length: 5, "b.1": 7, "b.2": 9 } }))).toEqual([
    [2, 3, 5],
    [2, 7, 9],
  ]);
  expect(shapes(load({ shapes: { a: [2, 3, 5], b: [2, 7, 9] } }))).toEqual([
    [2, 3, 5],
    [2, 7, 9],
  ]);
});

test("the shape of one input tells the dims of the others", () => {
  const error = expectRefused("NEO2003", () => load({ shapes: { a: [2, 3, 5] } }));
  expect(noteTexts(error)).toEqual(["b.1: of input b", "b.2: of input b"]);
});

test("what fits nothing is refused, all of it at once", () => {
  const error = expectRefused("NEO2010", () => load({ shapes: { nonsense: 3, a: [2, 4, 5], b: [3, 7, 9], length: -1 }, constants: { c: i64(1) } }));
  expect(noteTexts(error)).toEqual(
    [
      "length: is given as -1: sizes are whole numbers, or ranges of them",
      "c: names no input",
      "nonsense: names neither a dim nor an input",
      "a: is given as 2x4x5: dim 1 is 4, the model says 3",
      "b: is given as 3x7x9: dim 0 is 3, input a says 2",
    ].sort((p, q) => noteTexts(error).indexOf(p) - noteTexts(error).indexOf(q)),
  );
});

test("ranks that differ are refused", () => {
  const error = expectRefused("NEO2010", () => load({ shapes: { a: [1, 3], b: [1, 1, 1] } }));
  expect(noteTexts(error)).toContain("a: is given as 1x3, rank 2; the model says batchx3xlength, rank 3");
});

test("an input without a shape wants all of it", () => {
  const open = model(value("q", "f32"));
  const error = expectRefused("NEO2003", () => load({}, open));
  expect(error.hint).toBe("give its whole shape: `--shape q=1x3x224x224`");
  expect(shapes(load({ shapes: { q: [4, 5] } }, open))).toEqual([[4, 5]]);
});

test("a constant binds the dims of its input and must be of a type that holds it", () => {
  const two = model(value("n", "i64", ["N"]), value("x", "f32", ["N"]));
  expect(shapes(load({ constants: { n: i64(1, 2, 3) } }, two))).toEqual([[3]]);
  expect(load({ constants: { n: tensor("f32", [1], [2]) } }, two).params.map((param) => param.name)).toEqual(["x"]);
  expect(noteTexts(expectRefused("NEO2010", () => load({ constants: { n: tensor("f32", [1], [2.5]) } }, two)))).toEqual(["n: is i64, which does not hold 2.5"]);
});

test("inputs of types that we have not are named", () => {
  const message = writeOnnx({ nodes: [node("Neg", ["x"], ["y"])], inputs: [{ name: "x", dtype: "string", shape: [1] }], outputs: [value("y", "string")] });
  expect(expectRefused("NEO2005", () => load({}, message)).notes[0]!.text).toContain("string");
  const sequence = writeOnnx({ nodes: [node("Identity", ["x"], ["y"])], outputs: [value("y", "f32")], inputs: [] });
  expect(expectRefused("NEO2002", () => load({}, sequence)).notes[0]!.text).toBe("reads x, which nothing gives");
});

test("a model is described without sizes", () => {
  const description = describeOnnx(bytes, "m.onnx");
  expect(description.inputs).toEqual([
    { name: "a", dtype: "f32", elementType: "FLOAT", dims: ["batch", 3, "length"] },
    { name: "b", dtype: "f32", elementType: "FLOAT", dims: ["batch", "b.1", "b.2"] },
  ]);
  expect(description.outputs[0]).toEqual({ name: "a_out", dtype: "f32", elementType: "FLOAT", dims: undefined });
  expect(description.version).toEqual({ ir: 8, opset: { "ai.onnx": 17 }, producer: "neo-test" });
  expect(description.nodes).toBe(2);
  expect({ ...description.opCounts }).toEqual({ Neg: 2 });
  expect(description.warnings).toEqual([]);
});

test("what is odd in a model and no obstacle is a warning", () => {
  const odd = writeOnnx({
    name: "",
    nodes: [node("Neg", ["x"], ["y"], {}, { name: "n" }), node("Abs", ["x"], ["z"], {}, { name: "n" })],
    inputs: [value("x", "f32", [1])],
    outputs: [value("y", "f32")],
  });
  expect(describeOnnx(odd).warnings).toEqual(["the graph has no name", "2 nodes are called n", "nobody reads what node n gives"]);
});
