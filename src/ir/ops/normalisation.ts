import { float, int, ints } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, tensorType, type TensorType } from "../types.ts";
import { broadcastTable, splitAt, toDoubles } from "./elements.ts";
import { axesIn, axisIn, expect, expectDtype, expectFloat, expectRank, expectShape, knownExtent } from "./expect.ts";
import { reduce } from "./reduction.ts";

const epsilon = float(1e-5);

export const softmax = defineOp({
  name: "softmax",
  summary: "exp(x) / sum(exp(x)) along an axis.",
  operands: ["x"],
  attrs: { axis: int(-1) },
  samples: [{ x: "3x5xf32" }, { x: "2x3x4xf32", attrs: { axis: 1 } }, { x: "7xf32", attrs: { axis: 0 } }],
  infer: ({ x }, { axis }) => inferAlongAxis("softmax", x, axis),
  evaluate({ x }, { axis }, result) {
    const { outer, size, inner } = splitAt(result.shape, axisIn("softmax", axis, result.shape.length));
    const y = toDoubles(x).slice();
    for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) softmaxLine(y, o * size * inner + i, size, inner);
    return y;
  },
});

export const logSoftmax = defineOp({
  name: "logSoftmax",
  summary: "x - log(sum(exp(x))) along an axis.",
  operands: ["x"],
  attrs: { axis: int(-1) },
  samples: [{ x: "3x5xf32" }, { x: "2x3x4xf32", attrs: { axis: 0 } }],
  infer: ({ x }, { axis }) => inferAlongAxis("logSoftmax", x, axis),
  evaluate({ x }, { axis }, result) {
    const { outer, size, inner } = splitAt(result.shape, axisIn("logSoftmax", axis, result.shape.length));
    const y = toDoubles(x).slice();
    for (let line = 0; line < outer * inner; line++) {
      const start = Math.floor(line / inner) * size * inner + (line % inner);
      const top = greatestOf(y, start, size, inner);
      let total = 0;
      for (let j = 0, at = start; j < size; j++, at += inner) total += Math.exp(y[at]! - top);
      const shift = top + Math.log(total);
      for (let j = 0, at = start; j < size; j++, at += inner) y[at]! -= shift;
    }
    return y;
  },
});

function inferAlongAxis(op: string, x: TensorType, axis: number): TensorType {
  expectFloat(op, "x", x);
  axisIn(op, axis, x.shape.length);
  return tensorType(x.dtype, x.shape);
}

function greatestOf(y: Float64Array, start: number, size: number, step: number): number {
  let top = -Infinity;
  for (let j = 0, at = start; j < size; j++, at += step) if (y[at]! > top) top = y[at]!;
  return top;
}

/** Softmax of `size` elements `step` apart, in place. A line of nothing but -inf becomes NaN. */
function softmaxLine(y: Float64Array, start: number, size: number, step: number): void {
  const top = greatestOf(y, start, size, step);
  let total = 0;
  for (let j = 0, at = start; j < size; j++, at += step) total += y[at] = Math.exp(y[at]! - top);
  for (let j = 0, at = start; j < size; j++, at += step) y[at]! /= total;
}

export const layerNorm = defineOp({
  name: "layerNorm",
  summary: "(x - mean) / sqrt(variance + epsilon) * scale + bias, over the axes from `axis` on; scale and bias have those axes.",
  operands: ["x", "scale?", "bias?"],
  attrs: { axis: int(-1), epsilon },
  samples: [
    { x: "3x5xf32", scale: "5xf32", bias: "5xf32" },
    { x: "2x3x4xf32", attrs: { axis: 1 } },
    { x: "2x3x4xf32", scale: "3x4xf32", attrs: { axis: -2, epsilon: 0.1 } },
  ],
  infer: ({ x, scale, bias }, { axis }) => inferFromAxis("layerNorm", x, axis, { scale, bias }),
  evaluate({ x, scale, bias }, attrs, result) {
    const at = axisIn("layerNorm", attrs.axis, result.shape.length);
    const size = elementCount(result.shape.slice(at));
    const y = toDoubles(x).slice();
    for (let start = 0; size > 0 && start < y.length; start += size) {
      standardise(y, start, start + size, attrs.epsilon);
      scaleAndShift(y, start, size, scale, bias);
    }
    return y;
  },
  macs: ({ x }) => 2 * elementCount(x.shape),
});

