import { describe, expect, test } from "vitest";
import { conv } from "../../src/ir/ops/convolution.ts";
import { dequantise, quantise } from "../../src/ir/ops/conversion.ts";
import { linear, matmul } from "../../src/ir/ops/linear.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { tensorType, type DType, type Quantisation, type StaticType } from "../../src/ir/types.ts";
import { f32, infer, list, run, type } from "./run-op.ts";

function quantised(dtype: DType, shape: readonly number[], values: readonly number[], quant: Quantisation): Tensor {
  const { data } = tensor(dtype, shape, values);
  return { type: { dtype, shape, quant }, data };
}

function random(dtype: DType, shape: readonly number[], quant: Quantisation, seed: number): Tensor {
  return randomTensor(tensorType(dtype, shape, quant) as StaticType, seed, dtype === "u8" ? [0, 255] : [-128, 127]);
}

const real = (x: Tensor): Tensor => {
  const { scale, zeroPoint, axis = 0 } = x.type.quant!;
  const shape = scale.length === 1 ? [] : [scale.length];
  return run(
    dequantise,
    { x: { type: { dtype: x.type.dtype, shape: x.type.shape }, data: x.data }, scale: f32(shape, scale), zeroPoint: tensor(x.type.dtype, shape, zeroPoint) },
    { axis },
  );
};

