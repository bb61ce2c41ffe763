import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { compile, load as loadBundle } from "../../../src/index.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { findCompilers } from "../../../src/support/node/compilers.ts";
import { Executors, type Executor } from "../../executors/executors.ts";
import { target } from "../../executors/targets.ts";
import { floats, GROWING_MODELS } from "../../fixtures/growing-models.ts";
import { node, value, writeOnnx, type ModelSpec } from "../../fixtures/onnx-writer.ts";
import { NO_NATIVE } from "../../session/tiny-model.ts";
import { expectClose } from "./expect-close.ts";
import { loadReference } from "./reference.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const reference = await loadReference();
const families = new Set((await findCompilers()).map(({ family }) => family));
/** With nothing, or gcc's checks, around what they may touch. */
const guarded: readonly Executor[] = [
  "guardedWasm",
  ...(families.size > 0 ? (["guarded"] as const) : []),
  ...(families.has("gcc") ? (["sanitized"] as const) : []),
];

describe("loops whose carried values grow", () => {
  test.each(GROWING_MODELS.map((model) => [model.name, model] as const))("%s: every executor, and ONNX Runtime", { timeout: 120_000 }, async (_name, model) => {
    const bytes = writeOnnx(model.spec);
    const names = model.spec.outputs.map(({ name }) => name);
    const graph = importOnnx(bytes, { fileName: "m.onnx", ...(model.bounds ? { bounds: model.bounds } : {}) });
    const executors = new Executors(graph);
    const runs = model.runs.map((given) => graph.params.map(({ name }) => given[name]!));
    const meant = runs.map((inputs) => executors.interpretImported(inputs));
    for (const [k, inputs] of runs.entries()) {
      const wanted = reference ? await reference(bytes, model.runs[k]!, names) : meant[k]!;
      for (const got of [
        meant[k]!,
        await executors.run("interpreter", inputs),
        await executors.runProgram(inputs, target("host")),
        await executors.run("wasm", inputs),
      ])
        got.forEach((tensor, i) => {
          expect(tensor.type.shape, names[i]).toEqual(wanted[i]!.type.shape);
          expectClose(tensor, wanted[i]!, 1e-5, names[i]);
        });
    }
  });
});

describe("a bound", () => {
  const decoding = GROWING_MODELS.find(({ name }) => name.includes("as an input says"))!;
  const load = (bounds: Readonly<Record<string, number>>): Graph => importOnnx(writeOnnx(decoding.spec), { fileName: "m.onnx", bounds });
  const given = decoding.runs.at(-1)!;
  const inputsOf = (graph: Graph): Tensor[] => graph.params.map(({ name }) => given[name]!);

  test("that a run passes ends it with an error that names the value", () => {
    const graph = load({ sentence: 6 });
    expect(noteTexts(expectRefused("NEO1058", () => interpret(graph, inputsOf(graph))))).toEqual(["sentence: is 7 long, at most 6 were planned"]);
    expect(interpret(load({ sentence: 9 }), inputsOf(graph))[0]!.type.shape).toEqual([1, 9]);
  });

  test("that a run passes is told by the session, in WebAssembly and natively, and the next run is none the worse", { timeout: 60_000 }, async () => {
    for (const kind of NO_NATIVE ? (["wasm"] as const) : (["wasm", "native"] as const)) {
      const target = kind === "wasm" ? "wasm" : "host";
      const { bundle } = await compile(writeOnnx(decoding.spec), { fileName: "m.onnx", targets: [target], bounds: { sentence: 6 } });
      const session = await loadBundle(bundle, { trust: "unsigned", prefer: [kind] });
      await expect(session.run(given)).rejects.toMatchObject({
        code: "NEO1058",
        notes: [{ where: "sentence", text: "is 7 long, at most 6 were planned" }],
      });
      const { sentence } = await session.run({ ...given, m: tensor("i64", [], [4n]) });
      expect(sentence!.shape).toEqual([1, 6]);
      session.close();
    }
  });

  test("that a run passes is no reason to touch memory outside of the planned buffers", { timeout: 120_000 }, async () => {
    const graph = load({ sentence: 6 });
    const executors = new Executors(graph);
    for (const executor of guarded) expect((await executors.run(executor, inputsOf(graph)))[0]!.type.shape).toEqual([1, 6]);
  });

  test("below what can be derived makes buffers smaller, and is held", async () => {
    const nodes = [node("NonZero", ["x"], ["found"]), node("Cast", ["found"], ["f"], { to: 1 }), node("MatMul", ["wide", "f"], ["y"])];
    const spec: ModelSpec = { nodes, inputs: [value("x", "f32", [400])], outputs: [value("y", "f32")], initializers: { wide: floats([64, 1]) }, opset: 13 };
    const graph = (bounds: Readonly<Record<string, number>>): Graph => importOnnx(writeOnnx(spec), { fileName: "m.onnx", bounds });
    const arena = (bounds: Readonly<Record<string, number>>): number => new Executors(graph(bounds)).lower(target("wasm")).lowered.program.arenaBytes;
    expect(arena({ found: 20 })).toBeLessThan(arena({}) / 4);
    const few = tensor(
      "f32",
      [400],
      Array.from({ length: 400 }, (_, i) => (i % 30 === 7 ? 1 : 0)),
    );
    const [loose, tight] = [new Executors(graph({})), new Executors(graph({ found: 20 }))];
    const wanted = loose.interpretImported([few])[0]!;
    expect(wanted.type.shape).toEqual([64, 14]);
    expect(tight.interpretImported([few])[0]).toEqual(wanted);
    expectClose((await tight.run("wasm", [few]))[0]!, wanted, 1e-6);
    const many = tensor("f32", [400], new Array<number>(400).fill(1));
    expect(noteTexts(expectRefused("NEO1058", () => interpret(graph({ found: 20 }), [many])))).toEqual(["found: is 400 long, at most 20 were planned"]);
    for (const executor of guarded) expect((await tight.run(executor, [many]))[0]!.type.shape).toEqual([64, 20]);
  });
});
