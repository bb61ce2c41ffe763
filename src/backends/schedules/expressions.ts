import type { AttrValue } from "../../ir/attr.ts";
import { isFloat, type DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { InternalError } from "../../support/errors.ts";
import { bitcastTo } from "./bitcast-expression.ts";
import { castIsScalar, castTo } from "./cast-expressions.ts";
import type { ElementwiseOp, Expression, Use } from "./expression.ts";
import { FLOAT_OPS } from "./float-expressions.ts";
import {
  absolute,
  clipInteger,
  compareIntegers,
  divide,
  maximum,
  minimum,
  powerInteger,
  remainder,
  shiftLeft,
  shiftRight,
  signOf,
  wordOf,
} from "./integer-expressions.ts";
import { hasVectors, normalise, registerType } from "./storage.ts";

const bits = (op: "and" | "or" | "xor"): ElementwiseOp => ({ emit: ({ b, args, type }) => b.op(op, type, args) });
const always = (): boolean => true;

/** Ops on i32 and i64 registers: integers and bool. */
const INTEGER_OPS: Readonly<Record<string, ElementwiseOp>> = {
  neg: { emit: ({ b, args: [x] }) => b.sub(wordOf(b, x!, 0), x!) },
  abs: { emit: absolute },
  sign: { emit: signOf },
  add: { emit: ({ b, args }) => b.add(args[0]!, args[1]!) },
  sub: { emit: ({ b, args }) => b.sub(args[0]!, args[1]!) },
  mul: { emit: ({ b, args }) => b.mul(args[0]!, args[1]!) },
  div: { emit: ({ b, args: [a, d], from }) => divide(b, from[0]!, a!, d!).quotient, scalarOnly: always },
  mod: { emit: remainder, scalarOnly: always },
  pow: { emit: powerInteger, scalarOnly: always },
  min: { emit: minimum },
  max: { emit: maximum },
  relu: { emit: ({ b, args: [x], from }) => (from[0]!.startsWith("u") ? x! : b.pmax(x!, wordOf(b, x!, 0))) },
  clip: { emit: clipInteger },
  not: { emit: ({ b, args: [x], type }) => b.op("xor", type, [x!, b.constant(type, 1)]) },
  and: bits("and"),
  or: bits("or"),
  xor: bits("xor"),
  bitAnd: bits("and"),
  bitOr: bits("or"),
  bitXor: bits("xor"),
  bitNot: { emit: ({ b, args: [x], type }) => b.op("not", type, [x!]) },
  shiftLeft: { emit: shiftLeft, scalarOnly: always },
  shiftRight: { emit: shiftRight, scalarOnly: always },
};

const flag = (b: KernelBuilder, mask: Term, type: Use["type"]): Term => b.select(mask, b.constant(type, 1), b.constant(type, 0));

const comparison = (op: "lt" | "le" | "gt" | "ge" | "eq" | "ne"): ElementwiseOp => ({
  emit: (use) => flag(use.b, isFloat(use.from[0]!) ? use.b.compare(op, use.args[0]!, use.args[1]!) : compareIntegers(op)(use), use.type),
});

const isInf: Expression = ({ b, args: [x], attrs, type }) => {
  const [low, high] = [attrs["detectNegative"], attrs["detectPositive"]];
  const c = (value: number): Term => b.constant(x!.type, value);
  if (low && high) return flag(b, b.compare("eq", b.op("abs", x!.type, [x!]), c(Infinity)), type);
  return low || high ? flag(b, b.compare("eq", x!, c(low ? -Infinity : Infinity)), type) : b.constant(type, 0);
};

/** Ops that look at the dtype of their first operand themselves. */
const ANY_OPS: Readonly<Record<string, ElementwiseOp>> = {
  equal: comparison("eq"),
  notEqual: comparison("ne"),
  less: comparison("lt"),
  lessEqual: comparison("le"),
  greater: comparison("gt"),
  greaterEqual: comparison("ge"),
  isNan: { emit: ({ b, args: [x], type }) => flag(b, b.compare("ne", x!, x!), type) },
  isInf: { emit: isInf },
  bitcast: { emit: bitcastTo },
  cast: { emit: castTo, scalarOnly: castIsScalar },
  select: { emit: ({ b, args: [condition, a, d] }) => b.select(b.compare("ne", condition!, wordOf(b, condition!, 0)), a!, d!) },
};

function expressionFor(name: string, from: DType): ElementwiseOp | undefined {
  return ANY_OPS[name] ?? (isFloat(from) ? FLOAT_OPS : INTEGER_OPS)[name];
}

export function hasExpression(name: string, from: DType): boolean {
  return expressionFor(name, from) !== undefined;
}

/** One elementwise op with the dtypes of its operands and result. */
export interface TypedOp {
  readonly name: string;
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly from: readonly DType[];
  readonly to: DType;
}

function recordOf(op: TypedOp): ElementwiseOp {
  const record = expressionFor(op.name, op.from[0]!);
  if (!record) throw new InternalError("expressions", `${op.name} has no expression over ${op.from[0]}`);
  return record;
}

/** Vectors can't compute it. */
export function isScalarOnly(op: TypedOp): boolean {
  return ![...op.from, op.to].every(hasVectors) || (recordOf(op).scalarOnly?.(op.from, op.to) ?? false);
}

export function isHeavy(op: TypedOp): boolean {
  return recordOf(op).heavy ?? false;
}

/** The op on registers, its result brought to the values of its dtype. */
export function emitExpression(b: KernelBuilder, op: TypedOp, args: readonly Term[], lanes: number): Term {
  const value = recordOf(op).emit({ b, args, attrs: op.attrs, from: op.from, to: op.to, type: registerType(op.to, lanes) });
  const held = b.let("v", value);
  const keeps = op.name === "select" || (op.name === "cast" && op.from[0] === op.to);
  return keeps ? held : b.let("v", normalise(b, op.to, held));
}
