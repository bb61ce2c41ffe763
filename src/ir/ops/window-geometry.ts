import { expect, expectExtents, expectLength, knownExtent } from "./expect.ts";
import { shapeText } from "../broadcast.ts";
import { boundsOf, dimOf } from "../dims.ts";
import type { Dim, TensorType } from "../types.ts";

/** A window of `kernel` taps that slides over one spatial axis: output o reads input o * stride + k * dilation - before. */
export interface Sliding {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

export interface SlidingAttrs {
  /** Empty: all 1. */
  readonly strides: readonly number[];
  /** All begins, then all ends. Empty: all 0. */
  readonly pads: readonly number[];
  /** Empty: all 1. */
  readonly dilations: readonly number[];
}

/** The spatial axes of x[N, C, ...], whose extents are numbers, under windows of `kernel`; throws `TypeMismatch` where an attribute does not fit. */
export function slidingAxes(op: string, x: TensorType, kernel: readonly number[], attrs: SlidingAttrs, ceilMode = false): readonly Sliding[] {
  return kernel.map((taps, i) => ({ ...windowOf(op, x, taps, i, kernel.length, attrs), out: slidingExtents(op, x, kernel, attrs, ceilMode)[i] as number }));
}

function windowOf(op: string, x: TensorType, taps: number, i: number, axes: number, attrs: SlidingAttrs): Omit<Sliding, "out"> {
  return {
    in: knownExtent(op, "x", x.shape[i + 2]),
    kernel: taps,
    stride: attrs.strides[i] ?? 1,
    dilation: attrs.dilations[i] ?? 1,
    before: attrs.pads[i] ?? 0,
    after: attrs.pads[i + axes] ?? 0,
  };
}

/** How long the spatial axes of the result are; extents of x may hold symbols. */
export function slidingExtents(op: string, x: TensorType, kernel: readonly number[], attrs: SlidingAttrs, ceilMode = false): readonly Dim[] {
  checkSliding(op, kernel, attrs);
  expect(
    attrs.pads.every((pad) => pad >= 0),
    () => `pads are ${attrs.pads.join(", ")}, ${op} wants none below 0`,
  );
  return kernel.map((taps, i) => {
    const size = x.shape[i + 2]!;
    const axis = {
      stride: attrs.strides[i] ?? 1,
      dilation: attrs.dilations[i] ?? 1,
      before: attrs.pads[i] ?? 0,
      after: attrs.pads[i + kernel.length] ?? 0,
    };
    const span = (taps - 1) * axis.dilation + 1;
    const room = dimOf("add", size, axis.before + axis.after - span);
    expect(
      boundsOf(room)[0] >= 0,
      () => `spatial axis ${i} of x has ${shapeText([size])} elements and ${axis.before + axis.after} of padding, ${op} wants ${span} for a window`,
    );
    const steps = dimOf(ceilMode ? "ceilDiv" : "floorDiv", room, axis.stride);
    if (!ceilMode) return dimOf("add", steps, 1);
    // ONNX MaxPool-19, AveragePool-19: a window that would begin in the padding behind x is left out.
    const [least, most] = boundsOf(dimOf("sub", dimOf("mul", steps, axis.stride), dimOf("add", size, axis.before)));
    expect(least >= 0 || most < 0, () => `whether a last window begins behind spatial axis ${i} hangs on its length ${shapeText([size])}, ${op} wants to know`);
    return least >= 0 ? steps : dimOf("add", steps, 1);
  });
}

/** One entry a spatial axis, two for pads, or none at all; strides and dilations from 1 on. */
export function checkSliding(op: string, kernel: readonly number[], { strides, pads, dilations }: SlidingAttrs): void {
  expectExtents(op, "kernel", kernel, 1);
  if (strides.length > 0) expectLength(op, "strides", strides, kernel.length);
  if (dilations.length > 0) expectLength(op, "dilations", dilations, kernel.length);
  if (pads.length > 0) expectLength(op, "pads", pads, 2 * kernel.length);
  expectExtents(op, "strides", strides, 1);
  expectExtents(op, "dilations", dilations, 1);
}

/** One spatial axis that stands for those that x of lower rank lacks. */
const SINGLE: Sliding = { in: 1, out: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

/** Three axes, the missing ones in front. */
export function threeAxes(axes: readonly Sliding[]): readonly [Sliding, Sliding, Sliding] {
  const [d, h, w] = [...Array<Sliding>(3 - axes.length).fill(SINGLE), ...axes];
  return [d!, h!, w!];
}

/** First and one past the last output whose tap k lies inside the input. */
export function outputsInside({ in: count, out, stride, dilation, before }: Sliding, k: number): readonly [number, number] {
  const shift = k * dilation - before;
  const first = Math.max(0, Math.ceil(-shift / stride));
  const end = Math.min(out, Math.floor((count - 1 - shift) / stride) + 1);
  return [first, Math.max(first, end)];
}
