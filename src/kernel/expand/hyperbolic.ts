import type { KernelBuilder, Term } from "../build.ts";
import { expFast } from "./exp.ts";
import { log1pFast } from "./log.ts";
import { polynomial, single, withSign, type Expansion } from "./polynomial.ts";

/** e^a / 2 and e^-a / 2 of a >= 0, through e^(a/2), which does not overflow too early. */
function halves(k: KernelBuilder, a: Term): { readonly up: Term; readonly down: Term } {
  const half = k.constant(a.type, 0.5);
  const root = k.let("e", expFast(k, k.mul(a, half)));
  return { up: k.mul(k.mul(root, half), root), down: k.div(half, k.mul(root, root)) };
}

/** Within 4e-7 of its value. */
export const sinh: Expansion = single((k, x) => {
  const a = k.let("a", k.abs(x));
  const { up, down } = halves(k, a);
  const z = k.let("z", k.mul(a, a));
  const small = k.madd(k.mul(polynomial(k, z, [2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1]), z), a, a);
  return withSign(k, k.select(k.compare("lt", a, k.constant(x.type, 1)), small, k.sub(up, down)), x);
});

/** Within 4e-7 of its value. */
export const cosh: Expansion = single((k, x) => {
  const { up, down } = halves(k, k.let("a", k.abs(x)));
  return k.add(up, down);
});

/** Above it, x * x + 1 is x * x. */
const BIG = 1e9;

/** Within 4e-7 of its value. */
export const asinh: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const a = k.let("a", k.abs(x));
  const big = k.let("m", k.compare("gt", a, at(BIG)));
  const b = k.let("b", k.pmin(a, at(BIG)));
  const square = k.let("z", k.mul(b, b));
  const above1 = k.add(b, k.div(square, k.add(at(1), k.sqrt(k.add(square, at(1))))));
  const value = k.add(log1pFast(k, k.select(big, a, above1)), k.select(big, at(Math.LN2), at(0)));
  return withSign(k, value, x);
});

/** Within 4e-7 of its value; NaN below 1. */
export const acosh: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const big = k.let("m", k.compare("gt", x, at(BIG)));
  const t = k.let("t", k.sub(k.pmin(x, at(BIG)), at(1)));
  const above1 = k.add(t, k.sqrt(k.mul(t, k.add(t, at(2)))));
  const value = k.add(log1pFast(k, k.select(big, x, above1)), k.select(big, at(Math.LN2), at(0)));
  return k.select(k.compare("lt", x, at(1)), at(NaN), value);
});

/** Within 4e-7 of its value; infinite at 1, NaN beyond. */
export const atanh: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const a = k.let("a", k.abs(x));
  const value = k.mul(log1pFast(k, k.div(k.add(a, a), k.sub(at(1), a))), at(0.5));
  return withSign(k, value, x);
});
