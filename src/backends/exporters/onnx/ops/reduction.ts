import type { TensorType } from "../../../../ir/types.ts";
import { refuse } from "../../refusal.ts";
import { axesOf, axisOf, flagOf, intOf, shapeOfOperand, textOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

const OPERATORS: Readonly<Record<string, string>> = {
  sum: "ReduceSum",
  mean: "ReduceMean",
  prod: "ReduceProd",
  min: "ReduceMin",
  max: "ReduceMax",
  l1: "ReduceL1",
  l2: "ReduceL2",
  logSum: "ReduceLogSum",
  logSumExp: "ReduceLogSumExp",
  sumSquare: "ReduceSumSquare",
};

/** No axes is each element alone here, all of them in ONNX: a new axis of 1 is reduced instead. */
const reduce: Writer = (to, op) => {
  const { type } = op.result;
  const kind = textOf(op, "kind");
  const shape = shapeOfOperand(op, "x");
  const axes = axesOf(op, shape.length);
  const keepdims = Number(flagOf(op, "keepDims"));
  let x = to.operand(op, "x");
  if (shape.includes(0)) refuse("x is empty, what is left of nothing differs between tools");
  if (axes.length === 0) {
    const wide: TensorType = { dtype: op.operand("x")!.type.dtype, shape: [...shape, 1] };
    x = to.node("Reshape", [x, to.integers([...shape, 1])], wide);
    return write([shape.length], 0);
  }
  write(axes, keepdims);

  function write(along: readonly number[], keep: number): void {
    if (kind === "any" || kind === "all") {
      const numbers = to.node("Cast", [x], { dtype: "i32", shape: op.operand("x")!.type.shape }, { to: 6 });
      const one = to.node(kind === "any" ? "ReduceMax" : "ReduceMin", [numbers], { dtype: "i32", shape: type.shape }, { axes: along, keepdims: keep });
      return to.result(op, "Cast", [one], { to: 9 });
    }
    // Since opset 13 the axes of ReduceSum, and of no other yet, are an operand.
    if (kind === "sum") return to.result(op, "ReduceSum", [x, to.integers(along)], { keepdims: keep });
    to.result(op, OPERATORS[kind]!, [x], { axes: along, keepdims: keep });
  }
};

const argReduce: Writer = (to, op) => {
  const axis = axisOf(op, op.operand("x")!.type.shape.length);
  to.result(op, textOf(op, "kind") === "max" ? "ArgMax" : "ArgMin", [to.operand(op, "x")], {
    axis,
    keepdims: Number(flagOf(op, "keepDims")),
    select_last_index: Number(flagOf(op, "lastIndex")),
  });
};

const cumulative: Writer = (to, op) => {
  if (textOf(op, "kind") !== "sum") refuse("multiplies up, ONNX sums up");
  const axis = axisOf(op, op.result.type.shape.length);
  to.result(op, "CumSum", [to.operand(op, "x"), to.scalar("i64", axis)], {
    exclusive: Number(flagOf(op, "exclusive")),
    reverse: Number(flagOf(op, "reverse")),
  });
};

const ordered =
  (count: (extent: number, attrs: Readonly<Record<string, unknown>>) => number, largest: string): Writer =>
  (to, op) => {
    const shape = shapeOfOperand(op, "x");
    const axis = axisOf(op, shape.length);
    const k = to.integers([count(shape[axis]!, op.attrs)]);
    const names = to.nodeOf(
      "TopK",
      [to.operand(op, "x"), k],
      op.results.map((value) => value.type),
      { axis, largest: intOf(op, largest) ? 1 : 0, sorted: 1 },
    );
    names.forEach((name, i) => to.bind(op.results[i]!, name));
  };

export const REDUCTION: WriterTable = {
  reduce,
  argReduce,
  cumulative,
  topK: ordered((_, attrs) => attrs["k"] as number, "largest"),
  sort: ordered((extent) => extent, "descending"),
};
