import { describe, expect, test } from "vitest";
import { dequantiseSchedule, quantiseSchedule } from "../../../src/backends/schedules/quantise.ts";
import { dequantise, quantise } from "../../../src/ir/ops/conversion.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS } from "./lowered.ts";

describe.each(TARGETS)("quantisation on $name", (target) => {
  test.each([
    [quantise, quantiseSchedule],
    [dequantise, dequantiseSchedule],
  ] as const)("samples", (def, schedule) => {
    for (const sample of def.samples) {
      checkOp(def, schedule, sample, { target });
      checkOp(def, schedule, sample, { target, border: true, constants: ["scale", "zeroPoint"] });
      checkOp(def, schedule, sample, { target, image: true });
    }
  });
  test.each(["i8", "u8", "i16", "u16", "i4", "u4", "i32", "u32"] as const)("%s", (to) => {
    const zeroPoint = `19x${to} in 0..3`;
    const scale = "19xf32 in 0.01..0.1";
    for (const image of [false, true]) {
      checkOp(quantise, quantiseSchedule, { x: "2x19x5x4xf32 in -9..9", scale, zeroPoint, attrs: { to, axis: 1 } }, { target, image });
      checkOp(dequantise, dequantiseSchedule, { x: `2x19x5x4x${to}`, scale, zeroPoint, attrs: { axis: 1 } }, { target, image });
    }
    checkOp(dequantise, dequantiseSchedule, { x: `3x40x${to}`, scale: "3x3xf32", zeroPoint: `3x3x${to} in 0..3`, attrs: { axis: 1, block: 16 } }, { target });
    checkOp(quantise, quantiseSchedule, { x: "40x3xf16", scale: "3x3xf16 in 0.1..0.3", attrs: { to, axis: 0, block: 16 } }, { target });
  });
});

test("halves go to even, what is too large to the bound, NaN to 0", () => {
  const values = [0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, NaN, Infinity, -Infinity, 126.5, 127.4, -128.5];
  const x = { type: { dtype: "f32", shape: [values.length] }, data: tensor("f32", [values.length], values).data } as const;
  for (const target of [targetOf(1, 1), targetOf(8, 8)]) {
    for (const to of ["i8", "u8", "i32"]) checkOp(quantise, quantiseSchedule, { x, scale: "f32 in 1..1", attrs: { to } }, { target });
  }
});

test("bytes are quantised in vectors", () => {
  const [kernel] = checkOp(quantise, quantiseSchedule, { x: "64xf32", scale: "f32 in 0.1..0.1", attrs: { to: "u8" } }, { target: targetOf(8, 8) });
  expect(JSON.stringify(kernel!.body)).toContain('"narrow"');
});
