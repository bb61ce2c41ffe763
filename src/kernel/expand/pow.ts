import type { KernelBuilder, Term } from "../build.ts";
import { scaleByPower } from "./exp.ts";
import { splitExponent } from "./log.ts";
import { integers, isNaN, polynomial, single2 } from "./polynomial.ts";

/** A number as the sum of a head of 12 bits, whose products with other heads are exact, and a tail. */
interface Pair {
  readonly head: Term;
  readonly tail: Term;
}

function headOf(k: KernelBuilder, x: Term): Term {
  return k.let("h", k.bitcast(k.and(k.bitcast(x, "i32"), integers(k, x, -4096)), "f32"));
}

/** log2 of positive finite x to about 32 bits, after fdlibm's powf. */
function log2Pair(k: KernelBuilder, x: Term): Pair {
  const at = (value: number): Term => k.constant(x.type, value);
  const { mantissa: m, exponent } = splitExponent(k, x);
  const u = k.let("u", k.sub(m, at(1)));
  const v = k.let("v", k.div(at(1), k.add(m, at(1))));
  const s = k.let("s", k.mul(u, v));
  const sHead = headOf(k, s);
  const below = headOf(k, k.add(m, at(1)));
  const rest = k.sub(m, k.sub(below, at(1)));
  const sTail = k.let("s", k.mul(v, k.sub(k.sub(u, k.mul(sHead, below)), k.mul(sHead, rest))));
  const z = k.let("z", k.mul(s, s));
  const series = k.mul(k.mul(z, z), polynomial(k, z, [2.0697501302e-1, 2.3066075146e-1, 2.7272811532e-1, 3.3333334327e-1, 4.2857143283e-1, 6.0000002384e-1]));
  const r = k.let("r", k.add(series, k.mul(sTail, k.add(sHead, s))));
  const square = k.let("q", k.mul(sHead, sHead));
  const tHead = headOf(k, k.add(k.add(at(3), square), r));
  const tTail = k.let("t", k.sub(r, k.sub(k.sub(tHead, at(3)), square)));
  const big = k.let("u", k.mul(sHead, tHead));
  const small = k.let("v", k.add(k.mul(sTail, tHead), k.mul(tTail, s)));
  const pHead = headOf(k, k.add(big, small));
  const pTail = k.let("p", k.sub(small, k.sub(pHead, big)));
  const zHead = k.let("z", k.mul(at(CP_HEAD), pHead));
  const zTail = k.let("z", k.add(k.mul(at(CP_TAIL), pHead), k.mul(pTail, at(CP))));
  const head = headOf(k, k.add(k.add(zHead, zTail), exponent));
  return { head, tail: k.let("l", k.sub(zTail, k.sub(k.sub(head, exponent), zHead))) };
}

/** 2 / (3 ln 2) and its parts. */
const CP = 9.6179670095e-1;
const CP_HEAD = 9.619140625e-1;
const CP_TAIL = -1.1736857402e-4;

/** 2^(y * log2), infinite or 0 where that leaves f32. */
function exp2Product(k: KernelBuilder, y: Term, log2: Pair): Term {
  const at = (value: number): Term => k.constant(y.type, value);
  const bounded = k.let("y", k.pmin(k.pmax(y, at(-(2 ** 34))), at(2 ** 34)));
  const yHead = headOf(k, bounded);
  const low = k.let("l", k.add(k.mul(k.sub(bounded, yHead), log2.head), k.mul(bounded, log2.tail)));
  const high = k.let("p", k.mul(yHead, log2.head));
  const n = k.let("n", k.roundToInt(k.pmin(k.pmax(k.add(high, low), at(-152)), at(130))));
  const t = k.let("t", k.pmin(k.pmax(k.add(k.sub(high, k.toFloat(n)), low), at(-1)), at(1)));
  const value = polynomial(k, t, [1.5353362e-4, 1.3398874e-3, 9.6184373e-3, 5.5503324e-2, 2.4022648e-1, 6.931472e-1, 1]);
  return scaleByPower(k, value, n);
}

/** x^y within 1e-6 of its value, with the special cases of C's `pow`. */
export const pow = single2((k, x, y) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const [zero, one, infinity] = [at(0), at(1), at(Infinity)];
  const a = k.let("a", k.abs(x));
  const extreme = k.let("m", k.or(k.compare("eq", a, zero), k.compare("eq", a, infinity)));
  const core = exp2Product(k, y, log2Pair(k, k.let("b", k.select(extreme, one, a))));
  const vanishes = k.xor(k.compare("eq", a, infinity), k.compare("gt", y, zero));
  const size = k.let("r", k.select(extreme, k.select(vanishes, zero, infinity), core));
  const half = k.let("h", k.mul(y, at(0.5)));
  const isWhole = k.let("w", k.compare("eq", k.op("trunc", y.type, [y]), y));
  const isOdd = k.and(isWhole, k.compare("ne", k.op("trunc", y.type, [half]), half));
  const below = k.compare("lt", k.bitcast(x, "i32"), integers(k, x, 0));
  const signed = k.select(k.and(below, isOdd), k.neg(size), size);
  const undefinedRoot = k.and(k.and(k.compare("lt", x, zero), k.compare("lt", a, infinity)), k.not(isWhole));
  const value = k.select(k.or(k.or(undefinedRoot, isNaN(k, x)), isNaN(k, y)), at(NaN), signed);
  return k.select(k.or(k.compare("eq", y, zero), k.compare("eq", x, one)), one, value);
});
