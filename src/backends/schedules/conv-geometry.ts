import type { Op } from "../../ir/graph.ts";
import type { Halo } from "../layout.ts";
import { elemOf, shapeOf } from "../assign-layouts.ts";

/** One spatial axis of a window that slides over an image: output o reads input o * stride + k * dilation - before. */
export interface WindowAxis {
  readonly in: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Elements read before the first and behind the last of the image. */
  readonly before: number;
  readonly after: number;
}

/** The row axis of an image without rows. */
export const SINGLE_ROW: WindowAxis = { in: 1, out: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

export function windowAxis(size: { in: number; out: number; kernel: number; stride: number; dilation: number; before: number }): WindowAxis {
  const last = (size.out - 1) * size.stride + (size.kernel - 1) * size.dilation - size.before;
  return { ...size, after: Math.max(0, last - (size.in - 1)) };
}

/** Window axes of an op with `strides`, `pads`, `dilations` over x[N, C, ...]; `kernel` by axis. */
export function windowAxes(op: Op, kernel: readonly number[]): WindowAxis[] {
  const x = shapeOf(op.operands[0]!);
  const y = shapeOf(op.results[0]!);
  const ints = (name: string, fallback: number): readonly number[] => {
    const given = op.attrs[name] as readonly number[] | undefined;
    return given?.length ? given : kernel.map(() => fallback);
  };
  const [strides, dilations] = [ints("strides", 1), ints("dilations", 1)];
  const pads = op.attrs["pads"] as readonly number[] | undefined;
  return kernel.map((k, i) =>
    windowAxis({ in: x[i + 2]!, out: y[i + 2]!, kernel: k, stride: strides[i]!, dilation: dilations[i]!, before: pads?.length ? pads[i]! : 0 }),
  );
}

/** What an image of rank 3 or 4 must have round it so that no window leaves the buffer. */
export function haloOf(axes: readonly WindowAxis[]): Halo {
  const [h, w] = axes.length === 2 ? axes : [{ before: 0, after: 0 }, axes[0]!];
  return [h!.before, w!.after, h!.after, w!.before];
}

export function reads(axes: readonly WindowAxis[]): boolean {
  return axes.some((axis) => axis.before > 0 || axis.after > 0);
}

/** conv_f32_3x3s2_16x32x32_32: kernel and stride, input, output channels. */
export function convName(kind: string, op: Op, axes: readonly WindowAxis[]): string {
  const strides = axes.map((axis) => axis.stride);
  const stride = strides.every((s) => s === strides[0]) ? `${strides[0]}` : strides.join("x");
  const dilation = axes.some((axis) => axis.dilation > 1) ? `d${axes.map((axis) => axis.dilation).join("x")}` : "";
  const groups = Number(op.attrs["groups"] ?? 1) > 1 ? `g${op.attrs["groups"] as number}` : "";
  const shape = shapeOf(op.operands[0]!);
  return `${kind}_${elemOf(op.results[0]!)}_${axes.map((axis) => axis.kernel).join("x")}s${stride}${dilation}${groups}_${shape.slice(1).join("x")}_${shapeOf(op.results[0]!)[1]!}`;
}
