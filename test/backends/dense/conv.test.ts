import { describe, expect, test } from "vitest";
import { conv, convTranspose } from "../../../src/ir/ops/convolution.ts";
import { convSchedule } from "../../../src/backends/schedules/conv.ts";
import { convTransposeSchedule } from "../../../src/backends/schedules/conv-transpose.ts";
import { checkCase, TARGETS, type Operand } from "./lowered.ts";

interface ConvCase {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly bias?: boolean;
  readonly residual?: readonly number[];
  readonly attrs?: Record<string, unknown>;
  readonly dtype?: "f64" | "i32";
}

const CONVS: readonly ConvCase[] = [
  { x: [1, 5, 4, 7], w: [9, 5, 1, 1], bias: true },
  { x: [1, 20, 5, 6], w: [18, 20, 1, 1], bias: true, residual: [1, 18, 5, 6], attrs: { activation: "relu" } },
  { x: [2, 6, 7, 5], w: [17, 6, 3, 3], bias: true, attrs: { pads: [1, 1, 1, 1], activation: "relu" } },
  { x: [1, 18, 9, 8], w: [8, 18, 3, 2], attrs: { strides: [2, 1], pads: [1, 0, 1, 1] } },
  { x: [1, 5, 11, 10], w: [4, 5, 3, 3], bias: true, attrs: { dilations: [2, 3], pads: [2, 3, 2, 3], strides: [1, 2] } },
  { x: [2, 3, 9, 11], w: [10, 3, 3, 3], bias: true, attrs: { strides: [2, 2], pads: [1, 1, 1, 1], activation: "clip", alpha: 0, beta: 1 } },
  { x: [1, 1, 8, 5], w: [5, 1, 4, 5], attrs: { pads: [1, 2, 2, 2] } },
  { x: [3, 8, 1, 1], w: [5, 8, 1, 1], bias: true },
  { x: [2, 5, 9], w: [6, 5, 3], bias: true, attrs: { pads: [1, 1] } },
  { x: [1, 4, 12], w: [6, 4, 4], attrs: { strides: [3], pads: [2, 1] } },
  { x: [1, 2, 4, 5, 3], w: [3, 2, 2, 3, 1], bias: true, attrs: { pads: [1, 0, 0, 0, 1, 0] } },
  { x: [1, 3, 3, 4, 5], w: [9, 3, 1, 1, 1], residual: [1, 9, 3, 4, 5] },
  { x: [2, 4, 5, 5], w: [6, 2, 2, 3], bias: true, attrs: { groups: 2, dilations: [2, 1], pads: [0, 1, 1, 2] } },
  { x: [1, 32, 4, 4], w: [32, 16, 3, 3], bias: true, attrs: { groups: 2, pads: [1, 1, 1, 1] } },
  { x: [1, 12, 4, 5], w: [24, 3, 3, 3], attrs: { groups: 4, pads: [1, 1, 1, 1] } },
  { x: [1, 4, 3, 3], w: [8, 1, 1, 1], bias: true, attrs: { groups: 4, strides: [2, 2] } },
  { x: [1, 9, 5, 5], w: [20, 9, 3, 3], bias: true, residual: [1, 20, 5, 5], attrs: { pads: [1, 1, 1, 1], activation: "silu" } },
  { x: [1, 3, 5, 5], w: [3, 3, 3, 3], attrs: { pads: [1, 1, 1, 1] }, dtype: "f64" },
  { x: [1, 6, 5, 5], w: [7, 6, 3, 3], bias: true, dtype: "i32" },
  // One channel and three taps in a row: more steps than registers of wasm's engines hold at once.
  { x: [1, 1, 5, 5], w: [1, 1, 3, 3], attrs: { strides: [2, 2], pads: [1, 1, 1, 1] } },
];

