import { activationAttrs, int, ints } from "../attr.ts";
import { broadcastShapes, shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, equalShapes, isWide, tensorType, type TensorType } from "../types.ts";
import { broadcastTable, toDoubles } from "./elements.ts";
import { activate, addResidual } from "./epilogue.ts";
import { expect, expectFloat, expectLength, expectNumbers, expectRank, expectShape, knownShape, safeCount } from "./expect.ts";
import { addChannelBias, convolve, convolveTransposed } from "./conv-loops.ts";
import { dotRows, multiplyDoubles, multiplyInt32, multiplyWide } from "./matmul-loops.ts";
import { checkSliding, slidingAxes, type Sliding, type SlidingAttrs } from "./window-geometry.ts";

const sliding = { strides: ints([]), pads: ints([]), dilations: ints([]) };

export const matmul = defineOp({
  name: "matmul",
  summary: "Matrix products over the last two axes; the axes before them broadcast. Integers wrap.",
  operands: ["a", "b"],
  samples: [
    { a: "3x5xf32", b: "5x4xf32" },
    { a: "2x1x3x4xf32", b: "3x4x2xf32" },
    { a: "1x7xf32", b: "2x7x1xf32" },
    { a: "2x3xi32", b: "3x2xi32" },
    { a: "2x3xi64", b: "3x2xi64" },
    { a: "2x0xf32", b: "0x3xf32" },
  ],
  infer({ a, b }) {
    for (const [name, type] of [["a", a], ["b", b]] as const) {
      expectNumbers("matmul", name, type);
      expectRank("matmul", name, type, 2, Infinity);
    }
    expect(a.dtype === b.dtype && a.dtype !== "bool", () => `a is ${a.dtype} and b is ${b.dtype}, matmul wants numbers of one dtype`);
    expect(equalShapes(a.shape.slice(-1), b.shape.slice(-2, -1)), () => `a is ${shapeText(a.shape)} and b is ${shapeText(b.shape)}, matmul wants as many columns as rows`);
    return tensorType(a.dtype, [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)), a.shape.at(-2)!, b.shape.at(-1)!]);
  },
  evaluate({ a, b }, _attrs, result, types) {
    const [m, n] = result.shape.slice(-2) as [number, number];
    const size = { m, n, k: types.a.shape.at(-1)! };
    const batch = result.shape.slice(0, -2);
    const [blocksA, blocksB] = [broadcastTable(types.a.shape.slice(0, -2), batch), broadcastTable(types.b.shape.slice(0, -2), batch)];
    const run = <T extends { length: number }>(multiply: (a: T, atA: number, b: T, atB: number, y: T, atY: number, size: { m: number; n: number; k: number }) => void, left: T, right: T, y: T): T => {
      for (let i = 0; i < blocksA.length; i++) multiply(left, blocksA[i]! * m * size.k, right, blocksB[i]! * size.k * n, y, i * m * n, size);
      return y;
    };
    const count = elementCount(result.shape);
    if (isWide(result.dtype)) return run(multiplyWide, a as unknown as BigInt64Array, b as unknown as BigInt64Array, new BigInt64Array(count));
    if (result.dtype === "i32" || result.dtype === "u32") return run(multiplyInt32, Int32Array.from(a), Int32Array.from(b), new Int32Array(count));
    return run(multiplyDoubles, toDoubles(a), toDoubles(b), new Float64Array(count));
  },
  macs: ({ a }, _attrs, result) => elementCount(result.shape) * a.shape.at(-1)!,
});

