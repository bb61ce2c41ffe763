import type { ActivationName } from "../attr.ts";
import type { AnyOpDef } from "../op-def.ts";
import { clip, elu, gelu, hardSigmoid, hardSwish, leakyRelu, relu, sigmoid, silu, softplus } from "./activation.ts";
import { exp, tanh } from "./arithmetic.ts";

export interface Activation {
  readonly activation: ActivationName;
  readonly alpha: number;
  readonly beta: number;
}

/** y += residual. */
export function addResidual(y: Float64Array, residual: Float64Array | undefined): void {
  if (residual) for (let i = 0; i < y.length; i++) y[i]! += residual[i]!;
}

/** The activation of each element, unrounded. */
export function activate(y: Float64Array, { activation, alpha, beta }: Activation): Float64Array {
  if (activation === "none") return y;
  const [def, attrs] = spelledOut(activation, alpha, beta);
  const type = { dtype: "f64", shape: [y.length] } as const;
  return def.evaluate({ x: y }, attrs, [type], { x: type })[0] as Float64Array;
}

/** The op that a word of `activationAttrs` stands for. */
function spelledOut(activation: Exclude<ActivationName, "none">, alpha: number, beta: number): readonly [AnyOpDef, Readonly<Record<string, unknown>>] {
  switch (activation) {
    case "relu":
      return [relu, {}];
    case "clip":
      return [clip, { low: alpha, high: beta }];
    case "leakyRelu":
      return [leakyRelu, { alpha }];
    case "gelu":
      return [gelu, { approximate: "none" }];
    case "geluTanh":
      return [gelu, { approximate: "tanh" }];
    case "silu":
      return [silu, {}];
    case "hardSwish":
      return [hardSwish, {}];
    case "hardSigmoid":
      return [hardSigmoid, { alpha, beta }];
    case "sigmoid":
      return [sigmoid, {}];
    case "tanh":
      return [tanh, {}];
    case "elu":
      return [elu, { alpha }];
    case "exp":
      return [exp, {}];
    case "softplus":
      return [softplus, {}];
  }
}
