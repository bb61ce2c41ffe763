import { expect } from "vitest";
import type { Tensor } from "../../../src/ir/tensor.ts";

/** `got` has the type of `wanted`, whole numbers equal, and floats within `tolerance` of max(1, |wanted|). */
export function expectClose(got: Tensor, wanted: Tensor, tolerance: number, what = ""): void {
  expect(got.type, what).toEqual(wanted.type);
  const isFloat = ["f32", "f64", "f16"].includes(wanted.type.dtype);
  const slack = wanted.type.dtype === "f16" ? Math.max(2e-3, tolerance) : tolerance;
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [Number(got.data[i]), Number(wanted.data[i])];
    if (Object.is(a, b) || a === b) continue;
    const allowed = isFloat ? slack * Math.max(1, Math.abs(b)) : 0;
    if (!(Math.abs(a - b) <= allowed)) expect.fail(`${what} element ${i} is ${a}, ONNX Runtime has ${b}`);
  }
}
