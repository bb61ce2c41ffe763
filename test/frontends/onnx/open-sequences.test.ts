import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { Executors } from "../../executors/executors.ts";
import { target } from "../../executors/targets.ts";
import { floats } from "../../fixtures/growing-models.ts";
import { node, value, writeOnnx, type GraphSpec, type ModelSpec, type NodeSpec, type ValueSpec } from "../../fixtures/onnx-writer.ts";
import { expectClose } from "./expect-close.ts";
import { loadReference } from "./reference.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const reference = await loadReference();

const sub = (spec: GraphSpec): { readonly graph: GraphSpec } => ({ graph: spec });
const long = (of: number): Tensor => tensor("i64", [], [BigInt(of)]);
const flag = (on: number): Tensor => tensor("bool", [], [on]);
const x = floats([2, 3]);
const sequence = (name: string): ValueSpec => ({ name, dtype: "f32", type: { sequence_type: { elem_type: { tensor_type: { elem_type: 1 } } } } });
const optional = (name: string): ValueSpec => ({ name, dtype: "f32", type: { optional_type: { elem_type: { tensor_type: { elem_type: 1 } } } } });
const list = sequence("list");

/** A loop that puts a tensor into a sequence in each turn, as often as `m` says. */
const collecting: NodeSpec = node(
  "Loop",
  ["m", "", "none", "x"],
  ["all", "last"],
  {
    body: sub({
      nodes: [node("Identity", ["go"], ["again"]), node("Add", ["item", "item"], ["twice"]), node("SequenceInsert", ["list", "twice"], ["longer"])],
      inputs: [value("i", "i64", []), value("go", "bool", []), list, value("item", "f32", [2, 3])],
      outputs: [value("again", "bool", []), sequence("longer"), value("twice", "f32", [2, 3])],
    }),
  },
  { name: "collecting" },
);
const none = node("SequenceEmpty", [], ["none"], { dtype: 1 });

interface Model {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  readonly initializers?: ModelSpec["initializers"];
  readonly bounds?: Readonly<Record<string, number>>;
  readonly runs: readonly Readonly<Record<string, Tensor>>[];
}

const MODELS: readonly Model[] = [
  {
    name: "a loop that collects tensors, joined both ways",
    nodes: [
      none,
      collecting,
      node("ConcatFromSequence", ["all"], ["joined"], { axis: 1 }),
      node("ConcatFromSequence", ["all"], ["stacked"], { axis: 0, new_axis: 1 }),
      node("SequenceLength", ["all"], ["count"]),
    ],
    inputs: [value("x", "f32", [2, 3]), value("m", "i64", [])],
    outputs: [value("joined", "f32"), value("stacked", "f32"), value("count", "i64", []), value("last", "f32", [2, 3])],
    bounds: { all: 4 },
    runs: [1, 2, 4].map((m) => ({ x, m: long(m) })),
  },
  {
    name: "places in a sequence that a loop collected",
    nodes: [
      none,
      collecting,
      node("SequenceAt", ["all", "p"], ["one"]),
      node("SequenceErase", ["all", "p"], ["fewer"]),
      node("ConcatFromSequence", ["fewer"], ["left"], { axis: 0 }),
      node("SequenceInsert", ["all", "x", "p"], ["more"]),
      node("ConcatFromSequence", ["more"], ["grown"], { axis: 0 }),
    ],
    inputs: [value("x", "f32", [2, 3]), value("m", "i64", []), value("p", "i64", [])],
    outputs: [value("one", "f32"), value("left", "f32"), value("grown", "f32")],
    bounds: { all: 5 },
    runs: [
      { x, m: long(3), p: long(1) },
      { x, m: long(5), p: long(-1) },
      { x, m: long(2), p: long(0) },
    ],
  },
  {
    name: "branches with sequences of other lengths",
    nodes: [
      node("If", ["c"], ["all"], {
        then_branch: sub({ nodes: [node("SequenceConstruct", ["x", "y", "x"], ["s"])], outputs: [sequence("s")] }),
        else_branch: sub({ nodes: [node("SequenceConstruct", ["y"], ["t"])], outputs: [sequence("t")] }),
      }),
      node("ConcatFromSequence", ["all"], ["joined"], { axis: 0 }),
      node("SequenceLength", ["all"], ["count"]),
    ],
    inputs: [value("x", "f32", [2, 3]), value("y", "f32", [2, 3]), value("c", "bool", [])],
    outputs: [value("joined", "f32"), value("count", "i64", [])],
    runs: [0, 1].map((c) => ({ x, y: floats([2, 3], 0.3), c: flag(c) })),
  },
  {
    name: "the rows that a find gives, one by one",
    nodes: [
      node("Compress", ["x", "which"], ["rows"], { axis: 0 }),
      node("SplitToSequence", ["rows"], ["all"], { axis: 0, keepdims: 0 }),
      node("SequenceLength", ["all"], ["count"]),
      node("ConcatFromSequence", ["all"], ["joined"], { axis: 0 }),
      node("SequenceAt", ["all", "first"], ["one"]),
    ],
    inputs: [value("x", "f32", [4, 3]), value("which", "bool", [4])],
    outputs: [value("count", "i64", []), value("joined", "f32"), value("one", "f32")],
    initializers: { first: long(0) },
    runs: [
      [1, 0, 1, 1],
      [0, 0, 1, 0],
    ].map((which) => ({ x: floats([4, 3]), which: tensor("bool", [4], which) })),
  },
];