describe("quantised products", () => {
  test("accumulate exactly: (x - zx) * (w - zw) + bias", () => {
    const x = quantised("u8", [1, 3], [255, 0, 128], { scale: [0.5], zeroPoint: [128] });
    const w = quantised("i8", [2, 3], [-128, 127, 5, 1, 2, 3], { scale: [0.25, 2], zeroPoint: [0, 1], axis: 0 });
    const y = run(linear, { x, w, bias: tensor("i32", [2], [7, -7]) });
    expect(list(y)).toEqual([127 * -128 + -128 * 127 + 7, -128 * 1 - 7]);
    expect(y.type).toEqual({ dtype: "i32", shape: [1, 2], quant: { scale: [0.125, 1], zeroPoint: [0, 0], axis: 1 } });
  });

  test("padding is the real zero", () => {
    const x = quantised("u8", [1, 1, 2], [11, 12], { scale: [1], zeroPoint: [10] });
    const w = quantised("i8", [1, 1, 3], [1, 10, 100], { scale: [1], zeroPoint: [0] });
    expect(list(run(conv, { x, w }, { pads: [1, 1] }))).toEqual([210, 21]);
  });

  test.each(["onnx", "float", "tflite"])("%s rounding is dequantise, op, quantise but for one step", (rounding) => {
    const x = random("u8", [2, 4, 6, 5], { scale: [0.02], zeroPoint: [120] }, 1);
    const w = random("i8", [6, 2, 3, 3], { scale: [0.01, 0.02, 0.005, 0.011, 0.007, 0.03], zeroPoint: [0, 0, 0, 0, 0, 0], axis: 0 }, 2);
    const attrs = { groups: 2, pads: [1, 1, 1, 1], strides: [2, 1] };
    const out = { outDtype: "u8", outScale: [0.05], outZeroPoint: [128], rounding } as const;
    const wanted = list(
      run(quantise, { x: run(conv, { x: real(x), w: real(w) }, attrs), scale: f32([], [0.05]), zeroPoint: tensor("u8", [], [128]) }, { to: "u8" }),
    ).map(Number);
    const found = list(run(conv, { x, w }, { ...attrs, ...out })).map(Number);
    const differences = found.map((value, i) => Math.abs(value - wanted[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((d) => d > 0).length).toBeLessThan(found.length / 20);
  });

  test("halves: to even, away from zero, or as two roundings have it", () => {
    const x = quantised("i8", [6, 1], [1, 3, 5, -1, -3, -5], { scale: [0.5], zeroPoint: [0] });
    const w = quantised("i8", [1, 1], [1], { scale: [1], zeroPoint: [0] });
    const half = (rounding: string): unknown => list(run(linear, { x, w }, { outScale: [1], outZeroPoint: [0], rounding }));
    expect(half("onnx")).toEqual([0, 2, 2, 0, -2, -2]);
    expect(half("float")).toEqual([1, 2, 3, -1, -2, -3]);
    expect(half("tflite")).toEqual([1, 2, 3, 0, -1, -2]);
    // 2^-3 leaves a shift of two behind the high product, which rounds halves away from zero.
    const eighths = list(
      run(
        linear,
        { x: quantised("i8", [4, 1], [4, 12, -4, -12], { scale: [0.125], zeroPoint: [0] }), w },
        { outScale: [1], outZeroPoint: [0], rounding: "tflite" },
      ),
    );
    expect(eighths).toEqual([1, 2, -1, -2]);
  });

  test("results saturate, and activations clamp in stored units", () => {
    const x = quantised("i8", [1, 2], [100, 100], { scale: [1], zeroPoint: [0] });
    const w = quantised("i8", [3, 2], [100, 100, -100, -100, 0, 1], { scale: [1], zeroPoint: [0] });
    const out = { outDtype: "i8", outScale: [2], outZeroPoint: [-10] } as const;
    expect(list(run(linear, { x, w }, out))).toEqual([127, -128, 40]);
    expect(list(run(linear, { x, w }, { ...out, activation: "relu" }))).toEqual([127, -10, 40]);
    expect(list(run(linear, { x, w }, { ...out, activation: "clip", alpha: 0, beta: 6 }))).toEqual([-7, -10, -7]);
  });

  test("matmul has scales a column", () => {
    const a = quantised("u8", [2, 2], [1, 2, 3, 4], { scale: [1], zeroPoint: [1] });
    const b = quantised("i8", [2, 2], [1, 2, 3, 4], { scale: [1, 0.5], zeroPoint: [0, 0], axis: 1 });
    expect(list(run(matmul, { a, b }, { outDtype: "i8", outScale: [1], outZeroPoint: [0] }))).toEqual([3, 2, 11, 8]);
  });

  test.each([
    [linear, { x: tensorType("i8", [1, 2], { scale: [1], zeroPoint: [0] }), w: type("i8", 3, 2) }, {}, "w is i8 and not quantised, linear wants one scale"],
    [
      linear,
      { x: tensorType("i8", [1, 2], { scale: [1], zeroPoint: [0] }), w: tensorType("i8", [3, 2], { scale: [1, 2], zeroPoint: [0, 0], axis: 1 }) },
      {},
      "w is i8 quantised along axis 1, linear wants one scale or those of axis 0",
    ],
    [
      linear,
      { x: tensorType("i8", [1, 2], { scale: [1, 2], zeroPoint: [0, 0], axis: 1 }), w: tensorType("i8", [3, 2], { scale: [1], zeroPoint: [0] }) },
      {},
      "x is i8 with 2 scales, linear wants one scale",
    ],
    [
      linear,
      { x: tensorType("i8", [1, 2], { scale: [1], zeroPoint: [0] }), w: tensorType("i8", [3, 2], { scale: [1], zeroPoint: [0] }) },
      { outScale: [1], outZeroPoint: [300] },
      "outZeroPoint is 300 of i8",
    ],
    [
      linear,
      { x: tensorType("i8", [1, 2], { scale: [1], zeroPoint: [0] }), w: tensorType("i8", [3, 2], { scale: [1], zeroPoint: [0] }) },
      { outScale: [1], outZeroPoint: [0], activation: "gelu" },
      "activation is gelu, quantised linear wants relu, clip or none",
    ],
    [
      matmul,
      { a: tensorType("i8", [1, 2], { scale: [1], zeroPoint: [0] }), b: tensorType("i8", [2], { scale: [1, 2], zeroPoint: [0, 0], axis: 0 }) },
      {},
      "b is i8 quantised along axis 0",
    ],
  ])("refuses: $3", (def, operands, attrs, message) => {
    expect(() => infer(def, operands, attrs)).toThrow(message);
  });
});
