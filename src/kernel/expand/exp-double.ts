import type { KernelBuilder, Term } from "../build.ts";
import type { Expansion } from "./polynomial.ts";

const [LN2_HIGH, LN2_LOW] = [0.6931471803691238, 1.9082149292705877e-10];

/** c(r) = r - r^2 * P(r^2) with e^r = 1 + r + r*c / (2 - c), after fdlibm. */
const P = [4.1381367970572384e-8, -1.6533902205465252e-6, 6.613756321437934e-5, -2.7777777777015593e-3, 0.16666666666666602];

/** e^x of f64 scalars, within an ulp of its value, over the whole range, subnormal results included. */
export const expDouble: Expansion = (k, argument) => {
  const at = (value: number): Term => k.constant(argument.type, value);
  const x = k.let("x", k.pmax(k.pmin(argument, at(710)), at(-746)));
  const n = k.let("n", k.op("nearest", x.type, [k.mul(x, at(Math.LOG2E))]));
  const high = k.let("h", k.sub(x, k.mul(n, at(LN2_HIGH))));
  const low = k.let("l", k.mul(n, at(LN2_LOW)));
  const r = k.let("r", k.sub(high, low));
  const square = k.let("s", k.mul(r, r));
  const [first, ...rest] = P;
  const sum = rest.reduce((so, c) => k.add(k.mul(so, square), at(c)), at(first!));
  const c = k.let("c", k.sub(r, k.mul(square, sum)));
  const quotient = k.div(k.mul(r, c), k.sub(at(2), c));
  const value = k.let("e", k.sub(at(1), k.sub(k.sub(low, quotient), high)));
  return scaledByPower(k, value, k.let("n", k.convert(n, "i64")));
};

/** value * 2^n of an i64 n in [-1076, 1025], through two factors, so that results below 2^-1022 come out right. */
function scaledByPower(k: KernelBuilder, value: Term, n: Term): Term {
  const half = k.let("h", k.shrS(n, 1));
  const power = (m: Term): Term => k.bitcast(k.shl(k.add(m, k.constant(n.type, 1023n)), 52), "f64");
  return k.mul(k.mul(value, power(half)), power(k.sub(n, half)));
}
