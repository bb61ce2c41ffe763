import { int } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import { BITS, elementCount, equalShapes, isInteger, tensorType } from "../types.ts";
import { SUMS, toDoubles } from "./elements.ts";
import { expect, expectRank, expectShape } from "./expect.ts";
import { dotRows } from "./matmul-loops.ts";

/**
 * Weight-only quantisation: activations are real, weights are codes of at most 8 bits with a scale, and maybe a zero point, for each
 * `block` of a row. Codes are made numbers where they are multiplied, so that they stay small in bundles and memory.
 */
export const weightOnlyLinear = defineOp({
  name: "weightOnlyLinear",
  summary: "x * transpose((w - zeroPoint) * scale) + bias, over the last axis of x; one scale and zero point for each `block` codes of a row of w.",
  operands: ["x", "w", "scale", "zeroPoint?", "bias?"],
  attrs: { block: int(1) },
  tolerance: SUMS,
  samples: [
    { x: "3x32xf32", w: "5x32xu4 in 0..15", scale: "5x2xf32 in 0.05..0.1", zeroPoint: "5x2xu4 in 4..11", attrs: { block: 16 } },
    { x: "1x24xf32", w: "37x24xi8 in -127..127", scale: "37x1xf32 in 0.01..0.02", attrs: { block: 24 } },
    { x: "2x1x16xf32", w: "18x16xi4 in -8..7", scale: "18x1xf32 in 0.05..0.1", bias: "18xf32", attrs: { block: 16 } },
    { x: "7x6xf32", w: "9x6xu8 in 0..255", scale: "9x2xf32 in 0.01..0.02", zeroPoint: "9x2xu8 in 100..150", bias: "9xf32", attrs: { block: 3 } },
  ],
  infer({ x, w, scale, zeroPoint, bias }, { block }) {
    expect(x.dtype === "f32" && scale.dtype === "f32", () => `x is ${x.dtype} and scale ${scale.dtype}, weightOnlyLinear wants f32`);
    expect(isInteger(w.dtype) && BITS[w.dtype] <= 8, () => `w is ${w.dtype}, weightOnlyLinear wants integers of at most 8 bits`);
    expectRank("weightOnlyLinear", "x", x, 1, Infinity);
    expectRank("weightOnlyLinear", "w", w, 2);
    expect(
      equalShapes(x.shape.slice(-1), w.shape.slice(-1)),
      () => `x is ${shapeText(x.shape)} and w is ${shapeText(w.shape)}, weightOnlyLinear wants rows of one length`,
    );
    const [n, k] = w.shape as [number, number];
    expect(block > 0 && k % block === 0, () => `block is ${block}, weightOnlyLinear wants rows of ${k} to be whole blocks`);
    expectShape("weightOnlyLinear", "scale", scale, [n, k / block]);
    if (zeroPoint) {
      expect(zeroPoint.dtype === w.dtype, () => `zeroPoint is ${zeroPoint.dtype} and w ${w.dtype}, weightOnlyLinear wants one dtype`);
      expectShape("weightOnlyLinear", "zeroPoint", zeroPoint, [n, k / block]);
    }
    if (bias) expectShape("weightOnlyLinear", "bias", bias, [n]);
    return tensorType("f32", [...x.shape.slice(0, -1), n]);
  },
  evaluate({ x, w, scale, zeroPoint, bias }, { block }, result, types) {
    const [n, k] = types.w.shape as [number, number];
    const m = elementCount(types.x.shape.slice(0, -1));
    const real = new Float64Array(n * k);
    for (let i = 0; i < real.length; i++) {
      const p = Math.floor(i / block);
      real[i] = (Number(w[i]!) - Number(zeroPoint?.[p] ?? 0)) * Number(scale[p]!);
    }
    const y = new Float64Array(elementCount(result.shape));
    dotRows(toDoubles(x), 0, real, y, 0, n, { m, n, k });
    if (bias) for (let i = 0; i < y.length; i++) y[i]! += bias[i % n]!;
    return y;
  },
  macs: ({ w }, _attrs, result) => elementCount(result.shape) * w.shape[1]!,
});
