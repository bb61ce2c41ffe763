import type { ActivationName } from "../../ir/attr.ts";
import { clip, elu, gelu, hardSigmoid, hardSwish, leakyRelu, relu, sigmoid, silu } from "../../ir/ops/activation.ts";
import { add, tanh } from "../../ir/ops/arithmetic.ts";
import { conv } from "../../ir/ops/convolution.ts";
import { linear } from "../../ir/ops/linear.ts";
import type { AnyOpDef } from "../../ir/op-def.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { equalTypes, isFloat } from "../../ir/types.ts";
import { onlyUse, op, rule, value, type Rule } from "../pattern.ts";

type Fused = { readonly activation: ActivationName; readonly alpha?: number; readonly beta?: number };

/** How each activation is written as an attribute of the op in front of it. */
const ACTIVATIONS: readonly (readonly [AnyOpDef, (attrs: Readonly<Record<string, unknown>>) => Fused])[] = [
  [relu, () => ({ activation: "relu" })],
  [clip, (a) => ({ activation: "clip", alpha: a["low"] as number, beta: a["high"] as number })],
  [leakyRelu, (a) => ({ activation: "leakyRelu", alpha: a["alpha"] as number })],
  [elu, (a) => ({ activation: "elu", alpha: a["alpha"] as number })],
  [gelu, (a) => ({ activation: a["approximate"] === "tanh" ? "geluTanh" : "gelu" })],
  [silu, () => ({ activation: "silu" })],
  [hardSwish, () => ({ activation: "hardSwish" })],
  [hardSigmoid, (a) => ({ activation: "hardSigmoid", alpha: a["alpha"] as number, beta: a["beta"] as number })],
  [sigmoid, () => ({ activation: "sigmoid" })],
  [tanh, () => ({ activation: "tanh" })],
];

const x = value();
const other = value();

/** Ops with an epilogue: y = act(sum + bias + residual). */
function epilogueRules(def: typeof conv | typeof linear): Rule[] {
  const root = op(def as typeof conv, { x });
  const sum = op(add, { a: onlyUse(root), b: other });
  const withAttrs = (at: Op, attrs: object): object => ({ ...at.attrs, ...attrs });
  const operandsOf = (at: Op): { x: Value; w: Value; bias: Value | undefined; residual: Value | undefined } => ({
    x: at.operand("x")!,
    w: at.operand("w")!,
    bias: at.operand("bias"),
    residual: at.operand("residual"),
  });
  return [
    // add(conv(x), r) == conv(x, residual r)
    rule(`residual-into-${def.name}`, sum, (m, b) => {
      const at = m.get(root);
      const open = at.attrs.activation === "none" && !at.operand("residual") && isFloat(at.result.type.dtype);
      const fits = equalTypes(m.get(other).type, at.result.type) && m.get(other).producer !== at;
      return open && fits ? b.create(def as typeof conv, { ...operandsOf(at), residual: m.get(other) }, at.attrs) : undefined;
    }),
    // act(conv(x)) == conv(x) with that activation
    ...ACTIVATIONS.map(([activation, attrsOf]) => {
      const outer = op(activation, { x: onlyUse(root) } as never);
      return rule(`${activation.name}-into-${def.name}`, outer, (m, b) => {
        const at = m.get(root);
        const open = at.attrs.activation === "none" && isFloat(at.result.type.dtype);
        return open ? b.create(def as typeof conv, operandsOf(at), withAttrs(at, attrsOf(m.get(outer).attrs as never)) as never) : undefined;
      });
    }),
  ];
}

export const epilogueFusionRules: readonly Rule[] = [...epilogueRules(conv), ...epilogueRules(linear)];
