import type { KernelBuilder, Term } from "../build.ts";
import { integers, polynomial, single, type Expansion } from "./polynomial.ts";

/**
 * e^x within 2e-7 of its value; infinity from 88.73, 0 below -86.99, NaN of NaN. Cephes' polynomial on [-ln2/2, ln2/2]; the scale
 * is 2^(n-1) twice, so that n = 128 overflows by itself and n = -126 has the bits of 0.
 */
export const expFast: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const clamped = k.let("x", k.pmax(k.pmin(x, at(89)), at(-87.3)));
  const n = k.let("n", k.roundToInt(k.mul(clamped, at(Math.LOG2E))));
  const whole = k.let("n", k.toFloat(n));
  const r = k.let("r", k.madd(whole, at(2.1219444e-4), k.madd(whole, at(-0.693359375), clamped)));
  const p = polynomial(k, r, [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]);
  const value = k.add(k.madd(p, k.mul(r, r), r), at(1));
  const scale = k.bitcast(k.shl(k.add(n, integers(k, x, 126)), 23), "f32");
  return k.mul(k.mul(value, scale), at(2));
});

/** 1 / (1 + e^-x) */
export const sigmoid: Expansion = single((k, x) => {
  const one = k.constant(x.type, 1);
  return k.div(one, k.add(one, expFast(k, k.neg(x))));
});

/** 2^n of whole n in [-252, 254] times a value, through two factors, so that results below 2^-126 come out right. */
export function scaleByPower(k: KernelBuilder, value: Term, n: Term): Term {
  const half = k.let("h", k.shrS(n, 1));
  const power = (m: Term): Term => k.bitcast(k.shl(k.add(m, integers(k, value, 127)), 23), "f32");
  return k.mul(k.mul(value, power(half)), power(k.sub(n, half)));
}
