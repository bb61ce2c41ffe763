import type { KernelBuilder, Term } from "../../kernel/build.ts";
import {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  cos,
  cosh,
  erfFast,
  expFast,
  gelu,
  geluTanh,
  logFast,
  pow,
  sigmoid,
  sin,
  sinh,
  softplus,
  tan,
  tanhFast,
  type Expansion,
} from "../../kernel/expand.ts";
import { expDouble, logDouble, sigmoidDouble, softplusDouble } from "../../kernel/expand-double.ts";
import type { ElementwiseOp, Expression, Use } from "./expression.ts";

/** Ops on float registers, f32 in vectors or f64. */

type Unary = (b: KernelBuilder, x: Term, attrs: Use["attrs"]) => Term;

const light = (f: Unary): ElementwiseOp => ({ emit: ({ b, args, attrs }) => f(b, args[0]!, attrs) });
const heavy = (f: Unary): ElementwiseOp => ({ ...light(f), heavy: true });
const expansion = (f: Expansion, double = f): ElementwiseOp => heavy((b, x) => ("elem" in x.type && x.type.elem === "f64" ? double : f)(b, x));
const instruction = (op: "neg" | "abs" | "floor" | "ceil" | "nearest" | "sqrt"): ElementwiseOp => light((b, x) => b.op(op, x.type, [x]));

const like =
  (b: KernelBuilder, x: Term) =>
  (value: number): Term =>
    b.constant(x.type, value);

function clipped(b: KernelBuilder, x: Term, low: number, high: number): Term {
  const raised = low === -Infinity ? x : b.pmax(x, b.constant(x.type, low));
  return high === Infinity ? raised : b.pmin(raised, b.constant(x.type, high));
}

/** NaN where one of both is. */
const extreme =
  (op: "pmin" | "pmax"): Expression =>
  ({ b, args: [a, d], type }) => {
    const chosen = b.op(op, type, [a!, d!]);
    return d!.expr.kind === "const" ? chosen : b.select(b.compare("ne", d!, d!), d!, chosen);
  };

/** In f64, so that the quotient is right and what is taken away is exact. Scalars only. */
const remainder: Expression = ({ b, args, attrs, type }) => {
  const [a, d] = args.map((x) => asDouble(b, x)) as [Term, Term];
  const whole = b.op(attrs["fmod"] === true ? "trunc" : "floor", a.type, [b.div(a, d)]);
  const rest = b.let("r", b.sub(a, b.mul(whole, d)));
  return sameElem(rest, type) ? rest : b.op("convert", type, [rest]);
};

function asDouble(b: KernelBuilder, x: Term): Term {
  return sameElem(x, { elem: "f64", lanes: 1 }) ? x : b.let("d", b.op("convert", { elem: "f64", lanes: 1 }, [x]));
}

function sameElem(x: Term, type: Use["type"]): boolean {
  return "elem" in x.type && "elem" in type && x.type.elem === type.elem;
}

const elu: Unary = (b, x, attrs) => {
  const c = like(b, x);
  const grown = b.mul(c(attrs["alpha"] as number), expm1(b, x));
  return b.select(b.compare("lt", x, c(0)), grown, x);
};

/** e^x - 1 for x <= 0. Near 0 the rounding of e^x is made good by the factor x / log(e^x). */
function expm1(b: KernelBuilder, x: Term): Term {
  const c = like(b, x);
  const power = b.let("e", expFast(b, x));
  const less = b.let("e", b.sub(power, c(1)));
  const corrected = b.let("e", b.mul(less, b.div(x, logFast(b, power))));
  const near = b.select(b.compare("eq", power, c(1)), x, corrected);
  return b.select(b.compare("gt", power, c(0.5)), near, less);
}

const sign: Unary = (b, x) => {
  const c = like(b, x);
  return b.select(b.compare("gt", x, c(0)), c(1), b.select(b.compare("lt", x, c(0)), c(-1), x));
};