export const linear = defineOp({
  name: "linear",
  summary: "activation(x * transpose(w) + bias + residual), over the last axis of x.",
  operands: ["x", "w", "bias?", "residual?"],
  attrs: { ...activationAttrs },
  samples: [
    { x: "2x3xf32", w: "4x3xf32", bias: "4xf32" },
    { x: "1x8xf32", w: "1x8xf32" },
    { x: "2x3x5xf32", w: "7x5xf32", bias: "7xf32", residual: "2x3x7xf32", attrs: { activation: "relu" } },
    { x: "5xf32", w: "3x5xf32", attrs: { activation: "clip", alpha: -0.5, beta: 0.5 } },
    { x: "3x4xf32", w: "2x4xf32", residual: "3x2xf32", attrs: { activation: "gelu" } },
  ],
  infer({ x, w, bias, residual }) {
    expectRank("linear", "x", x, 1, Infinity);
    expectRank("linear", "w", w, 2);
    expectParts("linear", x, w, bias, residual);
    expect(equalShapes(x.shape.slice(-1), w.shape.slice(-1)), () => `x is ${shapeText(x.shape)} and w is ${shapeText(w.shape)}, linear wants rows of one length`);
    const result = tensorType(x.dtype, [...x.shape.slice(0, -1), w.shape[0]!]);
    if (bias) expectShape("linear", "bias", bias, [w.shape[0]!]);
    if (residual) expectShape("linear", "residual", residual, result.shape);
    return result;
  },
  evaluate({ x, w, bias, residual }, attrs, _result, types) {
    const [n, k] = types.w.shape as [number, number];
    const y = dotRows(toDoubles(x), toDoubles(w), { m: elementCount(types.x.shape.slice(0, -1)), n, k });
    if (bias) for (let i = 0; i < y.length; i++) y[i]! += bias[i % n]!;
    addResidual(y, residual && toDoubles(residual));
    return activate(y, attrs);
  },
  macs: ({ w }, _attrs, result) => elementCount(result.shape) * w.shape[1]!,
});

function expectParts(op: string, x: TensorType, w: TensorType, ...others: readonly (TensorType | undefined)[]): void {
  if (x.dtype !== "i32") expectFloat(op, "x", x);
  [w, ...others].forEach((type, i) => type && expect(type.dtype === x.dtype && !type.quant, () => `${["w", "bias", "residual"][i]!} is ${type.dtype}, ${op} wants ${x.dtype} like x`));
  expectNumbers(op, "x", x);
}

export const conv = defineOp({
  name: "conv",
  summary: "activation(windows of x[N,C,...] times w[O,C/groups,...] + bias[O] + residual), 1 to 3 spatial axes; i32 is exact up to 2^53, then wraps.",
  operands: ["x", "w", "bias?", "residual?"],
  attrs: { ...sliding, groups: int(1), ...activationAttrs },
  samples: [
    { x: "1x3x7x6xf32", w: "4x3x3x3xf32", bias: "4xf32", attrs: { strides: [2, 1], pads: [1, 1, 1, 1] } },
    { x: "2x4x5x5xf32", w: "6x2x2x3xf32", attrs: { groups: 2, dilations: [2, 1], pads: [0, 1, 1, 2] } },
    { x: "1x5x6x6xf32", w: "5x1x3x3xf32", bias: "5xf32", attrs: { groups: 5, pads: [1, 1, 1, 1], activation: "clip", alpha: 0, beta: 6 } },
    { x: "1x8x5x3xf32", w: "7x8x1x1xf32", bias: "7xf32", residual: "1x7x5x3xf32", attrs: { activation: "relu" } },
    { x: "2x3x11xf32", w: "5x3x4xf32", attrs: { strides: [3], pads: [2, 1] } },
    { x: "1x2x4x5x3xf32", w: "3x2x2x3x1xf32", bias: "3xf32", attrs: { pads: [1, 0, 0, 0, 1, 0], activation: "silu" } },
    { x: "1x4x3x3xf32", w: "8x1x1x1xf32", attrs: { groups: 4, strides: [2, 2] } },
    { x: "1x2x4x4xi32", w: "3x2x3x3xi32", bias: "3xi32" },
  ],
  infer({ x, w, bias, residual }, attrs) {
    expectRank("conv", "x", x, 3, 5);
    expectRank("conv", "w", w, x.shape.length);
    expectParts("conv", x, w, bias, residual);
    const [outputs, perGroup, ...kernel] = knownShape("conv", "w", w);
    const fits = attrs.groups > 0 && x.shape[1] === perGroup! * attrs.groups && outputs! % attrs.groups === 0;
    expect(fits, () => `x has ${shapeText(x.shape.slice(1, 2))} channels and w is ${shapeText(w.shape)}, conv wants them to fit ${attrs.groups} groups`);
    const axes = slidingAxes("conv", x, kernel, attrs);
    const result = tensorType(x.dtype, [x.shape[0]!, outputs!, ...axes.map((axis) => axis.out)]);
    if (bias) expectShape("conv", "bias", bias, [outputs!]);
    if (residual) expectShape("conv", "residual", residual, result.shape);
    return result;
  },
  evaluate({ x, w, bias, residual }, attrs, result, types) {
    const axes = slidingAxes("conv", types.x, types.w.shape.slice(2), attrs);
    const [batch, channelsIn] = types.x.shape as [number, number];
    const y = convolve(toDoubles(x), toDoubles(w), { batch, channelsIn, channelsOut: types.w.shape[0]!, groups: attrs.groups, axes });
    addChannelBias(y, bias && toDoubles(bias), elementCount(result.shape.slice(2)));
    addResidual(y, residual && toDoubles(residual));
    return activate(y, attrs);
  },
  macs: ({ w }, _attrs, result) => elementCount(result.shape) * elementCount(w.shape.slice(1)),
});

