import type { KernelBuilder, Term } from "../build.ts";
import { expDouble } from "./exp-double.ts";
import { logDouble } from "./log-double.ts";
import type { Expansion } from "./polynomial.ts";

/** 1 / (1 + e^-x) of f64 scalars. */
export const sigmoidDouble: Expansion = (k, x) => {
  const one = k.constant(x.type, 1);
  return k.div(one, k.add(one, expDouble(k, k.neg(x))));
};

/** log(1 + e^x) of f64 scalars, right on both sides of 0: max(x, 0) + log(1 + e^-|x|). */
export const softplusDouble: Expansion = (k, argument) => {
  const x = k.let("x", argument);
  const power = k.let("p", expDouble(k, k.neg(k.op("abs", x.type, [x]))));
  return k.add(k.pmax(x, k.constant(x.type, 0)), logOfMore(k, power));
};

/** log(1 + p), also of small p: the rounding of 1 + p is made good by the factor p / ((1 + p) - 1). */
function logOfMore(k: KernelBuilder, p: Term): Term {
  const one = k.constant(p.type, 1);
  const more = k.let("m", k.add(one, p));
  const log = k.let("l", logDouble(k, more));
  return k.select(k.compare("eq", more, one), p, k.mul(log, k.div(p, k.sub(more, one))));
}
