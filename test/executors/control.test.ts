import { expect, test } from "vitest";
import { importOnnx } from "../../src/frontends/onnx/import.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { CONTROL_MODELS } from "../fixtures/control-models.ts";
import { writeOnnx } from "../fixtures/onnx-writer.ts";
import { Executors, type Executor } from "./executors.ts";

const hasCompiler = (await findCompilers()).length > 0 || process.env.CI === "true";
const executors: Executor[] = hasCompiler ? ["interpreter", "native", "wasm"] : ["interpreter", "wasm"];

function expectNear(got: readonly Tensor[], wanted: readonly Tensor[], what: string): void {
  wanted.forEach(({ type, data }, k) => {
    expect(got[k]!.type, what).toEqual(type);
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [Number(got[k]!.data[i]), Number(data[i])];
      expect(Math.abs(a - b), `${what}: output ${k}[${i}] is ${a}, wanted ${b}`).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(b)));
    }
  });
}

test.each(CONTROL_MODELS.map((model) => [model.name, model] as const))("every executor runs %s", { timeout: 120_000 }, async (_name, { spec, runs }) => {
  const load = (): ReturnType<typeof importOnnx> => importOnnx(writeOnnx(spec), { fileName: "m.onnx" });
  const all = new Executors(load());
  all.optimize();
  for (const [n, inputs] of runs.entries()) {
    const given = spec.inputs!.map(({ name }) => inputs[name]!);
    const wanted = interpret(load(), given);
    for (const executor of executors) expectNear(await all.run(executor, given), wanted, `${executor}, run ${n}`);
  }
});
