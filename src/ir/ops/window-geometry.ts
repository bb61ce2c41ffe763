import { expect, expectExtents, expectLength, knownExtent } from "./expect.ts";
import type { TensorType } from "../types.ts";

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

/** The spatial axes of x[N, C, ...] under windows of `kernel`; throws `TypeMismatch` where an attribute does not fit. */
export function slidingAxes(op: string, x: TensorType, kernel: readonly number[], attrs: SlidingAttrs, ceilMode = false): readonly Sliding[] {
  checkSliding(op, kernel, attrs);
  expect(
    attrs.pads.every((pad) => pad >= 0),
    () => `pads are ${attrs.pads.join(", ")}, ${op} wants none below 0`,
  );
  return kernel.map((taps, i) => {
    const axis = {
      in: knownExtent(op, "x", x.shape[i + 2]),
      kernel: taps,
      stride: attrs.strides[i] ?? 1,
      dilation: attrs.dilations[i] ?? 1,
      before: attrs.pads[i] ?? 0,
      after: attrs.pads[i + kernel.length] ?? 0,
    };
    const span = (taps - 1) * axis.dilation + 1;
    const room = axis.in + axis.before + axis.after - span;
    expect(room >= 0, () => `spatial axis ${i} of x has ${axis.in} elements and ${axis.before + axis.after} of padding, ${op} wants ${span} for a window`);
    const steps = ceilMode ? Math.ceil(room / axis.stride) : Math.floor(room / axis.stride);
    // ONNX MaxPool-19, AveragePool-19: a window that would begin in the padding behind x is left out.
    const beyond = ceilMode && steps * axis.stride >= axis.in + axis.before;
    return { ...axis, out: beyond ? steps : steps + 1 };
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
