import type { KernelBuilder, Term } from "../build.ts";
import { expFast } from "./exp.ts";
import { log1pFast } from "./log.ts";
import { polynomial, single, withSign, type Expansion } from "./polynomial.ts";

/** Within 4e-7; exactly 1 beyond 9. A rational function of x, scaled so that tiny x stay exact. */
export const tanhFast: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const size = k.let("a", k.abs(x));
  const a = k.let("a", k.pmin(size, at(9)));
  const z = k.let("z", k.mul(a, a));
  const value = k.pmin(k.div(k.mul(a, polynomial(k, z, TANH_ABOVE)), polynomial(k, z, TANH_BELOW)), at(1));
  return withSign(k, k.select(k.compare("ge", size, at(9)), at(1), value), x);
});

const TANH_SCALE = 4.89352518554385e-3;
const TANH_ABOVE = [
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5, 6.37261928875436e-4, 4.89352455891786e-3,
].map((c) => c / TANH_SCALE);
const TANH_BELOW = [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3].map((c) => c / TANH_SCALE);

/** `inner` is erf(|x|) where |x| is not `far`, `tail` is 1 - erf(|x|) where it is. After N. Juffa. */
function erfParts(k: KernelBuilder, x: Term): { readonly far: Term; readonly inner: Term; readonly tail: Term } {
  const at = (value: number): Term => k.constant(x.type, value);
  const size = k.let("a", k.abs(x));
  const a = k.let("a", k.pmin(size, at(10)));
  const inner = k.madd(polynomial(k, k.let("z", k.mul(a, a)), ERF_NEAR), a, a);
  const tail = expFast(k, k.madd(polynomial(k, a, ERF_FAR), a, k.neg(a)));
  return { far: k.compare("gt", size, at(0.927734375)), inner, tail };
}

const ERF_NEAR = [-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1];
const ERF_FAR = [-1.7285347e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1, -6.34846687e-1, -1.28717512e-1];

/** Within 2e-7. */
export const erfFast: Expansion = single((k, x) => {
  const { far, inner, tail } = erfParts(k, x);
  return withSign(k, k.select(far, k.sub(k.constant(x.type, 1), tail), inner), x);
});

/** x * Φ(x). Negative tails come from 1 - erf itself, so they do not cancel. */
export const gelu: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const { far, inner, tail } = erfParts(k, k.let("u", k.mul(x, at(Math.SQRT1_2))));
  const rest = k.let("q", k.mul(k.select(far, tail, k.sub(at(1), inner)), at(0.5)));
  return k.mul(x, k.select(k.compare("lt", x, at(0)), rest, k.sub(at(1), rest)));
});

/** The approximation of gelu by tanh: x * sigmoid(2u). */
export const geluTanh: Expansion = single((k, x) => {
  const at = (value: number): Term => k.constant(x.type, value);
  const inner = k.mul(k.mul(x, at(-2 * Math.sqrt(2 / Math.PI))), k.madd(k.mul(x, x), at(0.044715), at(1)));
  return k.div(x, k.add(at(1), expFast(k, inner)));
});

/** log(1 + e^x), in relative precision also for small results. */
export const softplus: Expansion = single((k, x) => {
  const small = log1pFast(k, expFast(k, k.neg(k.abs(x))));
  return k.add(k.pmax(x, k.constant(x.type, 0)), small);
});
