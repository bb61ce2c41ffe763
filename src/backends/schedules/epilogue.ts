import type { ActivationName } from "../../ir/attr.ts";
import type { Op } from "../../ir/graph.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { expFast, geluTanh, sigmoid, softplus, tanhFast } from "../../kernel/expand.ts";
import { geluEpilogue } from "./gelu-epilogue.ts";

/** An activation behind a dense op, with its bounds or slope. */
export interface Activation {
  readonly name: ActivationName;
  readonly alpha: number;
  readonly beta: number;
}

export const NO_ACTIVATION: Activation = { name: "none", alpha: 0, beta: 0 };

export function activationOf(op: Op): Activation {
  return { name: (op.attrs["activation"] ?? "none") as ActivationName, alpha: (op.attrs["alpha"] ?? 0) as number, beta: (op.attrs["beta"] ?? 0) as number };
}

/** Cheap enough, in registers, to be applied to accumulators on their way to memory. */
export function isLight(activation: Activation): boolean {
  return ["none", "relu", "clip", "leakyRelu", "hardSigmoid", "hardSwish"].includes(activation.name);
}

/** act(x). Heavy ones are expanded into many operations: use them in loops that keep little else alive. */
export function applyActivation(b: KernelBuilder, x: Term, activation: Activation): Term {
  const c = (value: number): Term => b.constant(x.type, value);
  const { name, alpha, beta } = activation;
  switch (name) {
    case "none":
      return x;
    case "relu":
      return b.pmax(x, c(0));
    case "clip":
      return clip(b, x, alpha, beta);
    case "leakyRelu":
      return b.select(b.compare("lt", x, c(0)), b.mul(x, c(alpha)), x);
    case "hardSigmoid":
      return clip(b, b.madd(x, c(alpha), c(beta)), 0, 1);
    case "hardSwish":
      return b.mul(x, clip(b, b.madd(x, c(1 / 6), c(0.5)), 0, 1));
    case "gelu":
      return geluEpilogue(b, x);
    case "geluTanh":
      return geluTanh(b, x);
    case "silu":
      return b.div(x, b.add(c(1), expFast(b, b.op("neg", x.type, [x]))));
    case "sigmoid":
      return sigmoid(b, x);
    case "tanh":
      return tanhFast(b, x);
    case "elu":
      return b.select(b.compare("lt", x, c(0)), b.mul(b.sub(expFast(b, x), c(1)), c(alpha)), x);
    case "exp":
      return expFast(b, x);
    case "softplus":
      return softplus(b, x);
  }
}

function clip(b: KernelBuilder, x: Term, low: number, high: number): Term {
  const above = low === -Infinity ? x : b.pmax(x, b.constant(x.type, low));
  return high === Infinity ? above : b.pmin(above, b.constant(x.type, high));
}
