import { tensor } from "../../../../ir/tensor.ts";
import type { Op } from "../../../../ir/graph.ts";
import { tensorType, type TensorType } from "../../../../ir/types.ts";
import { refuse } from "../../refusal.ts";
import type { OnnxEmitter } from "../emitter.ts";
import { axesOf, axisOf, intsOf, shapeOfOperand, textOf, intOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

const reshape: Writer = (to, op) => {
  to.result(op, "Reshape", [to.operand(op, "x"), to.integers(op.result.type.shape as readonly number[])], {
    // A 0 is an extent here, never the extent of x.
    ...(op.result.type.shape.includes(0) ? { allowzero: 1 } : {}),
  });
};

/** Far before the first element, so that a step back reaches it. */
const BEFORE_ALL = -(2 ** 31);

interface Cut {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  readonly steps: readonly number[];
}

/** Inputs of a Slice behind its data, with the axes that are cut only. */
function slicing(to: OnnxEmitter, shape: readonly number[], { starts, sizes, steps }: Cut): readonly string[] {
  const axes = [...shape.keys()].filter((axis) => starts[axis] !== 0 || steps[axis] !== 1 || sizes[axis] !== shape[axis]);
  const ends = axes.map((axis) => {
    const end = starts[axis]! + sizes[axis]! * steps[axis]!;
    return sizes[axis] === 0 ? starts[axis]! : end < 0 ? BEFORE_ALL : end;
  });
  const ofAxes = (list: readonly number[]): string => to.integers(axes.map((axis) => list[axis]!));
  return [ofAxes(starts), to.integers(ends), to.integers(axes), ofAxes(steps)];
}

const slice: Writer = (to, op) => {
  const shape = shapeOfOperand(op, "x");
  const sizes = intsOf(op, "sizes").map((size, axis) => (size === -1 ? shape[axis]! : size));
  to.result(op, "Slice", [to.operand(op, "x"), ...slicing(to, shape, { starts: intsOf(op, "starts"), steps: intsOf(op, "steps"), sizes })]);
};

const reverse: Writer = (to, op) => {
  const shape = shapeOfOperand(op, "x");
  const turned = axesOf(op, shape.length);
  const of = (whenTurned: (axis: number) => number, else_: number): number[] => shape.map((_, axis) => (turned.includes(axis) ? whenTurned(axis) : else_));
  const cut = { starts: of((axis) => Math.max(0, shape[axis]! - 1), 0), sizes: shape, steps: of(() => -1, 1) };
  to.result(op, "Slice", [to.operand(op, "x"), ...slicing(to, shape, cut)]);
};

/** What leaves at the end and what stays, joined the other way round, one axis after another. */
const roll: Writer = (to, op) => {
  const type = op.result.type;
  const shape = shapeOfOperand(op, "x");
  const shifts = intsOf(op, "shifts");
  let x = to.operand(op, "x");
  axesOf(op, shape.length).forEach((axis, i) => {
    const extent = shape[axis]!;
    const shift = extent === 0 ? 0 : ((shifts[i]! % extent) + extent) % extent;
    if (shift === 0) return;
    const part = (start: number, size: number): string => {
      const sizes = shape.map((dim, a) => (a === axis ? size : dim));
      const starts = shape.map((_, a) => (a === axis ? start : 0));
      const cut = slicing(to, shape, { starts, sizes, steps: shape.map(() => 1) });
      return to.node("Slice", [x, ...cut], { ...type, shape: sizes });
    };
    x = to.node("Concat", [part(extent - shift, shift), part(0, extent - shift)], type, { axis });
  });
  to.bind(op.result, x);
};

const PAD_MODES: Readonly<Record<string, string>> = { constant: "constant", reflect: "reflect", edge: "edge" };

/** A real number as it stands in a tensor of this type. */
function storedValue({ quant }: TensorType, value: number): number {
  return quant ? Math.round(value / quant.scale[0]!) + quant.zeroPoint[0]! : value;
}

const pad: Writer = (to, op) => {
  const { type } = op.result;
  const [low, high, mode] = [intsOf(op, "low"), intsOf(op, "high"), textOf(op, "mode")];
  const shape = shapeOfOperand(op, "x");
  if (!PAD_MODES[mode]) refuse(`pads by ${mode}, which opset 17 does not have`);
  if (mode === "reflect" && shape.some((extent, i) => Math.max(low[i]!, high[i]!) >= extent)) refuse("reflects more elements than there are, wanted fewer");
  const value = mode === "constant" ? [to.constant(tensor(type.dtype, [], [storedValue(type, intOf(op, "value"))]))] : [];
  to.result(op, "Pad", [to.operand(op, "x"), to.integers([...low, ...high]), ...value], { mode: PAD_MODES[mode] });
};

/** ONNX leaves out what an index outside does: only indices that the graph knows to lie inside mean the same. */
const gatherAlong =
  (operator: string): Writer =>
  (to, op) => {
    const rank = op.operand("x")!.type.shape.length;
    to.result(op, operator, [to.operand(op, "x"), indices(to, op)], { axis: axisOf(op, rank) });
  };

function indices(to: OnnxEmitter, op: Op): string {
  const { dtype } = op.operand("indices")!.type;
  if (dtype !== "i64" && dtype !== "i32") refuse(`indices are ${dtype}, ONNX takes i64 and i32`);
  return to.operand(op, "indices");
}

/** Of points ONNX takes i64 alone. */
function wideIndices(to: OnnxEmitter, op: Op): string {
  const value = op.operand("indices")!;
  return value.type.dtype === "i64" ? to.name(value) : to.node("Cast", [to.name(value)], tensorType("i64", value.type.shape), { to: 7 });
}

const scatter =
  (operator: string): Writer =>
  (to, op) => {
    const reduction = textOf(op, "reduction");
    if (reduction === "min" || reduction === "max") refuse(`scatters by ${reduction}, which opset 17 does not have`);
    const isElements = operator === "ScatterElements";
    const axis = isElements ? { axis: axisOf(op, op.result.type.shape.length) } : {};
    const at = isElements ? indices(to, op) : wideIndices(to, op);
    to.result(op, operator, [to.operand(op, "x"), at, to.operand(op, "updates")], { ...axis, ...(reduction === "none" ? {} : { reduction }) });
  };

export const MOVEMENT: WriterTable = {
  reshape,
  slice,
  reverse,
  roll,
  pad,
  transpose: (to, op) => to.result(op, "Transpose", [to.operand(op, "x")], { perm: intsOf(op, "perm") }),
  broadcast: (to, op) => to.result(op, "Expand", [to.operand(op, "x"), to.integers(op.result.type.shape as readonly number[])]),
  concat: (to, op) => {
    const names = op.variadic.map((value) => to.name(value));
    to.result(op, "Concat", names, { axis: axisOf(op, op.result.type.shape.length) });
  },
  gather: gatherAlong("Gather"),
  gatherElements: gatherAlong("GatherElements"),
  gatherNd: (to, op) => to.result(op, "GatherND", [to.operand(op, "x"), wideIndices(to, op)], { batch_dims: intOf(op, "batchDims") }),
  scatterElements: scatter("ScatterElements"),
  scatterNd: scatter("ScatterND"),
};
