import type { ActivationName } from "../attr.ts";
import { errorFunction } from "./arithmetic.ts";

export interface Activation {
  readonly activation: ActivationName;
  readonly alpha: number;
  readonly beta: number;
}

/** y += residual. */
export function addResidual(y: Float64Array, residual: Float64Array | undefined): void {
  if (residual) for (let i = 0; i < y.length; i++) y[i]! += residual[i]!;
}

/** Applies the activation to each element in place. */
export function activate(y: Float64Array, { activation, alpha, beta }: Activation): Float64Array {
  if (activation === "none") return y;
  const f = ACTIVATION_MATH[activation];
  for (let i = 0; i < y.length; i++) y[i] = f(y[i]!, alpha, beta);
  return y;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The activations of `attr.ts` as functions of a number; `alpha` and `beta` where the word needs them. */
export const ACTIVATION_MATH: Readonly<Record<ActivationName, (x: number, alpha: number, beta: number) => number>> = {
  none: (x) => x,
  relu: (x) => (x < 0 ? 0 : x),
  clip: (x, low, high) => Math.min(Math.max(x, low), high),
  leakyRelu: (x, alpha) => (x < 0 ? alpha * x : x),
  gelu: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  silu: (x) => x * sigmoid(x),
  hardSwish: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
  hardSigmoid: (x, alpha, beta) => Math.min(Math.max(alpha * x + beta, 0), 1),
  sigmoid,
  tanh: Math.tanh,
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  exp: Math.exp,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};