export const rmsNorm = defineOp({
  name: "rmsNorm",
  summary: "x / sqrt(mean(x^2) + epsilon) * scale, over the axes from `axis` on; scale has those axes.",
  operands: ["x", "scale?"],
  attrs: { axis: int(-1), epsilon },
  samples: [
    { x: "3x5xf32", scale: "5xf32" },
    { x: "2x3x4xf32", attrs: { axis: 1 } },
  ],
  infer: ({ x, scale }, { axis }) => inferFromAxis("rmsNorm", x, axis, { scale }),
  evaluate({ x, scale }, attrs, result) {
    const size = elementCount(result.shape.slice(axisIn("rmsNorm", attrs.axis, result.shape.length)));
    const y = toDoubles(x).slice();
    for (let start = 0; size > 0 && start < y.length; start += size) {
      let squares = 0;
      for (let i = start; i < start + size; i++) squares += y[i]! * y[i]!;
      const factor = 1 / Math.sqrt(squares / size + attrs.epsilon);
      for (let i = start; i < start + size; i++) y[i]! *= factor;
      scaleAndShift(y, start, size, scale, undefined);
    }
    return y;
  },
  macs: ({ x }) => 2 * elementCount(x.shape),
});

function inferFromAxis(op: string, x: TensorType, axis: number, parts: Readonly<Record<string, TensorType | undefined>>): TensorType {
  expectFloat(op, "x", x);
  const at = axisIn(op, axis, x.shape.length);
  expectAffine(op, x, x.shape.slice(at), parts);
  return tensorType(x.dtype, x.shape);
}

function expectAffine(op: string, x: TensorType, shape: TensorType["shape"], parts: Readonly<Record<string, TensorType | undefined>>): void {
  for (const [name, part] of Object.entries(parts)) {
    if (!part) continue;
    expectDtype(op, name, part, x.dtype);
    expectShape(op, name, part, shape);
  }
}

/** Mean 0 and variance 1, in place. */
function standardise(y: Float64Array, start: number, end: number, epsilon: number): void {
  const size = end - start;
  let sum = 0;
  for (let i = start; i < end; i++) sum += y[i]!;
  const mean = sum / size;
  let squares = 0;
  for (let i = start; i < end; i++) squares += (y[i]! - mean) * (y[i]! - mean);
  const factor = 1 / Math.sqrt(squares / size + epsilon);
  for (let i = start; i < end; i++) y[i] = (y[i]! - mean) * factor;
}

function scaleAndShift(y: Float64Array, start: number, size: number, scale: ArrayLike<number> | undefined, bias: ArrayLike<number> | undefined): void {
  for (let i = 0; i < size; i++) y[start + i] = y[start + i]! * (scale ? scale[i]! : 1) + (bias ? bias[i]! : 0);
}

export const groupNorm = defineOp({
  name: "groupNorm",
  summary: "Channels of x[N,C,...] cut into groups, each with its positions made mean 0 and variance 1; then scale and bias a channel.",
  operands: ["x", "scale?", "bias?"],
  attrs: { groups: int(), epsilon },
  samples: [
    { x: "2x4x3x2xf32", scale: "4xf32", bias: "4xf32", attrs: { groups: 2 } },
    { x: "1x3x5xf32", scale: "3xf32", attrs: { groups: 3 } },
    { x: "2x6xf32", attrs: { groups: 3, epsilon: 0.01 } },
  ],
  infer({ x, scale, bias }, { groups }) {
    expectFloat("groupNorm", "x", x);
    expectRank("groupNorm", "x", x, 2, Infinity);
    const channels = knownExtent("groupNorm", "x", x.shape[1]);
    expect(groups > 0 && channels % groups === 0, () => `x has ${channels} channels, groupNorm wants a multiple of ${groups} groups`);
    expectAffine("groupNorm", x, [channels], { scale, bias });
    return tensorType(x.dtype, x.shape);
  },
  evaluate({ x, scale, bias }, attrs, result) {
    const channels = result.shape[1]!;
    const plane = elementCount(result.shape.slice(2));
    const size = (channels / attrs.groups) * plane;
    const y = toDoubles(x).slice();
    for (let start = 0; size > 0 && start < y.length; start += size) standardise(y, start, start + size, attrs.epsilon);
    scaleChannels(y, channels, plane, scale, bias);
    return y;
  },
  macs: ({ x }) => 2 * elementCount(x.shape),
});