const specOf = ({ nodes, inputs, outputs, initializers }: Model): ModelSpec => ({
  nodes,
  inputs,
  outputs,
  opset: 13,
  ...(initializers ? { initializers } : {}),
});

describe("sequences whose length a run tells", () => {
  test.each(MODELS.map((model) => [model.name, model] as const))("%s: every executor, and ONNX Runtime", { timeout: 60_000 }, async (_name, model) => {
    const bytes = writeOnnx(specOf(model));
    const names = model.outputs.map(({ name }) => name);
    const graph = importOnnx(bytes, { fileName: "m.onnx", ...(model.bounds ? { bounds: model.bounds } : {}) });
    const executors = new Executors(graph);
    const runs = model.runs.map((given) => graph.params.map(({ name }) => given[name]!));
    const meant = runs.map((inputs) => executors.interpretImported(inputs));
    for (const [k, inputs] of runs.entries()) {
      const wanted = reference ? await reference(bytes, model.runs[k]!, names) : meant[k]!;
      for (const got of [meant[k]!, await executors.runProgram(inputs, target("host")), await executors.run("wasm", inputs)])
        got.forEach((found, i) => {
          expect(found.type.shape, names[i]).toEqual(wanted[i]!.type.shape);
          expectClose(found, wanted[i]!, 1e-5, names[i]);
        });
    }
  });

  test("without a bound the error says which would help", () => {
    const [model] = MODELS;
    const error = expectRefused("NEO2006", () => importOnnx(writeOnnx(specOf(model!)), { fileName: "m.onnx" }));
    expect(noteTexts(error)).toEqual([
      "collecting: Loop carries 0x2x3 f32, which gets longer along axis 0 turn by turn, and nothing says how long that can get",
    ]);
    expect(error.hint).toBe("say how long it can get: `--bound all=N`");
  });

  test("as an output of the model it is one tensor", () => {
    const model = { ...MODELS[0]!, nodes: [none, collecting], outputs: [sequence("all")] };
    const graph = importOnnx(writeOnnx(specOf(model)), { fileName: "m.onnx", bounds: { all: 4 } });
    const [all] = new Executors(graph).interpretImported(graph.params.map(({ name }) => model.runs[1]![name]!));
    expect(all!.type.shape).toEqual([2, 2, 3]);
  });
});

describe("optionals that a branch decides", () => {
  const branches = {
    then_branch: sub({ nodes: [node("Add", ["x", "x"], ["a"]), node("Optional", ["a"], ["s"])], outputs: [optional("s")] }),
    else_branch: sub({ nodes: [node("Optional", [], ["t"])], outputs: [optional("t")] }),
  };
  const nodes = [
    node("If", ["c"], ["perhaps"], branches, { name: "choose" }),
    node("OptionalHasElement", ["perhaps"], ["has"]),
    node("OptionalGetElement", ["perhaps"], ["held"]),
    node("Where", ["has", "held", "x"], ["y"]),
  ];
  const spec = (outputs: readonly ValueSpec[]): ModelSpec => ({ nodes, inputs: [value("x", "f32", [2, 3]), value("c", "bool", [])], outputs, opset: 18 });

  test("hold something or not as the run says, on every executor", async () => {
    const bytes = writeOnnx(spec([value("has", "bool", []), value("y", "f32")]));
    for (const c of [0, 1]) {
      const executors = new Executors(importOnnx(bytes, { fileName: "m.onnx" }));
      const inputs = [x, flag(c)];
      for (const [has, y] of [executors.interpretImported(inputs), await executors.run("interpreter", inputs), await executors.run("wasm", inputs)]) {
        expect(Number(has!.data[0])).toBe(c);
        expect(Array.from(y!.data as Float32Array)).toEqual(Array.from(x.data as Float32Array, (one) => Math.fround(one * (1 + c))));
      }
    }
  });

  test("are no outputs of a model", () => {
    const error = expectRefused("NEO2005", () => importOnnx(writeOnnx(spec([optional("perhaps")])), { fileName: "m.onnx" }));
    expect(noteTexts(error)).toEqual(["perhaps: is an optional of which a run tells whether it holds something, and there is no output without a tensor"]);
  });
});
