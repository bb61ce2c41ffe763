import type { ActivationName } from "../../ir/attr.ts";
import type { Op } from "../../ir/graph.ts";
import { lanesOfType, type KernelBuilder, type Term } from "../../kernel/build.ts";
import { InternalError } from "../../support/errors.ts";

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
    case "none": return x;
    case "relu": return b.pmax(x, c(0));
    case "clip": return clip(b, x, alpha, beta);
    case "leakyRelu": return b.select(b.compare("lt", x, c(0)), b.mul(x, c(alpha)), x);
    case "hardSigmoid": return clip(b, b.madd(x, c(alpha), c(beta)), 0, 1);
    case "hardSwish": return b.mul(x, clip(b, b.madd(x, c(1 / 6), c(0.5)), 0, 1));
    default: throw new InternalError("epilogue", `no expansion of ${name} over ${lanesOfType(x.type)} lanes`);
  }
}

function clip(b: KernelBuilder, x: Term, low: number, high: number): Term {
  const above = low === -Infinity ? x : b.pmax(x, b.constant(x.type, low));
  return high === Infinity ? above : b.pmin(above, b.constant(x.type, high));
}
