import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import type { DType } from "../../../src/ir/types.ts";
import { Executors } from "../../executors/executors.ts";
import { target } from "../../executors/targets.ts";
import { node, value, writeOnnx, type ModelSpec, type NodeSpec } from "../../fixtures/onnx-writer.ts";
import { expectClose } from "./expect-close.ts";
import { loadReference } from "./reference.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const reference = await loadReference();

const longs = (...values: readonly number[]): Tensor => tensor("i64", [values.length], values.map(BigInt));
const scalar = (of: number): Tensor => tensor("i64", [], [BigInt(of)]);
const x = tensor(
  "f32",
  [6, 4],
  Array.from({ length: 24 }, (_, i) => Math.sin(i * 1.7)),
);
const some = tensor("bool", [6], [1, 0, 1, 1, 0, 1]);

interface Model {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  readonly outputs: readonly (readonly [string, DType])[];
  readonly inputs?: Readonly<Record<string, Tensor>>;
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly bounds?: Readonly<Record<string, number>>;
}

/** Rows of x where the condition holds, and all kinds of things behind them. */
const rows = node("Compress", ["x", "c"], ["rows"], { axis: 0 });
const MODELS: readonly Model[] = [
  { name: "places looked up", nodes: [node("NonZero", ["c"], ["p"]), node("Squeeze", ["p", "zero"], ["q"]), node("Gather", ["x", "q"], ["y"])], outputs: [["p", "i64"], ["y", "f32"]], initializers: { zero: longs(0) } }, // prettier-ignore
  { name: "elements without an axis", nodes: [node("Compress", ["x", "c"], ["y"])], outputs: [["y", "f32"]] },
  { name: "distinct elements", nodes: [node("Round", ["x"], ["r"]), node("Unique", ["r"], ["u", "i", "v", "n"])], outputs: [["u", "f32"], ["i", "i64"], ["v", "i64"], ["n", "i64"]] }, // prettier-ignore
  {
    name: "a shape made of lengths",
    nodes: [
      rows,
      node("Shape", ["rows"], ["s"]),
      node("Gather", ["s", "first"], ["n"]),
      node("Unsqueeze", ["n", "zero"], ["n1"]),
      node("Concat", ["n1", "twos"], ["to"], { axis: 0 }),
      node("Reshape", ["rows", "to"], ["y"]),
      node("Size", ["rows"], ["size"]),
    ],
    outputs: [["y", "f32"], ["s", "i64"], ["size", "i64"]], // prettier-ignore
    initializers: { first: scalar(0), zero: longs(0), twos: longs(2, 2) },
  },
  {
    name: "flattened, with an axis put in and taken out",
    nodes: [
      rows,
      node("Unsqueeze", ["rows", "one"], ["u"]),
      node("Squeeze", ["u", "one"], ["w"]),
      node("Flatten", ["u"], ["f"]),
      node("Transpose", ["w"], ["t"]),
    ],
    outputs: [["u", "f32"], ["f", "f32"], ["t", "f32"]], // prettier-ignore
    initializers: { one: longs(1) },
  },
  {
    name: "slices of it",
    nodes: [
      rows,
      node("Slice", ["rows", "zero", "two", "zero"], ["head"]),
      node("Slice", ["rows", "one", "most", "zero"], ["rest"]),
      node("Slice", ["rows", "minus2", "most", "zero"], ["tail"]),
      node("Slice", ["rows", "one", "three", "one"], ["columns"]),
    ],
    outputs: [["head", "f32"], ["rest", "f32"], ["tail", "f32"], ["columns", "f32"]], // prettier-ignore
    initializers: { zero: longs(0), one: longs(1), two: longs(2), three: longs(3), minus2: longs(-2), most: tensor("i64", [1], [2n ** 63n - 1n]) },
  },
  {
    name: "slices from and to places that are inputs",
    nodes: [node("Slice", ["x", "from", "to", "axes"], ["y"])],
    outputs: [["y", "f32"]],
    inputs: { from: longs(-5, 1), to: longs(4, -1) },
    initializers: { axes: longs(0, 1) },
  },
  {
    name: "the greatest, as many as an input says",
    nodes: [node("TopK", ["x", "k"], ["v", "i"], { axis: 1 })],
    outputs: [["v", "f32"], ["i", "i64"]], // prettier-ignore
    inputs: { k: longs(3) },
  },
  {
    name: "softmax, sums, means and products along it",
    nodes: [
      rows,
      node("Transpose", ["rows"], ["t"]),
      node("Softmax", ["t"], ["s"], { axis: -1 }),
      node("ReduceMean", ["rows"], ["m"], { axes: [0], keepdims: 0 }),
      node("ReduceMax", ["rows"], ["h"], { axes: [0] }),
      node("MatMul", ["t", "rows"], ["g"]),
      node("Sub", ["rows", "h"], ["d"]),
    ],
    outputs: [["s", "f32"], ["m", "f32"], ["g", "f32"], ["d", "f32"]], // prettier-ignore
  },
  {
    name: "numbers as far as a find is long",
    nodes: [
      rows,
      node("Shape", ["rows"], ["s"]),
      node("Gather", ["s", "first"], ["n"]),
      node("Range", ["zeroth", "n", "step"], ["r"]),
      node("Cast", ["r"], ["f"], { to: 1 }),
      node("Unsqueeze", ["f", "one"], ["u"]),
      node("Mul", ["rows", "u"], ["y"]),
    ],
    outputs: [["r", "i64"], ["y", "f32"]], // prettier-ignore
    initializers: { first: scalar(0), zeroth: scalar(0), step: scalar(1), one: longs(1) },
  },
  {
    name: "numbers between inputs, with a bound",
    nodes: [node("Range", ["from", "to", "step"], ["y"])],
    outputs: [["y", "i64"]],
    inputs: { from: scalar(11), to: scalar(-4), step: scalar(-4) },
    bounds: { y: 9 },
  },
  {
    name: "concatenation of two finds",
    nodes: [rows, node("Not", ["c"], ["o"]), node("Compress", ["x", "o"], ["others"], { axis: 0 }), node("Concat", ["rows", "others"], ["y"], { axis: 0 })],
    outputs: [["y", "f32"]],
  },
];

