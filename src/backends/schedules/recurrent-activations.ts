import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { expFast, sigmoid, softplus, tanhFast } from "../../kernel/expand.ts";
import { InternalError } from "../../support/errors.ts";

export type CellFunction = (b: KernelBuilder, x: Term) => Term;

type Formula = (b: KernelBuilder, x: Term, alpha: Term, beta: Term) => Term;

const zero = (b: KernelBuilder, x: Term): Term => b.constant(x.type, 0);
const one = (b: KernelBuilder, x: Term): Term => b.constant(x.type, 1);

/** ONNX RNN-22's activations in lower case, and the numbers they take unless told otherwise. */
const FORMULAS: Readonly<Record<string, { readonly f: Formula; readonly alpha?: number; readonly beta?: number }>> = {
  relu: { f: (b, x) => b.pmax(x, zero(b, x)) },
  tanh: { f: (b, x) => tanhFast(b, x) },
  sigmoid: { f: (b, x) => sigmoid(b, x) },
  affine: { f: (b, x, alpha, beta) => b.madd(x, alpha, beta), alpha: 1, beta: 0 },
  leakyrelu: { f: (b, x, alpha) => b.select(b.compare("ge", x, zero(b, x)), x, b.mul(x, alpha)), alpha: 0.01 },
  thresholdedrelu: { f: (b, x, alpha) => b.select(b.compare("gt", x, alpha), x, zero(b, x)), alpha: 1 },
  scaledtanh: { f: (b, x, alpha, beta) => b.mul(alpha, tanhFast(b, b.let("x", b.mul(beta, x)))), alpha: 1, beta: 1 },
  hardsigmoid: { f: (b, x, alpha, beta) => b.pmin(b.pmax(b.madd(x, alpha, beta), zero(b, x)), one(b, x)), alpha: 0.2, beta: 0.5 },
  elu: { f: (b, x, alpha) => b.select(b.compare("ge", x, zero(b, x)), x, b.mul(alpha, b.sub(expFast(b, x), one(b, x)))), alpha: 1 },
  softsign: { f: (b, x) => b.div(x, b.add(one(b, x), b.op("abs", x.type, [x]))) },
  softplus: { f: (b, x) => softplus(b, x) },
};

/** `clip` > 0: the operand is cut to -clip … clip first. */
export function cellFunction(name: string, alpha: number | undefined, beta: number | undefined, clip: number): CellFunction {
  const record = FORMULAS[name];
  if (!record) throw new InternalError("cellFunction", `no activation ${name}`);
  return (b, x) => {
    const c = (value: number): Term => b.constant(x.type, value);
    const operand = b.let("x", clip > 0 ? b.pmin(b.pmax(x, c(-clip)), c(clip)) : x);
    return b.let("f", record.f(b, operand, c(alpha ?? record.alpha ?? 0), c(beta ?? record.beta ?? 0)));
  };
}