export const convTranspose = defineOp({
  name: "convTranspose",
  summary: "Each element of x[N,C,...] adds its multiple of the window w[C,O/groups,...] to y, strides apart; pads are cut off, outputPads put on at the end.",
  operands: ["x", "w", "bias?"],
  attrs: { ...sliding, outputPads: ints([]), groups: int(1) },
  samples: [
    { x: "1x2x3x4xf32", w: "2x3x3x2xf32", bias: "3xf32", attrs: { strides: [2, 3], pads: [1, 0, 1, 1], outputPads: [1, 0] } },
    { x: "2x4x5xf32", w: "4x2x3xf32", attrs: { groups: 2, dilations: [2] } },
    { x: "1x1x2x3x2xf32", w: "1x2x2x2x3xf32", attrs: { strides: [1, 2, 1] } },
    { x: "1x3x2x2xf32", w: "3x1x4x4xf32", attrs: { groups: 3, strides: [2, 2], pads: [1, 1, 1, 1] } },
  ],
  infer({ x, w, bias }, attrs) {
    expectRank("convTranspose", "x", x, 3, 5);
    expectRank("convTranspose", "w", w, x.shape.length);
    expectParts("convTranspose", x, w, bias);
    const [channels, perGroup] = knownShape("convTranspose", "w", w) as [number, number];
    const fits = attrs.groups > 0 && x.shape[1] === channels && channels % attrs.groups === 0;
    expect(fits, () => `x has ${shapeText(x.shape.slice(1, 2))} channels and w is ${shapeText(w.shape)}, convTranspose wants them to fit ${attrs.groups} groups`);
    if (bias) expectShape("convTranspose", "bias", bias, [perGroup * attrs.groups]);
    return tensorType(x.dtype, [x.shape[0]!, perGroup * attrs.groups, ...transposedAxes(x, w, attrs).map((axis) => axis.in)]);
  },
  evaluate({ x, w, bias }, attrs, result, types) {
    const axes = transposedAxes(types.x, types.w, attrs);
    const [batch, channelsIn] = types.x.shape as [number, number];
    const y = convolveTransposed(toDoubles(x), toDoubles(w), { batch, channelsIn, channelsOut: result.shape[1]!, groups: attrs.groups, axes });
    addChannelBias(y, bias && toDoubles(bias), elementCount(result.shape.slice(2)));
    return y;
  },
  macs: ({ x, w }) => elementCount(x.shape) * elementCount(w.shape.slice(1)),
});

/** The axes of the convolution from y back to x. Negative pads add zeros instead of cutting. */
function transposedAxes(x: TensorType, w: TensorType, attrs: SlidingAttrs & { readonly outputPads: readonly number[] }): readonly Sliding[] {
  const kernel = knownShape("convTranspose", "w", w).slice(2);
  const extents = knownShape("convTranspose", "x", { dtype: x.dtype, shape: x.shape.slice(2) });
  checkSliding("convTranspose", kernel, attrs);
  if (attrs.outputPads.length > 0) expectLength("convTranspose", "outputPads", attrs.outputPads, kernel.length);
  const axes = kernel.map((taps, i) => {
    const [stride, dilation] = [attrs.strides[i] ?? 1, attrs.dilations[i] ?? 1];
    const [before, after] = [attrs.pads[i] ?? 0, attrs.pads[i + kernel.length] ?? 0];
    const whole = (extents[i]! - 1) * stride + (taps - 1) * dilation + 1 + (attrs.outputPads[i] ?? 0);
    return { in: whole - before - after, out: extents[i]!, kernel: taps, stride, dilation, before, after };
  });
  expect(axes.every((axis) => axis.in > 0), () => `the result would be ${axes.map((axis) => axis.in).join("x")}, convTranspose wants pads that leave something`);
  safeCount("convTranspose", axes.map((axis) => axis.in));
  return axes;
}