function specOf({ nodes, outputs, inputs = {}, initializers = {} }: Model): { spec: ModelSpec; given: Readonly<Record<string, Tensor>> } {
  const reads = (name: string): boolean => nodes.some(({ inputs: read }) => read.includes(name));
  const given = Object.fromEntries(Object.entries({ x, c: some, ...inputs }).filter(([name]) => reads(name)));
  const spec = {
    nodes,
    inputs: Object.entries(given).map(([name, { type }]) => value(name, type.dtype, type.shape)),
    outputs: outputs.map(([name, dtype]) => value(name, dtype)),
    initializers,
    opset: 17,
  };
  return { spec: spec as unknown as ModelSpec, given };
}

describe("lengths that data decide", () => {
  test.each(MODELS.map((model) => [model.name, model] as const))("%s: every executor, and ONNX Runtime", { timeout: 60_000 }, async (_name, model) => {
    const { spec, given } = specOf(model);
    const bytes = writeOnnx(spec);
    const graph = importOnnx(bytes, { fileName: "m.onnx", ...(model.bounds ? { bounds: model.bounds } : {}) });
    const inputs = graph.params.map(({ name }) => given[name]!);
    const executors = new Executors(graph);
    const meant = executors.interpretImported(inputs);
    const names = model.outputs.map(([name]) => name);
    const wanted = reference ? await reference(bytes, given, names) : meant;
    const program = await executors.runProgram(inputs, target("host"));
    const wasm = await executors.run("wasm", inputs);
    for (const got of [meant, program, wasm]) {
      got.forEach((tensor, i) => {
        expect(tensor.type.shape, names[i]).toEqual(wanted[i]!.type.shape);
        expectClose(tensor, wanted[i]!, 1e-5, names[i]);
      });
    }
  });

  test("a graph that finds nothing gives tensors of no length", async () => {
    const { spec, given } = specOf(MODELS[0]!);
    const graph = importOnnx(writeOnnx(spec), { fileName: "m.onnx" });
    const none = tensor("bool", [6], [0, 0, 0, 0, 0, 0]);
    const outputs = await new Executors(graph).run(
      "wasm",
      graph.params.map(({ name }) => (name === "c" ? none : given[name]!)),
    );
    expect(outputs.map(({ type }) => type.shape)).toEqual([
      [1, 0],
      [0, 4],
    ]);
  });

  test("numbers that nothing bounds ask for a bound by name, and a bound that nobody asked for is refused", () => {
    const { spec } = specOf(MODELS.find(({ bounds }) => bounds)!);
    const load = (bounds: Readonly<Record<string, number>>): unknown => importOnnx(writeOnnx(spec), { fileName: "m.onnx", bounds });
    expect(expectRefused("NEO2006", () => load({})).hint).toContain("`--bound y=N`");
    expect(noteTexts(expectRefused("NEO2010", () => load({ y: 9, z: 4 })))).toEqual(["z: is given a bound, and names no value that wants one"]);
  });

  test("an operator that wants the length known says which tensor has none", () => {
    const { spec } = specOf({
      name: "",
      nodes: [rows, node("SpaceToDepth", ["rows"], ["y"], { blocksize: 2 }), node("Split", ["rows"], ["a", "b"], { axis: 0 })],
      outputs: [["a", "f32"]],
    });
    const texts = noteTexts(expectRefused("NEO2005", () => importOnnx(writeOnnx(spec), { fileName: "m.onnx" })));
    expect(texts.at(-1)).toMatch(/Split: rows is .*x4, as long as a run says/);
  });
});
