import type { Op } from "../../../../ir/graph.ts";
import { tensor } from "../../../../ir/tensor.ts";
import { elementCount, type TensorType } from "../../../../ir/types.ts";
import { refuse } from "../../refusal.ts";
import { float, type OnnxEmitter } from "../emitter.ts";
import { axesOf, axisOf, intOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

const alongAxis =
  (operator: string): Writer =>
  (to, op) =>
    to.result(op, operator, [to.operand(op, "x")], { axis: axisOf(op, op.result.type.shape.length) });

const epsilonOf = (op: Op): number => intOf(op, "epsilon");

/** Scale of ones where there is none: LayerNormalization wants one. */
function scaleOr(to: OnnxEmitter, op: Op, shape: readonly number[]): string {
  return to.operand(op, "scale") || to.constant(tensor(op.result.type.dtype, shape, new Array<number>(elementCount(shape)).fill(1)));
}

const layerNorm: Writer = (to, op) => {
  const { shape } = op.result.type;
  const axis = axisOf(op, shape.length);
  const inputs = [to.operand(op, "x"), scaleOr(to, op, shape.slice(axis) as readonly number[]), to.operand(op, "bias")];
  to.result(op, "LayerNormalization", inputs, { axis, epsilon: float(epsilonOf(op)) });
};

/** Type with extent 1 along some axes. */
const kept = (type: TensorType, axes: readonly number[]): TensorType => ({
  dtype: type.dtype,
  shape: type.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)),
});

const rmsNorm: Writer = (to, op) => {
  const { type } = op.result;
  const at = axisOf(op, type.shape.length);
  const axes = [...type.shape.keys()].slice(at);
  const x = to.operand(op, "x");
  const small = kept(type, axes);
  const mean = to.node("ReduceMean", [to.node("Mul", [x, x], type)], small, { axes, keepdims: 1 });
  const root = to.node("Sqrt", [to.node("Add", [mean, to.scalar(type.dtype, epsilonOf(op))], small)], small);
  const scale = to.operand(op, "scale");
  const y = to.node("Div", [x, root], type);
  to.bind(op.result, scale ? to.node("Mul", [y, scale], type) : y);
};

/** Groups become channels, which InstanceNormalization makes mean 0 and variance 1; then scale and bias of the channels. */
const groupNorm: Writer = (to, op) => {
  const { type } = op.result;
  const shape = type.shape as readonly number[];
  const groups = intOf(op, "groups");
  if (elementCount(shape) === 0) refuse("x is empty");
  const grouped: TensorType = { dtype: type.dtype, shape: [shape[0]!, groups, elementCount(shape) / shape[0]! / groups] };
  const filled = (value: number): string => to.constant(tensor(type.dtype, [groups], new Array<number>(groups).fill(value)));
  const apart = to.node("Reshape", [to.operand(op, "x"), to.integers(grouped.shape as readonly number[])], grouped);
  const even = to.node("InstanceNormalization", [apart, filled(1), filled(0)], grouped, { epsilon: float(epsilonOf(op)) });
  let y = to.node("Reshape", [even, to.integers(shape)], type);
  const column = [shape[1]!, ...shape.slice(2).map(() => 1)];
  for (const [operator, name] of [
    ["Mul", "scale"],
    ["Add", "bias"],
  ] as const) {
    const part = to.operand(op, name);
    if (part) y = to.node(operator, [y, to.node("Reshape", [part, to.integers(column)], { dtype: type.dtype, shape: column })], type);
  }
  to.bind(op.result, y);
};

const batchNorm: Writer = (to, op) => {
  const inputs = ["x", "scale", "bias", "mean", "variance"].map((name) => to.operand(op, name));
  to.result(op, "BatchNormalization", inputs, { epsilon: float(epsilonOf(op)) });
};

const l2Normalise: Writer = (to, op) => {
  const { type } = op.result;
  const axes = axesOf(op, type.shape.length);
  const x = to.operand(op, "x");
  const norm = to.node("ReduceL2", [x], kept(type, axes), { axes, keepdims: 1 });
  to.result(op, "Div", [x, to.node("Max", [norm, to.scalar(type.dtype, epsilonOf(op))], kept(type, axes))]);
};

export const NORMALISATION: WriterTable = {
  softmax: alongAxis("Softmax"),
  logSoftmax: alongAxis("LogSoftmax"),
  layerNorm,
  rmsNorm,
  groupNorm,
  batchNorm,
  l2Normalise,
};