const DEPTHWISE: readonly ConvCase[] = [
  { x: [1, 5, 6, 6], w: [5, 1, 3, 3], bias: true, attrs: { groups: 5, pads: [1, 1, 1, 1], activation: "clip", alpha: 0, beta: 0.5 } },
  { x: [2, 17, 9, 16], w: [17, 1, 3, 3], attrs: { groups: 17, pads: [1, 1, 1, 1] } },
  { x: [1, 16, 11, 15], w: [16, 1, 3, 3], bias: true, attrs: { groups: 16, pads: [0, 0, 1, 1], strides: [2, 2] } },
  { x: [1, 9, 12, 9], w: [9, 1, 5, 5], bias: true, attrs: { groups: 9, pads: [2, 2, 2, 2] } },
  { x: [1, 4, 9, 21], w: [4, 1, 1, 9], residual: [1, 4, 9, 21], attrs: { groups: 4, pads: [0, 4, 0, 4], activation: "relu" } },
  { x: [1, 6, 9, 9], w: [6, 1, 3, 3], attrs: { groups: 6, dilations: [2, 2], pads: [2, 2, 2, 2] } },
  { x: [1, 7, 5, 5], w: [7, 1, 3, 3], bias: true, attrs: { groups: 7, pads: [1, 1, 1, 1], activation: "gelu" } },
  { x: [2, 6, 14], w: [6, 1, 3], bias: true, attrs: { groups: 6, pads: [1, 1] } },
  { x: [1, 3, 10, 10], w: [3, 1, 7, 7], attrs: { groups: 3, pads: [3, 3, 3, 3] } },
];

const WINOGRAD: readonly ConvCase[] = [
  { x: [1, 20, 9, 11], w: [18, 20, 3, 3], bias: true, residual: [1, 18, 9, 11], attrs: { pads: [1, 1, 1, 1], activation: "relu" } },
  { x: [1, 16, 12, 8], w: [16, 16, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { x: [2, 16, 10, 14], w: [24, 16, 3, 3], bias: true },
];

function operandsOf(c: ConvCase, constant: boolean): Record<string, Operand | undefined> {
  const dtype = c.dtype ?? "f32";
  return {
    x: { shape: c.x, dtype },
    w: { shape: c.w, dtype, constant },
    bias: c.bias ? { shape: [c.w[0]!], dtype, constant } : undefined,
    residual: c.residual && { shape: c.residual, dtype },
  };
}

describe.each(TARGETS)("conv on $name", (target) => {
  test.each([...CONVS, ...DEPTHWISE])("$x * $w $attrs $dtype", (c) => {
    for (const constant of [true, false]) {
      for (const plainResults of [true, false])
        checkCase({ def: conv, schedule: convSchedule, operands: operandsOf(c, constant), attrs: c.attrs ?? {}, plainResults }, target);
    }
  });

  test.each(WINOGRAD)("Winograd $x * $w", (c) => {
    const kernels = checkCase({ def: conv, schedule: convSchedule, operands: operandsOf(c, true), attrs: c.attrs ?? {} }, target);
    if (target.vectorBytes > 4) expect(kernels.map((k) => k.name).join()).toContain("winograd");
  });
});

const TRANSPOSED: readonly (Omit<ConvCase, "bias"> & { bias?: number })[] = [
  { x: [1, 2, 3, 4], w: [2, 3, 3, 2], bias: 3, attrs: { strides: [2, 3], pads: [1, 0, 1, 1], outputPads: [1, 0] } },
  { x: [1, 17, 5, 4], w: [17, 9, 4, 4], bias: 9, attrs: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  { x: [2, 4, 5], w: [4, 2, 3], attrs: { groups: 2, dilations: [2] } },
  { x: [1, 8, 4, 4], w: [8, 8, 2, 2], attrs: { strides: [2, 2] } },
  { x: [1, 8, 3, 3], w: [8, 5, 1, 1], bias: 5, attrs: { strides: [3, 2] } },
  { x: [1, 5, 6, 5], w: [5, 4, 3, 3], attrs: { strides: [2, 4], dilations: [3, 2], pads: [2, 1, 0, 2] } },
  { x: [1, 1, 2, 3, 2], w: [1, 2, 2, 2, 3], attrs: { strides: [1, 2, 1] } },
  { x: [1, 16, 3, 4], w: [16, 8, 3, 3], bias: 32, attrs: { groups: 4, strides: [2, 2], pads: [1, 1, 1, 1] } },
  { x: [1, 3, 2, 2], w: [3, 1, 4, 4], attrs: { groups: 3, strides: [2, 2], pads: [1, 1, 1, 1] } },
];

describe.each(TARGETS)("transposed conv on $name", (target) => {
  test.each(TRANSPOSED)("$x * $w $attrs", (c) => {
    for (const constant of [true, false]) {
      const operands = { x: { shape: c.x }, w: { shape: c.w, constant }, bias: c.bias === undefined ? undefined : { shape: [c.bias], constant } };
      for (const plainResults of [true, false])
        checkCase({ def: convTranspose, schedule: convTransposeSchedule, operands, attrs: c.attrs ?? {}, plainResults }, target);
    }
  });
});
