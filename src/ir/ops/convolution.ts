import { activationAttrs, int, ints } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { boundsOf, dimOf } from "../dims.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, tensorType, type Dim, type TensorType } from "../types.ts";
import { addChannelBias, convolve, convolveTransposed } from "./conv-loops.ts";
import { deformedConvolve } from "./deform-loops.ts";
import { SUMS, toDoubles } from "./elements.ts";
import { activate, addResidual } from "./epilogue.ts";
import { expect, expectFloat, expectLength, expectParts, expectRank, expectShape, knownShape, safeCount } from "./expect.ts";
import { centred, isQuantised, quantisedType, requantAttrs, requantise } from "./requantise.ts";
import { checkSliding, slidingAxes, slidingExtents, type Sliding, type SlidingAttrs } from "./window-geometry.ts";

const sliding = { strides: ints([]), pads: ints([]), dilations: ints([]) };

export const conv = defineOp({
  name: "conv",
  summary: "activation(windows of x[N,C,...] times w[O,C/groups,...] + bias[O] + residual), 1 to 3 spatial axes; i32 is exact up to 2^53, then wraps.",
  operands: ["x", "w", "bias?", "residual?"],
  attrs: { ...sliding, groups: int(1), ...activationAttrs, ...requantAttrs },
  tolerance: SUMS,
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
    if (!isQuantised(x, w)) expectParts("conv", x, w, bias, residual);
    const [outputs, perGroup, ...kernel] = knownShape("conv", "w", w);
    const fits = attrs.groups > 0 && x.shape[1] === perGroup! * attrs.groups && outputs! % attrs.groups === 0;
    expect(fits, () => `x has ${shapeText(x.shape.slice(1, 2))} channels and w is ${shapeText(w.shape)}, conv wants them to fit ${attrs.groups} groups`);
    const result = tensorType(x.dtype, [x.shape[0]!, outputs!, ...slidingExtents("conv", x, kernel, attrs)]);
    if (bias) expectShape("conv", "bias", bias, [outputs!]);
    if (residual) expectShape("conv", "residual", residual, result.shape);
    if (!isQuantised(x, w)) return result;
    expect(!residual, () => "there is a residual, quantised conv wants none");
    return quantisedType("conv", { x, w, bias, names: ["x", "w"], axisW: 0, channels: 1, shape: result.shape }, attrs);
  },
  evaluate({ x, w, bias, residual }, attrs, result, types) {
    const axes = slidingAxes("conv", types.x, types.w.shape.slice(2), attrs);
    const [batch, channelsIn] = types.x.shape as [number, number];
    const y = convolve(centred(x, types.x), centred(w, types.w), { batch, channelsIn, channelsOut: types.w.shape[0]!, groups: attrs.groups, axes });
    addChannelBias(y, bias && toDoubles(bias), elementCount(result.shape.slice(2)));
    if (result.quant) return requantise(y, types.x, types.w, result, elementCount(result.shape.slice(2)), attrs.rounding, attrs);
    addResidual(y, residual && toDoubles(residual));
    return activate(y, attrs);
  },
  macs: ({ w }, _attrs, result) => elementCount(result.shape) * elementCount(w.shape.slice(1)),
});

export const convTranspose = defineOp({
  name: "convTranspose",
  summary: "Each element of x[N,C,...] adds its multiple of the window w[C,O/groups,...] to y, strides apart; pads are cut off, outputPads put on at the end.",
  operands: ["x", "w", "bias?"],
  attrs: { ...sliding, outputPads: ints([]), groups: int(1), ...requantAttrs },
  tolerance: SUMS,
  samples: [
    { x: "1x2x3x4xf32", w: "2x3x3x2xf32", bias: "3xf32", attrs: { strides: [2, 3], pads: [1, 0, 1, 1], outputPads: [1, 0] } },
    { x: "2x4x5xf32", w: "4x2x3xf32", attrs: { groups: 2, dilations: [2] } },
    { x: "1x1x2x3x2xf32", w: "1x2x2x2x3xf32", attrs: { strides: [1, 2, 1] } },
    { x: "1x3x2x2xf32", w: "3x1x4x4xf32", attrs: { groups: 3, strides: [2, 2], pads: [1, 1, 1, 1] } },
  ],
  infer({ x, w, bias }, attrs) {
    expectRank("convTranspose", "x", x, 3, 5);
    expectRank("convTranspose", "w", w, x.shape.length);
    if (!isQuantised(x, w)) expectParts("convTranspose", x, w, bias);
    const [channels, perGroup] = knownShape("convTranspose", "w", w) as [number, number];
    const fits = attrs.groups > 0 && x.shape[1] === channels && channels % attrs.groups === 0;
    expect(
      fits,
      () => `x has ${shapeText(x.shape.slice(1, 2))} channels and w is ${shapeText(w.shape)}, convTranspose wants them to fit ${attrs.groups} groups`,
    );
    if (bias) expectShape("convTranspose", "bias", bias, [perGroup * attrs.groups]);
    const shape = [x.shape[0]!, perGroup * attrs.groups, ...transposedExtents(x, w, attrs)];
    if (!isQuantised(x, w)) return tensorType(x.dtype, shape);
    return quantisedType("convTranspose", { x, w, bias, names: ["x", "w"], axisW: attrs.groups === 1 ? 1 : undefined, channels: 1, shape }, attrs);
  },
  evaluate({ x, w, bias }, attrs, result, types) {
    const axes = transposedAxes(types.x, types.w, attrs);
    const [batch, channelsIn] = types.x.shape as [number, number];
    const y = convolveTransposed(centred(x, types.x), centred(w, types.w), { batch, channelsIn, channelsOut: result.shape[1]!, groups: attrs.groups, axes });
    addChannelBias(y, bias && toDoubles(bias), elementCount(result.shape.slice(2)));
    return result.quant ? requantise(y, types.x, types.w, result, elementCount(result.shape.slice(2)), attrs.rounding) : y;
  },
  macs: ({ x, w }) => elementCount(x.shape) * elementCount(w.shape.slice(1)),
});

