import type { KernelBuilder, Term } from "../build.ts";
import { integers, polynomial, single, type Expansion } from "./polynomial.ts";

/** x as m * 2^e, m in [sqrt(1/2), sqrt(2)), of positive finite x. */
export function splitExponent(k: KernelBuilder, x: Term): { readonly mantissa: Term; readonly exponent: Term } {
  const at = (value: number): Term => k.constant(x.type, value);
  const tiny = k.let("t", k.compare("lt", x, at(2 ** -126)));
  const bits = k.let("b", k.bitcast(k.select(tiny, k.mul(x, at(2 ** 24)), x), "i32"));
  const e = k.let("e", k.shrS(k.sub(bits, integers(k, x, SQRT_HALF_BITS)), 23));
  const mantissa = k.let("m", k.bitcast(k.sub(bits, k.shl(e, 23)), "f32"));
  const exponent = k.let("e", k.sub(k.toFloat(e), k.select(tiny, at(24), at(0))));
  return { mantissa, exponent };
}

const SQRT_HALF_BITS = 0x3f3504f3;

/** Natural logarithm within 2e-7 of its value; -infinity of 0, NaN below 0. Cephes' polynomial. */
export const logFast: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const { mantissa, exponent } = splitExponent(k, x);
  const f = k.let("f", k.sub(mantissa, at(1)));
  const z = k.let("z", k.mul(f, f));
  const p = polynomial(
    k,
    f,
    [7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1],
  );
  const y = k.madd(z, at(-0.5), k.madd(exponent, at(-2.1219444e-4), k.mul(k.mul(p, z), f)));
  const value = k.madd(exponent, at(0.693359375), k.add(f, y));
  const regular = k.and(k.compare("gt", x, at(0)), k.compare("lt", x, at(Infinity)));
  const special = k.select(k.compare("eq", x, at(0)), at(-Infinity), k.select(k.compare("gt", x, at(0)), x, at(NaN)));
  return k.select(regular, value, special);
});

/** log(1 + x), also near 0: the rounding of 1 + x is made good by the factor x / ((1 + x) - 1). */
export const log1pFast: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const u = k.let("u", k.add(at(1), x));
  const log = k.let("l", logFast(k, u));
  const added = k.let("d", k.sub(u, at(1)));
  const scaled = k.select(k.compare("lt", x, at(2 ** 23)), k.mul(log, k.div(x, added)), log);
  return k.select(k.compare("eq", added, at(0)), x, scaled);
});
