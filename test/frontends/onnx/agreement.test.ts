import { describe, test } from "vitest";
import { CASES } from "./cases.ts";
import { expectClose } from "./expect-close.ts";
import { makeModel, runModel } from "./one-node.ts";
import { loadReference } from "./reference.ts";

const reference = await loadReference();

if (!reference && process.env["CI"] === "true") throw new Error("onnxruntime-node does not load, and CI=true wants it");

describe.skipIf(!reference)("operators agree with ONNX Runtime", () => {
  for (const [family, cases] of Object.entries(CASES)) {
    describe(family, () => {
      for (const [i, spec] of cases.entries()) {
        test(`${spec.op}-${spec.opset ?? 17} ${JSON.stringify(spec.attrs ?? {})} #${i}`, async () => {
          const { bytes, inputs, outputs } = makeModel(spec);
          const wanted = await reference!(bytes, inputs, outputs);
          const got = runModel(bytes, inputs);
          wanted.forEach((tensor, k) => expectClose(got[k]!, tensor, spec.tolerance ?? 1e-5));
        });
      }
    });
  }
});
