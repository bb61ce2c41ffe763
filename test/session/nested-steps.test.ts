import { describe, expect, test } from "vitest";
import { importOnnx } from "../../src/frontends/onnx/import.ts";
import { compile, load } from "../../src/index.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { Executors } from "../executors/executors.ts";
import { target } from "../executors/targets.ts";
import { NESTED_TEXT_MODELS, type NestedTextModel } from "../fixtures/nested-text-models.ts";
import { writeOnnx } from "../fixtures/onnx-writer.ts";
import { NO_NATIVE } from "./tiny-model.ts";

const BOUNDS = { rows: 5 };
const bounds = ({ spec }: NestedTextModel): { readonly bounds?: Readonly<Record<string, number>> } =>
  spec.outputs.some(({ name }) => name === "rows") ? { bounds: BOUNDS } : {};
const plain = ({ type, data }: Tensor): unknown => [type.shape, Array.from(data as ArrayLike<unknown>)];

describe.each(NESTED_TEXT_MODELS.map((model) => [model.name, model] as const))("%s", (_name, model) => {
  const bytes = writeOnnx(model.spec);
  const imported = (): Executors => new Executors(importOnnx(bytes, { fileName: "m.onnx", ...bounds(model) }));
  const runs = model.runs.map((given) => model.spec.inputs!.map(({ name }) => given[name]!));
  const wanted = runs.map((inputs) => imported().interpretImported(inputs).map(plain));

  test("kernels and steps between them give what the graph means", async () => {
    for (const [k, inputs] of runs.entries()) {
      const executors = imported();
      for (const got of [await executors.runProgram(inputs, target("wasm")), await executors.run("wasm", inputs)]) expect(got.map(plain)).toEqual(wanted[k]);
    }
  });

  test.skipIf(NO_NATIVE)("natively too, with nothing around buffers", { timeout: 60_000 }, async () => {
    for (const [k, inputs] of runs.entries()) expect((await imported().run("native", inputs)).map(plain)).toEqual(wanted[k]);
  });

  test("a session goes through branches and loops", async () => {
    const { bundle, report } = await compile(bytes, { fileName: "m.onnx", targets: ["wasm"], ...bounds(model) });
    const session = await load(bundle, { trust: "unsigned" });
    for (const [k, given] of model.runs.entries()) {
      const outputs = await session.run(given);
      expect(model.spec.outputs.map(({ name }) => [outputs[name]!.shape, Array.from(outputs[name]!.data as ArrayLike<unknown>)])).toEqual(wanted[k]);
    }
    session.close();
    expect(Object.keys(report.hostOps).length).toBeGreaterThan(0);
  });
});
