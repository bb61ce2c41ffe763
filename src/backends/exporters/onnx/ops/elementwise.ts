import { isFloat } from "../../../../ir/types.ts";
import { constantOf } from "../../constant-of.ts";
import { refuse } from "../../refusal.ts";
import { ONNX_ELEMENT } from "../element-types.ts";
import { flagOf, textOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

const unary =
  (operator: string): Writer =>
  (to, op) =>
    to.result(op, operator, [to.operand(op, "x")]);

const binary =
  (operator: string): Writer =>
  (to, op) =>
    to.result(op, operator, [to.operand(op, "a"), to.operand(op, "b")]);

/** Division by an integer of 0 gives 0, which engines don't say. */
const divide: Writer = (to, op) => {
  const divisor = constantOf(op.operand("b"));
  const isSafe = isFloat(op.result.type.dtype) || (divisor && Array.from(divisor.data as ArrayLike<number | bigint>).every((value) => Number(value) !== 0));
  if (!isSafe) refuse("integers are divided by what only a run tells, wanted a constant divisor without 0");
  binary("Div")(to, op);
};

/** Of floats ONNX has the remainder with the sign of a alone. */
const remainder: Writer = (to, op) => {
  const [a, b, type] = [to.operand(op, "a"), to.operand(op, "b"), op.result.type];
  if (!isFloat(type.dtype)) refuse("the remainder of integers by 0 is 0 here, wanted floats");
  if (flagOf(op, "fmod")) return to.result(op, "Mod", [a, b], { fmod: 1 });
  const whole = to.node("Floor", [to.node("Div", [a, b], type)], type);
  to.result(op, "Sub", [a, to.node("Mul", [b, whole], type)]);
};

const unequal: Writer = (to, op) => {
  to.result(op, "Not", [to.node("Equal", [to.operand(op, "a"), to.operand(op, "b")], op.result.type)]);
};

/** ONNX broadcasts the slope to x and not x to the slope. */
const prelu: Writer = (to, op) => {
  const [x, slope] = [op.operand("x")!.type.shape, op.operand("slope")!.type.shape];
  const fits = slope.length <= x.length && slope.every((dim, i) => dim === 1 || dim === x[i + x.length - slope.length]);
  if (!fits) refuse("the slope is larger than x, wanted one that broadcasts to it");
  to.result(op, "PRelu", [to.operand(op, "x"), to.operand(op, "slope")]);
};

/** Out of range a float becomes the nearest integer here, and anything in ONNX. */
const cast: Writer = (to, op) => {
  const [from, into] = [op.operand("x")!.type.dtype, textOf(op, "to")] as const;
  if (from === into) return to.bind(op.result, to.operand(op, "x"));
  if (isFloat(from) && into !== "bool" && !isFloat(op.result.type.dtype)) refuse(`casts ${from} to ${into}, which ONNX leaves open out of range`);
  to.result(op, "Cast", [to.operand(op, "x")], { to: ONNX_ELEMENT[op.result.type.dtype] });
};

const power: Writer = (to, op) => {
  if (!isFloat(op.result.type.dtype)) refuse("the power is of integers, wanted floats");
  binary("Pow")(to, op);
};

const UNARY: Readonly<Record<string, string>> = {
  neg: "Neg",
  abs: "Abs",
  sign: "Sign",
  floor: "Floor",
  ceil: "Ceil",
  round: "Round",
  sqrt: "Sqrt",
  reciprocal: "Reciprocal",
  exp: "Exp",
  log: "Log",
  sin: "Sin",
  cos: "Cos",
  tan: "Tan",
  asin: "Asin",
  acos: "Acos",
  atan: "Atan",
  sinh: "Sinh",
  cosh: "Cosh",
  asinh: "Asinh",
  acosh: "Acosh",
  atanh: "Atanh",
  erf: "Erf",
  not: "Not",
  isNan: "IsNaN",
};

const BINARY: Readonly<Record<string, string>> = {
  add: "Add",
  sub: "Sub",
  mul: "Mul",
  min: "Min",
  max: "Max",
  equal: "Equal",
  less: "Less",
  lessEqual: "LessOrEqual",
  greater: "Greater",
  greaterEqual: "GreaterOrEqual",
  and: "And",
  or: "Or",
  xor: "Xor",
};

const tableOf = (operators: Readonly<Record<string, string>>, writer: (operator: string) => Writer): WriterTable =>
  Object.fromEntries(Object.entries(operators).map(([name, operator]) => [name, writer(operator)]));

export const ELEMENTWISE: WriterTable = {
  ...tableOf(UNARY, unary),
  ...tableOf(BINARY, binary),
  div: divide,
  mod: remainder,
  pow: power,
  notEqual: unequal,
  prelu,
  cast,
  select: (to, op) => to.result(op, "Where", [to.operand(op, "condition"), to.operand(op, "a"), to.operand(op, "b")]),
  isInf: (to, op) => {
    const signs = { detect_negative: Number(flagOf(op, "detectNegative")), detect_positive: Number(flagOf(op, "detectPositive")) };
    to.result(op, "IsInf", [to.operand(op, "x")], signs);
  },
};