type TransposedAttrs = SlidingAttrs & { readonly outputPads: readonly number[] };

/** The axes of the convolution from y back to x, whose extents are numbers. Negative pads add zeros instead of cutting. */
function transposedAxes(x: TensorType, w: TensorType, attrs: TransposedAttrs): readonly Sliding[] {
  const extents = knownShape("convTranspose", "x", { dtype: x.dtype, shape: x.shape.slice(2) });
  const kernel = w.shape.slice(2) as readonly number[];
  return transposedExtents(x, w, attrs).map((size, i) => ({
    in: size as number,
    out: extents[i]!,
    kernel: kernel[i]!,
    stride: attrs.strides[i] ?? 1,
    dilation: attrs.dilations[i] ?? 1,
    before: attrs.pads[i] ?? 0,
    after: attrs.pads[i + kernel.length] ?? 0,
  }));
}

/** How long the spatial axes of the result are; extents of x may hold symbols. */
function transposedExtents(x: TensorType, w: TensorType, attrs: TransposedAttrs): readonly Dim[] {
  const kernel = knownShape("convTranspose", "w", w).slice(2);
  checkSliding("convTranspose", kernel, attrs);
  if (attrs.outputPads.length > 0) expectLength("convTranspose", "outputPads", attrs.outputPads, kernel.length);
  const axes = kernel.map((taps, i) => {
    const [stride, dilation] = [attrs.strides[i] ?? 1, attrs.dilations[i] ?? 1];
    const [before, after] = [attrs.pads[i] ?? 0, attrs.pads[i + kernel.length] ?? 0];
    const last = dimOf("mul", dimOf("sub", x.shape[i + 2]!, 1), stride);
    return dimOf("add", last, (taps - 1) * dilation + 1 + (attrs.outputPads[i] ?? 0) - before - after);
  });
  expect(
    axes.every((size) => boundsOf(size)[0] > 0),
    () => `the result would be ${shapeText(axes)}, convTranspose wants pads that leave something`,
  );
  safeCount(
    "convTranspose",
    axes.map((size) => boundsOf(size)[1]),
  );
  return axes;
}

export const deformConv = defineOp({
  name: "deformConv",
  summary: "conv whose taps are moved by offset[N,offsetGroups*taps*2,...] (rows, columns), read between pixels and times mask[N,offsetGroups*taps,...].",
  operands: ["x", "w", "offset", "bias?", "mask?"],
  attrs: { ...sliding, groups: int(1), offsetGroups: int(1) },
  tolerance: SUMS,
  samples: [
    { x: "1x2x5x4xf32", w: "3x2x2x2xf32", offset: "1x8x4x3xf32", bias: "3xf32" },
    {
      x: "2x4x4x4xf32",
      w: "2x2x3x3xf32",
      offset: "2x36x2x2xf32",
      mask: "2x18x2x2xf32",
      attrs: { groups: 2, offsetGroups: 2, pads: [1, 1, 1, 1], strides: [2, 2] },
    },
  ],
  infer({ x, w, offset, bias, mask }, attrs) {
    expectRank("deformConv", "x", x, 4);
    expectRank("deformConv", "w", w, 4);
    expectFloat("deformConv", "x", x);
    expectParts("deformConv", x, w, bias, offset, mask);
    const [outputs, perGroup, ...kernel] = knownShape("deformConv", "w", w) as [number, number, number, number];
    const [batch, channels] = knownShape("deformConv", "x", x) as [number, number];
    const fits = attrs.groups > 0 && channels === perGroup * attrs.groups && outputs % attrs.groups === 0;
    expect(fits, () => `x has ${channels} channels and w is ${shapeText(w.shape)}, deformConv wants them to fit ${attrs.groups} groups`);
    expect(
      attrs.offsetGroups > 0 && channels % attrs.offsetGroups === 0,
      () => `x has ${channels} channels, deformConv wants a multiple of ${attrs.offsetGroups} offset groups`,
    );
    const space = slidingAxes("deformConv", x, kernel, attrs).map((axis) => axis.out);
    const taps = attrs.offsetGroups * kernel[0]! * kernel[1]!;
    expectShape("deformConv", "offset", offset, [batch, 2 * taps, ...space]);
    if (mask) expectShape("deformConv", "mask", mask, [batch, taps, ...space]);
    if (bias) expectShape("deformConv", "bias", bias, [outputs]);
    return tensorType(x.dtype, [batch, outputs, ...space]);
  },
  evaluate({ x, w, offset, bias, mask }, attrs, result, types) {
    const axes = slidingAxes("deformConv", types.x, types.w.shape.slice(2), attrs);
    const [batch, channelsIn] = types.x.shape as [number, number];
    const size = { batch, channelsIn, channelsOut: types.w.shape[0]!, groups: attrs.groups, axes };
    const y = deformedConvolve(toDoubles(x), toDoubles(w), toDoubles(offset), mask && toDoubles(mask), attrs.offsetGroups, size);
    addChannelBias(y, bias && toDoubles(bias), elementCount(result.shape.slice(2)));
    return y;
  },
  macs: ({ w }, _attrs, result) => elementCount(result.shape) * elementCount(w.shape.slice(1)),
});