export const batchNorm = defineOp({
  name: "batchNorm",
  summary: "(x - mean) / sqrt(variance + epsilon) * scale + bias, all of them one a channel of x[N,C,...].",
  operands: ["x", "scale", "bias", "mean", "variance"],
  attrs: { epsilon },
  samples: [
    { x: "2x3x4x2xf32", scale: "3xf32", bias: "3xf32", mean: "3xf32", variance: "3xf32 in 0.1..2" },
    { x: "4x5xf32", scale: "5xf32", bias: "5xf32", mean: "5xf32", variance: "5xf32 in 0.1..2", attrs: { epsilon: 0.01 } },
  ],
  infer({ x, scale, bias, mean, variance }) {
    expectFloat("batchNorm", "x", x);
    expectRank("batchNorm", "x", x, 2, Infinity);
    expectAffine("batchNorm", x, [x.shape[1]!], { scale, bias, mean, variance });
    return tensorType(x.dtype, x.shape);
  },
  evaluate({ x, scale, bias, mean, variance }, attrs, result) {
    const factors = Float64Array.from(scale, (s, c) => s / Math.sqrt(variance[c]! + attrs.epsilon));
    const shifts = Float64Array.from(bias, (b, c) => b - mean[c]! * factors[c]!);
    const y = toDoubles(x).slice();
    scaleChannels(y, result.shape[1]!, elementCount(result.shape.slice(2)), factors, shifts);
    return y;
  },
  macs: ({ x }) => elementCount(x.shape),
});

function scaleChannels(y: Float64Array, channels: number, plane: number, scale: ArrayLike<number> | undefined, bias: ArrayLike<number> | undefined): void {
  for (let start = 0, c = 0; plane > 0 && start < y.length; start += plane, c = (c + 1) % channels) {
    const [factor, shift] = [scale?.[c] ?? 1, bias?.[c] ?? 0];
    for (let i = start; i < start + plane; i++) y[i] = y[i]! * factor + shift;
  }
}

export const l2Normalise = defineOp({
  name: "l2Normalise",
  summary: "x / max(sqrt(sum(x^2)), epsilon), the sum over the axes.",
  operands: ["x"],
  attrs: { axes: ints(), epsilon: float(1e-12) },
  samples: [
    { x: "3x5xf32", attrs: { axes: [1] } },
    { x: "2x3x4xf32", attrs: { axes: [0, -1], epsilon: 0.5 } },
  ],
  infer({ x }, { axes }) {
    expectFloat("l2Normalise", "x", x);
    axesIn("l2Normalise", axes, x.shape.length);
    return tensorType(x.dtype, x.shape);
  },
  evaluate({ x }, attrs, result) {
    const reduced = { kind: "l2", axes: attrs.axes, keepDims: true } as const;
    const [type] = reduce.infer({ x: result }, reduced) as [typeof result];
    const norms = reduce.evaluate({ x }, reduced, [type], { x: result })[0] as Float64Array;
    const table = broadcastTable(type.shape, result.shape);
    return toDoubles(x).map((value, i) => value / Math.max(norms[table[i]!]!, attrs.epsilon));
  },
  macs: ({ x }) => 2 * elementCount(x.shape),
});
