import { describe, expect, test } from "vitest";
import type { Tensor } from "../../../src/ir/tensor.ts";
import { CASES } from "./cases.ts";
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

function expectClose(got: Tensor, wanted: Tensor, tolerance: number): void {
  expect(got.type).toEqual(wanted.type);
  const isFloat = ["f32", "f64", "f16"].includes(wanted.type.dtype);
  const slack = wanted.type.dtype === "f16" ? 2e-3 : tolerance;
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [Number(got.data[i]), Number(wanted.data[i])];
    if (Object.is(a, b) || a === b) continue;
    const allowed = isFloat ? slack * Math.max(1, Math.abs(b)) : 0;
    if (!(Math.abs(a - b) <= allowed)) expect.fail(`element ${i} is ${a}, ONNX Runtime has ${b}`);
  }
}
