import { describe, expect, test } from "vitest";
import { MODELS, type ModelName } from "../bench/models.ts";
import { importModel } from "../src/frontends/index.ts";
import { randomGraph } from "../src/ir/random-graph.ts";
import { randomTensor } from "../src/ir/sample.ts";
import { printGraph } from "../src/ir/text/print.ts";
import { isFloat, type StaticType } from "../src/ir/types.ts";
import type { Graph } from "../src/ir/graph.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { findCompilers } from "../src/support/node/compilers.ts";
import { Executors, type Executor } from "./executors/executors.ts";

const hasCompiler = (await findCompilers()).length > 0;
const executors: Executor[] = hasCompiler || process.env.CI === "true" ? ["interpreter", "native", "wasm"] : ["interpreter", "wasm"];
if (!hasCompiler) console.warn("no C compiler: the native executor is skipped");

/** Chains of fast kernels: each op has its own tolerance, and they add up. */
const TOLERANCE = 2e-4;

function worstError(got: readonly Tensor[], wanted: readonly Tensor[]): number {
  let worst = 0;
  wanted.forEach(({ type, data }, o) => {
    const [a, b] = [got[o]!.data as ArrayLike<number | bigint>, data as ArrayLike<number | bigint>];
    let largest = 1;
    for (let i = 0; i < b.length; i++) if (Number.isFinite(Number(b[i]))) largest = Math.max(largest, Math.abs(Number(b[i])));
    for (let i = 0; i < b.length; i++) {
      const [x, y] = [Number(a[i]), Number(b[i])];
      if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
      const error = isFloat(type.dtype) ? Math.abs(x - y) / largest : Infinity;
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
  });
  return worst;
}

async function expectAgreement(graph: Graph, inputs: readonly Tensor[], label: string): Promise<void> {
  const all = new Executors(graph);
  const wanted = all.interpretImported(inputs);
  all.optimize();
  for (const executor of executors) expect(worstError(await all.run(executor, inputs), wanted), `${executor}: ${label}`).toBeLessThan(TOLERANCE);
}

describe("real architectures give the interpreter's numbers everywhere", () => {
  test.each(["resnet8", "ds-cnn", "autoencoder"] satisfies ModelName[])("%s", { timeout: 240_000 }, async (name) => {
    const graph = importModel(MODELS[name](), { fileName: `${name}.onnx` });
    await expectAgreement(
      graph,
      graph.params.map((param, i) => randomTensor(param.type as StaticType, 7 + i)),
      name,
    );
  });
});

test("random graphs give the interpreter's numbers everywhere", { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const { graph, inputs } = randomGraph(seed);
    const text = printGraph(graph);
    await expectAgreement(graph, inputs, `seed ${seed}\n${text}`);
  }
});
