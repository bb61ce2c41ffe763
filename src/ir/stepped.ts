import { symbolsOf } from "./dims.ts";
import type { Dim, DimSymbol } from "./types.ts";

/** symbol * step + offset: extents of inputs, from which the symbol follows. */
export interface Stepped {
  readonly symbol: DimSymbol;
  readonly step: number;
  readonly offset: number;
}

/** One symbol, times a number, plus a number; undefined for other extents. */
export function steppedOf(dim: Dim): Stepped | undefined {
  if (typeof dim === "number" || symbolsOf(dim).length !== 1) return undefined;
  if (dim.kind === "symbol") return { symbol: dim, step: 1, offset: 0 };
  const { operator, left, right } = dim;
  if (typeof left === "number" || typeof right !== "number") return undefined;
  const inner = steppedOf(left);
  if (!inner) return undefined;
  if (operator === "mul") return { symbol: inner.symbol, step: inner.step * right, offset: inner.offset * right };
  return operator === "add" ? { ...inner, offset: inner.offset + right } : undefined;
}
