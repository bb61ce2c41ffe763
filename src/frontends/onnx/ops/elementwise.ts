import {
  abs,
  add,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  cos,
  cosh,
  div,
  erf,
  exp,
  floor,
  log,
  max,
  min,
  mod,
  mul,
  neg,
  pow,
  reciprocal,
  round,
  sign,
  sin,
  sinh,
  sqrt,
  sub,
  tan,
  tanh,
} from "../../../ir/ops/arithmetic.ts";
import { equal, greater, greaterEqual, isInf, isNan, less, lessEqual } from "../../../ir/ops/comparison.ts";
import { and, bitAnd, bitNot, bitOr, bitXor, not, or, select, shiftLeft, shiftRight, xor } from "../../../ir/ops/logic.ts";
import type { AttrSchema } from "../../../ir/attr.ts";
import type { Value } from "../../../ir/graph.ts";
import type { OpDef } from "../../../ir/op-def.ts";
import { isFloat } from "../../../ir/types.ts";
import type { Importer, NodeContext } from "../context.ts";
import { castTo, range, reshapeTo } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

type Unary = OpDef<readonly ["x"], AttrSchema>;
type Binary = OpDef<readonly ["a", "b"], AttrSchema>;

/** Operators with one or two operands and numpy's broadcast, which opset 7 brought. */
export const ELEMENTWISE: OperatorTable = {
  Abs: unary(abs),
  Acos: unary(acos),
  Acosh: since(9, unary(acosh)),
  Add: binary(add),
  And: binary(and),
  Asin: unary(asin),
  Asinh: since(9, unary(asinh)),
  Atan: unary(atan),
  Atanh: since(9, unary(atanh)),
  BitShift: since(11, importBitShift),
  BitwiseAnd: since(18, binary(bitAnd)),
  BitwiseNot: since(18, unary(bitNot)),
  BitwiseOr: since(18, binary(bitOr)),
  BitwiseXor: since(18, binary(bitXor)),
  Ceil: unary(ceil),
  Cos: unary(cos),
  Cosh: since(9, unary(cosh)),
  Div: binary(div),
  Equal: binary(equal),
  Erf: since(9, unary(erf)),
  Exp: unary(exp),
  Floor: unary(floor),
  Greater: binary(greater),
  GreaterOrEqual: since(12, binary(greaterEqual)),
  IsInf: since(10, importIsInf),
  IsNaN: since(9, unary(isNan)),
  Less: binary(less),
  LessOrEqual: since(12, binary(lessEqual)),
  Log: unary(log),
  Max: variadic(max),
  Mean: importMean,
  Min: variadic(min),
  Mod: since(10, importMod),
  Mul: binary(mul),
  Neg: unary(neg),
  Not: unary(not),
  Or: binary(or),
  Pow: importPow,
  Reciprocal: unary(reciprocal),
  Round: since(11, unary(round)),
  Sign: since(9, unary(sign)),
  Sin: unary(sin),
  Sinh: since(9, unary(sinh)),
  Sqrt: unary(sqrt),
  Sub: binary(sub),
  Sum: variadic(add),
  Tan: unary(tan),
  Tanh: unary(tanh),
  Where: since(9, (c) => c.b.create(select, { condition: c.need(0, "condition"), a: c.need(1, "X"), b: c.need(2, "Y") })),
  Xor: binary(xor),
};

function unary(def: Unary): Importer {
  return (c) => c.b.create(def, { x: c.need(0, "X") });
}

function binary(def: Binary): Importer {
  return (c) => {
    const [a, b] = [c.need(0, "A"), c.need(1, "B")];
    return c.b.create(def, { a, b: c.opset < 7 ? alignedAt(c, a, b) : b });
  };
}

/** Before opset 7 the axes of b stood at `axis` of a, where `broadcast` allowed it. */
function alignedAt(c: NodeContext, a: Value, b: Value): Value {
  const axis = c.int("axis");
  if (!c.flag("broadcast", false) || axis === undefined) return b;
  const start = c.axis(axis, rankOf(a));
  return reshapeTo(c.b, b, [...shapeOf(b), ...range(rankOf(a) - start - rankOf(b)).map(() => 1)]);
}

function variadic(def: Binary): Importer {
  return (c) => combined(c, def);
}

function combined(c: NodeContext, def: Binary): Value {
  let all = c.need(0, "data_0");
  for (let i = 1; i < c.operands.length; i++) all = c.b.create(def, { a: all, b: c.need(i, `data_${i}`) });
  return all;
}

function importMean(c: NodeContext): Value {
  const sum = combined(c, add);
  return c.b.create(div, { a: sum, b: c.scalar(sum.type.dtype, c.operands.length) });
}

function importMod(c: NodeContext): Value {
  return c.b.create(mod, { a: c.need(0, "A"), b: c.need(1, "B") }, { fmod: c.flag("fmod", false) });
}

/** Base and exponent may differ in type; the result has the base's, and is computed in the float one of the two. */
function importPow(c: NodeContext): Value {
  const base = c.need(0, "X");
  const exponent = c.need(1, "Y");
  const [x, y] = [base.type.dtype, exponent.type.dtype];
  const work = isFloat(x) || !isFloat(y) ? x : y;
  const power = c.b.create(pow, { a: castTo(c.b, base, work), b: castTo(c.b, exponent, work) });
  return castTo(c.b, power, x);
}

function importBitShift(c: NodeContext): Value {
  const direction = c.text("direction");
  const def =
    direction === "LEFT"
      ? shiftLeft
      : direction === "RIGHT"
        ? shiftRight
        : c.fail(`has direction "${c.required("direction", direction)}", wanted LEFT or RIGHT`, { awsName: "OperatorAttributeValueNotValid" });
  return c.b.create(def, { a: c.need(0, "X"), b: c.need(1, "Y") });
}

function importIsInf(c: NodeContext): Value {
  return c.b.create(isInf, { x: c.need(0, "X") }, { detectNegative: c.flag("detect_negative", true), detectPositive: c.flag("detect_positive", true) });
}
