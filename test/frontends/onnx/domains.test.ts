import { describe, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import type { Tensor } from "../../../src/ir/tensor.ts";
import { Executors } from "../../executors/executors.ts";
import { expectClose } from "./expect-close.ts";
import { makeModelOfAll } from "./many-nodes.ts";
import { ML_CASES } from "./ml-cases.ts";
import { MICROSOFT_CASES } from "./microsoft-cases.ts";
import type { OneNode } from "./one-node.ts";
import { loadReference, type Reference } from "./reference.ts";

const reference = await loadReference();

if (!reference && process.env["CI"] === "true") throw new Error("onnxruntime-node does not load, and CI=true wants it");

interface Family {
  readonly version: number;
  readonly cases: readonly OneNode[];
  readonly tolerance?: number;
}

const DOMAINS: Readonly<Record<string, Readonly<Record<string, Family>>>> = { "ai.onnx.ml": ML_CASES, "com.microsoft": MICROSOFT_CASES };

const FAMILIES = Object.entries(DOMAINS).flatMap(([domain, families]) =>
  Object.entries(families).map(([name, family]): readonly [string, Family & { readonly domain: string }] => [`${domain} ${name}`, { domain, ...family }]),
);

/** All nodes of a family are one model: ONNX Runtime, the interpreter, C and WebAssembly each run it once. */
describe.skipIf(!reference)("other domains agree with ONNX Runtime", () => {
  for (const [name, { domain, version, cases, tolerance }] of FAMILIES) {
    describe(name, () => {
      const made = makeModelOfAll(cases, [{ version: 17 }, { domain, version }]);
      let wanted: Promise<readonly Tensor[]> | undefined;
      for (const executor of ["interpreter", "native", "wasm"] as const) {
        test(executor, { timeout: 120_000 }, async () => {
          wanted ??= (reference as Reference)(made.bytes, made.inputs, made.outputs);
          const graph = importOnnx(made.bytes, { fileName: "all.onnx" });
          const executors = new Executors(graph);
          const got = await executors.run(
            executor,
            graph.params.map((param) => made.inputs[param.name]!),
          );
          (await wanted).forEach((tensor, i) => expectClose(got[i]!, tensor, tolerance ?? 1e-5, label(made.outputs[i]!, cases)));
        });
      }
    });
  }
});

/** "n3_y1" as the case behind it. */
function label(output: string, cases: readonly OneNode[]): string {
  const { op, inputs, attrs } = cases[Number(/^n(\d+)_/.exec(output)![1])]!;
  return `${output} ${op} ${JSON.stringify([inputs, attrs], (_, v: unknown) => (typeof v === "bigint" ? Number(v) : v)).slice(0, 160)}`;
}
