import type { Term } from "../build.ts";
import type { Expansion } from "./polynomial.ts";

const [LN2_HIGH, LN2_LOW] = [0.6931471803691238, 1.9082149292705877e-10];
const SQRT_HALF_BITS = 0x3fe6a09e667f3bcdn;

/** Of log(1 + f) as a series in (f / (2 + f))^2, even and odd terms apart, after fdlibm. */
const EVEN = [0.15313837699209373, 0.22222198432149784, 0.3999999999940942];
const ODD = [0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735];

/** Natural logarithm of f64 scalars, within an ulp of its value, of subnormal ones too; -infinity of 0, NaN below 0. */
export const logDouble: Expansion = (k, argument) => {
  const x = k.let("x", argument);
  const at = (value: number): Term => k.constant(x.type, value);
  const isTiny = k.let("t", k.compare("lt", x, at(2 ** -1022)));
  const bits = k.let("b", k.bitcast(k.select(isTiny, k.mul(x, at(2 ** 54)), x), "i64"));
  const e = k.let("e", k.shrS(k.sub(bits, k.constant(bits.type, SQRT_HALF_BITS)), 52));
  const f = k.let("f", k.sub(k.bitcast(k.sub(bits, k.shl(e, 52)), "f64"), at(1)));
  const n = k.let("n", k.sub(k.convert(e, "f64"), k.select(isTiny, at(54), at(0))));
  const s = k.let("s", k.div(f, k.add(at(2), f)));
  const z = k.let("z", k.mul(s, s));
  const w = k.let("w", k.mul(z, z));
  const series = ([first, ...rest]: readonly number[]): Term => rest.reduce((so, c) => k.add(k.mul(so, w), at(c)), at(first!));
  const sum = k.let("r", k.add(k.mul(z, series(ODD)), k.mul(w, series(EVEN))));
  const half = k.let("q", k.mul(k.mul(f, f), at(0.5)));
  const small = k.add(k.mul(s, k.add(half, sum)), k.mul(n, at(LN2_LOW)));
  const value = k.sub(k.mul(n, at(LN2_HIGH)), k.sub(k.sub(half, small), f));
  const isRegular = k.and(k.compare("gt", x, at(0)), k.compare("lt", x, at(Infinity)));
  const special = k.select(k.compare("eq", x, at(0)), at(-Infinity), k.select(k.compare("gt", x, at(0)), x, at(NaN)));
  return k.select(isRegular, value, special);
};
