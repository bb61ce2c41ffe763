import { add, mul } from "../../../ir/ops/arithmetic.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { castTo } from "../rearrange.ts";
import { centred } from "./matmul.ts";
import { dynamicallyQuantised } from "./quantised.ts";
import { since, type OperatorTable } from "./table.ts";

/** Products of integers that become real numbers at once. */
export const MICROSOFT_INTEGER: OperatorTable = {
  DynamicQuantizeMatMul: since(1, importDynamicQuantizeMatMul),
  MatMulIntegerToFloat: since(1, importMatMulIntegerToFloat),
};

interface Pair<T> {
  readonly a: T;
  readonly b: T;
}

/** (a - zero) * (b - zero), exact over i32, times both scales, plus the bias. */
export function integerProduct(c: NodeContext, a: Value, b: Value, scales: Pair<Value>, zeros: Pair<Value | undefined>, bias: Value | undefined): Value {
  const sums = c.b.create(matmul, { a: centred(c, a, zeros.a, "row"), b: centred(c, b, zeros.b, "column") });
  const real = castTo(c.b, sums, scales.a.type.dtype);
  const scaled = c.b.create(mul, { a: real, b: c.b.create(mul, scales) });
  return bias ? c.b.create(add, { a: scaled, b: bias }) : scaled;
}

/** A becomes u8 by the range of its data. */
function importDynamicQuantizeMatMul(c: NodeContext): Value {
  const [a, scale, zero] = dynamicallyQuantised(c, c.need(0, "A"));
  return integerProduct(c, a, c.need(1, "B"), { a: scale, b: c.need(2, "b_scale") }, { a: zero, b: c.operand(3) }, c.operand(4));
}

function importMatMulIntegerToFloat(c: NodeContext): Value {
  const scales = { a: c.need(2, "a_scale"), b: c.need(3, "b_scale") };
  return integerProduct(c, c.need(0, "A"), c.need(1, "B"), scales, { a: c.operand(4), b: c.operand(5) }, c.operand(6));
}
