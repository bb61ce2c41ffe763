import type { KernelBuilder, Term } from "../build.ts";
import { integers, polynomial, single, withSign, type Expansion } from "./polynomial.ts";

/** sine and cosine of x - quadrant * π/2, which lies in [-π/4, π/4]. */
interface Reduced {
  readonly quadrant: Term;
  readonly sin: Term;
  readonly cos: Term;
}

/** π/2 in parts of eight bits, whose products with a quadrant below 2^16 are exact, and the rest. */
const HALF_PI = [1.5703125, 4.825592041015625e-4, 1.2665987014770508e-6, 9.92093629470503e-10];

/** Good for |x| < 1e5. Beyond, results are arbitrary in [-1, 1]; of infinities NaN. */
function reduce(k: KernelBuilder, x: Term): Reduced {
  const at = (value: number): Term => k.constant(x.type, value);
  const quadrant = k.let("j", k.roundToInt(k.pmin(k.pmax(k.mul(x, at(2 / Math.PI)), at(-4e6)), at(4e6))));
  const whole = k.let("w", k.toFloat(quadrant));
  const rest = HALF_PI.reduce((sum, part) => k.madd(whole, at(-part), sum), x);
  const r = k.let("r", k.add(k.pmin(k.pmax(rest, at(-0.8)), at(0.8)), k.sub(x, x)));
  const z = k.let("z", k.mul(r, r));
  const sin = k.madd(k.mul(polynomial(k, z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]), z), r, r);
  const cos = k.add(k.madd(k.mul(polynomial(k, z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]), z), z, k.mul(z, at(-0.5))), at(1));
  return { quadrant, sin: k.let("s", sin), cos: k.let("c", cos) };
}

function isOdd(k: KernelBuilder, quadrant: Term): Term {
  return k.compare("ne", k.and(quadrant, integers(k, quadrant, 1)), integers(k, quadrant, 0));
}

/** Changes the sign where bit 1 of the quadrant is set. */
function signed(k: KernelBuilder, value: Term, quadrant: Term): Term {
  const bit = k.shl(k.and(quadrant, integers(k, quadrant, 2)), 30);
  return k.bitcast(k.xor(k.bitcast(value, "i32"), bit), "f32");
}

/** Within 1.5e-7 for |x| < 1e5. */
export const sin: Expansion = single((k, x) => {
  const reduced = reduce(k, x);
  return signed(k, k.select(isOdd(k, reduced.quadrant), reduced.cos, reduced.sin), reduced.quadrant);
});

/** Within 1.5e-7 for |x| < 1e5. */
export const cos: Expansion = single((k, x) => {
  const reduced = reduce(k, x);
  const value = k.select(isOdd(k, reduced.quadrant), reduced.sin, reduced.cos);
  return signed(k, value, k.add(reduced.quadrant, integers(k, reduced.quadrant, 1)));
});

/** Within a few roundings of its value for |x| < 1e5. */
export const tan: Expansion = single((k, x) => {
  const { quadrant, sin: s, cos: c } = reduce(k, x);
  const odd = k.let("o", isOdd(k, quadrant));
  return k.div(k.select(odd, k.neg(c), s), k.select(odd, s, c));
});

/** asin(y) for y in [0, 1/2]. */
function asinNear0(k: KernelBuilder, y: Term, z: Term): Term {
  return k.madd(k.mul(polynomial(k, z, [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1]), z), y, y);
}

/** asin(|x|) where |x| is not `far`, else asin(sqrt((1 - |x|)/2)); NaN beyond 1. */
function asinParts(k: KernelBuilder, x: Term): { readonly far: Term; readonly value: Term } {
  const at = (value: number): Term => k.constant(x.type, value);
  const a = k.let("a", k.abs(x));
  const far = k.let("m", k.compare("gt", a, at(0.5)));
  const z = k.let("z", k.select(far, k.mul(k.sub(at(1), a), at(0.5)), k.mul(a, a)));
  const y = k.let("y", k.select(far, k.sqrt(z), a));
  return { far, value: k.let("p", asinNear0(k, y, z)) };
}

/** Within 2e-7; NaN beyond 1. */
export const asin: Expansion = single((k, x) => {
  const { far, value } = asinParts(k, x);
  return withSign(k, k.select(far, k.madd(value, k.constant(x.type, -2), k.constant(x.type, Math.PI / 2)), value), x);
});

/** Within 3e-7; NaN beyond 1. */
export const acos: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const { far, value } = asinParts(k, x);
  const negative = k.let("n", k.compare("lt", x, at(0)));
  const twice = k.let("p", k.add(value, value));
  const outer = k.select(negative, k.sub(at(Math.PI), twice), twice);
  return k.select(far, outer, k.sub(at(Math.PI / 2), withSign(k, value, x)));
});

/** Within 2e-7. */
export const atan: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const a = k.let("a", k.abs(x));
  const far = k.let("m", k.compare("gt", a, at(2.414213562373095)));
  const middle = k.let("m", k.compare("gt", a, at(0.4142135623730951)));
  const above = k.select(far, at(-1), k.select(middle, k.sub(a, at(1)), a));
  const below = k.select(far, a, k.select(middle, k.add(a, at(1)), at(1)));
  const t = k.let("t", k.div(above, below));
  const z = k.let("z", k.mul(t, t));
  const start = k.select(far, at(Math.PI / 2), k.select(middle, at(Math.PI / 4), at(0)));
  const p = k.madd(k.mul(polynomial(k, z, [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1]), z), t, t);
  return withSign(k, k.add(start, p), x);
});