/** Small whole powers are products, 0.5 the root; -0 and -infinity are what tells the root from x^0.5. */
const power: Expression = ({ b, args: [x, y] }) => {
  const exponent = y!.expr.kind === "const" ? Number(y!.expr.value) : NaN;
  const square = (): Term => b.let("s", b.mul(x!, x!));
  switch (exponent) {
    case 1:
      return x!;
    case 2:
      return b.mul(x!, x!);
    case 3:
      return b.mul(square(), x!);
    case 4: {
      const s = square();
      return b.mul(s, s);
    }
    case -1:
      return b.div(like(b, x!)(1), x!);
    case -2:
      return b.div(like(b, x!)(1), square());
    case 0.5: {
      const root = b.op("sqrt", x!.type, [b.add(x!, like(b, x!)(0))]);
      return b.select(b.compare("eq", x!, like(b, x!)(-Infinity)), like(b, x!)(Infinity), root);
    }
    default:
      return pow(b, x!, y!);
  }
};

export const FLOAT_OPS: Readonly<Record<string, ElementwiseOp>> = {
  neg: instruction("neg"),
  abs: instruction("abs"),
  floor: instruction("floor"),
  ceil: instruction("ceil"),
  round: instruction("nearest"),
  sqrt: instruction("sqrt"),
  sign: light(sign),
  reciprocal: light((b, x) => b.div(like(b, x)(1), x)),
  exp: expansion(expFast, expDouble),
  log: expansion(logFast, logDouble),
  sin: expansion(sin),
  cos: expansion(cos),
  tan: expansion(tan),
  asin: expansion(asin),
  acos: expansion(acos),
  atan: expansion(atan),
  sinh: expansion(sinh),
  cosh: expansion(cosh),
  asinh: expansion(asinh),
  acosh: expansion(acosh),
  atanh: expansion(atanh),
  tanh: expansion(tanhFast),
  erf: expansion(erfFast),
  sigmoid: expansion(sigmoid, sigmoidDouble),
  softplus: expansion(softplus, softplusDouble),
  relu: light((b, x) => b.pmax(x, like(b, x)(0))),
  clip: light((b, x, attrs) => clipped(b, x, attrs["low"] as number, attrs["high"] as number)),
  leakyRelu: light((b, x, attrs) => b.select(b.compare("lt", x, like(b, x)(0)), b.mul(x, like(b, x)(attrs["alpha"] as number)), x)),
  hardSigmoid: light((b, x, attrs) => clipped(b, b.madd(x, like(b, x)(attrs["alpha"] as number), like(b, x)(attrs["beta"] as number)), 0, 1)),
  hardSwish: light((b, x) => b.mul(x, clipped(b, b.madd(x, like(b, x)(1 / 6), like(b, x)(0.5)), 0, 1))),
  softsign: light((b, x) => b.div(x, b.add(like(b, x)(1), b.op("abs", x.type, [x])))),
  silu: heavy((b, x) => b.mul(x, sigmoid(b, x))),
  mish: heavy((b, x) => b.mul(x, tanhFast(b, softplus(b, x)))),
  elu: heavy(elu),
  gelu: heavy((b, x, attrs) => (attrs["approximate"] === "tanh" ? geluTanh(b, x) : gelu(b, x))),
  add: { emit: ({ b, args }) => b.add(args[0]!, args[1]!) },
  sub: { emit: ({ b, args }) => b.sub(args[0]!, args[1]!) },
  mul: { emit: ({ b, args }) => b.mul(args[0]!, args[1]!) },
  div: { emit: ({ b, args }) => b.div(args[0]!, args[1]!) },
  pow: { emit: power, heavy: true },
  min: { emit: extreme("pmin") },
  max: { emit: extreme("pmax") },
  mod: { emit: remainder, scalarOnly: () => true },
  prelu: { emit: ({ b, args: [x, slope] }) => b.select(b.compare("lt", x!, like(b, x!)(0)), b.mul(x!, slope!), x!) },
};
