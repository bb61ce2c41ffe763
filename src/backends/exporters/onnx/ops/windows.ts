import type { Op } from "../../../../ir/graph.ts";
import { slidingAxes, type SlidingAttrs } from "../../../../ir/ops/window-geometry.ts";
import { refuse } from "../../refusal.ts";
import { float, type Attributes } from "../emitter.ts";
import { flagOf, intOf, intsOf, textOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

/** Attributes of windows, every one written out. */
function windowAttributes(op: Op, kernel: readonly number[]): { readonly strides: readonly number[]; readonly dilations: readonly number[] } {
  const given = (name: string): readonly number[] => (intsOf(op, name).length > 0 ? intsOf(op, name) : kernel.map(() => 1));
  return { strides: given("strides"), dilations: given("dilations") };
}

function padsOf(op: Op, kernel: readonly number[]): readonly number[] {
  return intsOf(op, "pads").length > 0 ? intsOf(op, "pads") : kernel.flatMap(() => [0, 0]);
}

export function convAttributes(op: Op, kernel: readonly number[]): Attributes {
  return { kernel_shape: kernel, ...windowAttributes(op, kernel), pads: padsOf(op, kernel), group: intOf(op, "groups") };
}

/** What ceilMode keeps, as padding at the end, which says it without a word on which tools differ. */
function explicitPads(op: Op, kernel: readonly number[]): readonly number[] {
  const axes = slidingAxes(op.name, op.operand("x")!.type, kernel, op.attrs as unknown as SlidingAttrs, flagOf(op, "ceilMode"));
  const ends = axes.map(({ in: size, out, stride, dilation, kernel: taps, before, after }) =>
    Math.max(after, (out - 1) * stride + (taps - 1) * dilation + 1 - size - before),
  );
  const pads = [...axes.map((axis) => axis.before), ...ends];
  if (pads.some((width, i) => width >= kernel[i % kernel.length]!)) refuse("padding is as wide as the window, wanted less");
  return pads;
}

function poolAttributes(op: Op): Attributes {
  const kernel = intsOf(op, "kernel");
  return { kernel_shape: kernel, ...windowAttributes(op, kernel), pads: explicitPads(op, kernel) };
}

const pool: Writer = (to, op) => {
  const kind = textOf(op, "kind");
  const attributes = poolAttributes(op);
  const x = to.operand(op, "x");
  if (kind === "max") return to.result(op, "MaxPool", [x], attributes);
  const { dilations, ...rest } = attributes;
  if ((dilations as readonly number[]).some((step) => step !== 1)) refuse(`a ${kind} pool has dilations, which opset 17 does not have`);
  if (kind === "lp") return to.result(op, "LpPool", [x], { ...rest, p: intOf(op, "p") });
  const counts = flagOf(op, "countIncludePad");
  if (counts && JSON.stringify(rest["pads"]) !== JSON.stringify(padsOf(op, intsOf(op, "kernel"))))
    refuse("a mean counts padding and its last window is not full");
  to.result(op, "AveragePool", [x], { ...rest, count_include_pad: Number(counts) });
};

const maxPoolWithIndices: Writer = (to, op) => {
  const types = op.results.map((value) => value.type);
  const names = to.nodeOf("MaxPool", [to.operand(op, "x")], types, { ...poolAttributes(op), storage_order: Number(flagOf(op, "columnMajor")) });
  names.forEach((name, i) => to.bind(op.results[i]!, name));
};

const gridSample: Writer = (to, op) => {
  const mode = textOf(op, "mode");
  if (op.result.type.shape.length !== 4) refuse("samples a volume or a line, opset 17 takes pictures");
  if (mode === "cubic") refuse("samples by cubics, whose edges tools treat otherwise");
  to.result(op, "GridSample", [to.operand(op, "x"), to.operand(op, "grid")], {
    mode: mode === "linear" ? "bilinear" : "nearest",
    padding_mode: textOf(op, "padding"),
    align_corners: Number(flagOf(op, "alignCorners")),
  });
};

const roiAlign: Writer = (to, op) => {
  if (op.operand("batchIndices")!.type.dtype !== "i64") refuse("indices of images are not i64");
  to.result(op, "RoiAlign", [to.operand(op, "x"), to.operand(op, "rois"), to.operand(op, "batchIndices")], {
    mode: textOf(op, "kind") === "max" ? "max" : "avg",
    output_height: intOf(op, "height"),
    output_width: intOf(op, "width"),
    sampling_ratio: intOf(op, "samplingRatio"),
    spatial_scale: float(intOf(op, "spatialScale")),
    coordinate_transformation_mode: flagOf(op, "halfPixel") ? "half_pixel" : "output_half_pixel",
  });
};

/** Of an even number of channels tools differ in which side has one more. */
const lrn: Writer = (to, op) => {
  const size = intOf(op, "size");
  if (size % 2 === 0) refuse(`sums over ${size} channels, wanted an odd number`);
  const real = (name: string): { readonly float: number } => float(intOf(op, name));
  to.result(op, "LRN", [to.operand(op, "x")], { size, alpha: real("alpha"), beta: real("beta"), bias: real("bias") });
};

export const WINDOWS: WriterTable = {
  pool,
  maxPoolWithIndices,
  gridSample,
  roiAlign,
  lrn,
};
