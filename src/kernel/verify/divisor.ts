import type { Expr } from "../kernel.ts";

/** True for `select(m, other, x)` where m holds at least whenever x equals `value`, and `other` is a constant that does not. */
export function excludesDivisor(divisor: Expr, value: number): boolean {
  if (divisor.kind !== "op" || divisor.op !== "select") return false;
  const [mask, other, x] = divisor.args as [Expr, Expr, Expr];
  return other.kind === "const" && Number(other.value) !== value && holdsAt(mask, x, value);
}

function holdsAt(mask: Expr, x: Expr, value: number): boolean {
  if (mask.kind !== "op") return false;
  if (mask.op === "or") return mask.args.some((arg) => holdsAt(arg, x, value));
  const [a, b] = mask.args;
  return mask.op === "eq" && b?.kind === "const" && Number(b.value) === value && equalExpressions(a!, x);
}

export function equalExpressions(a: Expr, b: Expr): boolean {
  const text = (expr: Expr): string => JSON.stringify(expr, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
  return text(a) === text(b);
}
