import { readsBehind } from "./windows.ts";
import type { Op } from "../../ir/graph.ts";
import type { TensorType } from "../../ir/types.ts";

/** Whether result elements at place i of an axis hang on elements at place i of that axis of an operand alone. */
type Independence = (op: Op, operand: number, axis: number) => boolean;

const always: Independence = () => true;
/** Of the first operand only. */
const batch: Independence = (_op, operand, axis) => operand === 0 && axis === 0;

/**
 * Ops that leave what lies behind the end of an axis behind the end of an axis: they may run to the bound, and what they make of it
 * is as meaningless as it was. An op that is not listed, or an axis for which the answer is no, is none of these.
 */
const INDEPENDENT: Readonly<Record<string, Independence>> = {
  cast: always,
  transpose: always,
  broadcast: always,
  batchNorm: (_op, operand, axis) => operand === 0 && axis !== 1,
  quantise: (op, operand, axis) => operand === 0 && isOtherAxis(op, axis, op.operands[1]!.type.shape.length > 0),
  dequantise: (op, operand, axis) => operand === 0 && isOtherAxis(op, axis, op.operands[1]!.type.shape.length > 0),
  concat: (op, _operand, axis) => axis !== axisOf(op),
  reverse: (op, _operand, axis) => !axesOf(op).includes(axis),
  roll: (op, _operand, axis) => !axesOf(op).includes(axis),
  slice: (op, _operand, axis) => (op.attrs["sizes"] as readonly number[])[axis] === -1,
  pad: (op, _operand, axis) => isZeroAt(op, "low", axis) && isZeroAt(op, "high", axis),
  gather: (op, operand, axis) => operand === 1 || axis !== axisOf(op),
  gatherElements: (op, operand, axis) => operand === 1 || axis !== axisOf(op),
  gatherNd: (op, operand, axis) => isPointAxis(op, operand, axis),
  scatterElements: (op, operand, axis) => operand === 0 && axis !== axisOf(op),
  scatterNd: (op, operand, axis) => operand === 0 && axis >= (op.operands[1]!.type.shape.at(-1) as number),
  reduce: (op, _operand, axis) => !axesOf(op).includes(axis),
  argReduce: (op, _operand, axis) => axis !== axisOf(op),
  cumulative: (op, _operand, axis) => axis !== axisOf(op) || op.attrs["reverse"] === false,
  topK: (op, _operand, axis) => axis !== axisOf(op),
  sort: (op, _operand, axis) => axis !== axisOf(op),
  softmax: (op, _operand, axis) => axis !== axisOf(op),
  logSoftmax: (op, _operand, axis) => axis !== axisOf(op),
  l2Normalise: (op, _operand, axis) => !axesOf(op).includes(axis),
  layerNorm: (op, operand, axis) => operand === 0 && axis < axisOf(op),
  rmsNorm: (op, operand, axis) => operand === 0 && axis < axisOf(op),
  groupNorm: batch,
  trees: batch,
  treeContributions: batch,
  lstm: (op, operand, axis) => isBatchOfCell(op, operand, axis),
  gru: (op, operand, axis) => isBatchOfCell(op, operand, axis),
  rnn: (op, operand, axis) => isBatchOfCell(op, operand, axis),
  matmul: (op, operand, axis) => {
    const { length } = op.operands[operand]!.type.shape;
    if (length < 2) return false;
    return axis < length - 2 ? isWholeAxis(op, op.operands[operand]!.type, axis) : axis === (operand === 0 ? length - 2 : length - 1);
  },
  linear: (op, operand, axis) => (operand === 0 || operand === 3) && axis < op.operands[operand]!.type.shape.length - 1,
  attention: (op, operand, axis) => (operand === 3 ? axis < op.operands[3]!.type.shape.length - 1 : axis === 0 || (operand === 0 && axis === 2)),
  conv: (op, operand, axis) => operand === 3 || (operand === 0 && (axis === 0 || (axis > 1 && !readsBehind(op, axis)))),
  convTranspose: batch,
  pool: (op, _operand, axis) => axis < 2 || !readsBehind(op, axis),
  maxPoolWithIndices: batch,
  lrn: (_op, _operand, axis) => axis !== 1,
  resize: (op, _operand, axis) => (op.attrs["scales"] as readonly number[])[axis] === 1 && (op.attrs["shape"] as readonly number[])[axis] !== -1,
  roiAlign: (_op, operand, axis) => operand > 0 && axis === 0,
  gridSample: (op, operand, axis) => axis === 0 || (operand === 1 && axis < op.operands[1]!.type.shape.length - 1),
  inverse: (op, _operand, axis) => axis < op.operands[0]!.type.shape.length - 2,
  det: (op, _operand, axis) => axis < op.operands[0]!.type.shape.length - 2,
};

export function isIndependent(op: Op, operand: number, axis: number): boolean {
  if (op.def.elementwise) return isWholeAxis(op, op.operands[operand]!.type, axis);
  return Object.hasOwn(INDEPENDENT, op.name) && INDEPENDENT[op.name]!(op, operand, axis);
}

/** Broadcasting a length that the data decide against a number would ask at run time whether they agree. */
function isWholeAxis(op: Op, type: TensorType, axis: number): boolean {
  const result = op.results[0]!.type.shape;
  return JSON.stringify(result[result.length - type.shape.length + axis]) === JSON.stringify(type.shape[axis]);
}

function rankOf(op: Op): number {
  return op.operands[0]!.type.shape.length;
}

function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function axisOf(op: Op): number {
  return fromFront(op.attrs["axis"] as number, rankOf(op));
}

export function axesOf(op: Op): readonly number[] {
  return (op.attrs["axes"] as readonly number[]).map((axis) => fromFront(axis, rankOf(op)));
}

function isOtherAxis(op: Op, axis: number, hasAxis: boolean): boolean {
  return !hasAxis || axis !== axisOf(op);
}

function isZeroAt(op: Op, attr: string, axis: number): boolean {
  return (op.attrs[attr] as readonly number[])[axis] === 0;
}

/** x[T,B,F], sequenceLengths [B], states [D,B,H]. */
function isBatchOfCell(op: Op, operand: number, axis: number): boolean {
  const name = op.def.operands[operand]!.replace("?", "");
  return name === "x" || name === "initialH" || name === "initialC" ? axis === 1 : name === "sequenceLengths";
}

/** Axes of points, and those of x that no point counts in. */
function isPointAxis(op: Op, operand: number, axis: number): boolean {
  const batchDims = op.attrs["batchDims"] as number;
  const indices = op.operands[1]!.type.shape;
  if (operand === 1) return axis < indices.length - 1;
  return axis < batchDims || axis >= batchDims + (indices.at(-1) as number);
}
