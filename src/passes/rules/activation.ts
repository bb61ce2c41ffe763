import { clip, gelu, hardSigmoid, hardSwish, sigmoid, silu, softplus, mish } from "../../ir/ops/activation.ts";
import { add, div, erf, exp, log, mul, tanh } from "../../ir/ops/arithmetic.ts";
import type { Value } from "../../ir/graph.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { equalTypes } from "../../ir/types.ts";
import { uniform } from "../constants.ts";
import { constantOf, op, rule, value, type Match, type OpPattern, type Rule } from "../pattern.ts";

const x = value();
const [c, d, e] = [constantOf(), constantOf(), constantOf()];

function near(tensor: Tensor, wanted: number): boolean {
  const got = uniform(tensor);
  return (
    got !== undefined &&
    Math.abs(got - wanted) <= 1e-3 * Math.abs(wanted) &&
    Math.abs(got - wanted) <= 1e-6 + 1e-6 * Math.abs(wanted) * (wanted === Math.fround(wanted) ? 1 : 1e2)
  );
}

/** A unary op of x, unless a constant broadcast it. */
function unary(m: Match, root: OpPattern, make: () => Value): Value | undefined {
  return equalTypes(m.get(x).type, m.value(root).type) ? make() : undefined;
}

// erf(x / sqrt(2)), written as a division or as a product
const scaledByDiv = op(erf, { x: op(div, { a: x, b: c }) });
const scaledByMul = op(erf, { x: op(mul, { a: x, b: c }) });

/** The three groupings exporters write x * 0.5 * (1 + erf(x/√2)) in. */
function geluForms(inner: OpPattern): readonly OpPattern[] {
  const onePlus = op(add, { a: inner, b: d });
  return [
    op(mul, { a: op(mul, { a: x, b: onePlus }), b: e }),
    op(mul, { a: op(mul, { a: x, b: e }), b: onePlus }),
    op(mul, { a: x, b: op(mul, { a: onePlus, b: e }) }),
  ];
}

function geluRules(inner: OpPattern, factor: number, name: string): Rule[] {
  return geluForms(inner).map((root, i) =>
    rule(`gelu-${name}-${i}`, root, (m, b) =>
      near(m.get(c), factor) && near(m.get(d), 1) && near(m.get(e), 0.5) ? unary(m, root, () => b.create(gelu, { x: m.get(x) })) : undefined,
    ),
  );
}

const gate = op(sigmoid, { x });
const hardGate = op(hardSigmoid, { x });
const swish = op(mul, { a: x, b: gate });
const hard = op(mul, { a: x, b: hardGate });
const clipped = op(clip, { x: op(add, { a: x, b: c }) });
const hardBelow = op(div, { a: op(mul, { a: x, b: clipped }), b: d });
const hardTimes = op(mul, { a: op(mul, { a: x, b: clipped }), b: d });
const hardGateDiv = op(div, { a: clipped, b: d });
const hardGateMul = op(mul, { a: clipped, b: d });
const softened = op(log, { x: op(add, { a: op(exp, { x }), b: c }) });
const mished = op(mul, { a: x, b: op(tanh, { x: op(softplus, { x }) }) });

function isSix(m: Match): boolean {
  const { low, high } = m.get(clipped).attrs;
  return near(m.get(c), 3) && low === 0 && high === 6;
}

export const activationRules: readonly Rule[] = [
  ...geluRules(scaledByDiv, Math.SQRT2, "div"),
  ...geluRules(scaledByMul, Math.SQRT1_2, "mul"),
  // x * sigmoid(x) == silu(x)
  rule("silu", swish, (m, b) => b.create(silu, { x: m.get(x) })),
  // x * hardSigmoid(x, 1/6, 1/2) == hardSwish(x)
  rule("hard-swish", hard, (m, b) => {
    const { alpha, beta } = m.get(hardGate).attrs;
    return Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5 ? b.create(hardSwish, { x: m.get(x) }) : undefined;
  }),
  // x * clip(x + 3, 0, 6) / 6 == hardSwish(x)
  rule("hard-swish-div", hardBelow, (m, b) => (isSix(m) && near(m.get(d), 6) ? unary(m, hardBelow, () => b.create(hardSwish, { x: m.get(x) })) : undefined)),
  rule("hard-swish-mul", hardTimes, (m, b) =>
    isSix(m) && near(m.get(d), 1 / 6) ? unary(m, hardTimes, () => b.create(hardSwish, { x: m.get(x) })) : undefined,
  ),
  // clip(x + 3, 0, 6) / 6 == hardSigmoid(x, 1/6, 1/2)
  rule("hard-sigmoid-div", hardGateDiv, (m, b) =>
    isSix(m) && near(m.get(d), 6) ? unary(m, hardGateDiv, () => b.create(hardSigmoid, { x: m.get(x) }, { alpha: 1 / 6, beta: 0.5 })) : undefined,
  ),
  rule("hard-sigmoid-mul", hardGateMul, (m, b) =>
    isSix(m) && near(m.get(d), 1 / 6) ? unary(m, hardGateMul, () => b.create(hardSigmoid, { x: m.get(x) }, { alpha: 1 / 6, beta: 0.5 })) : undefined,
  ),
  // log(exp(x) + 1) == softplus(x)
  rule("softplus", softened, (m, b) => (near(m.get(c), 1) ? unary(m, softened, () => b.create(softplus, { x: m.get(x) })) : undefined)),
  // x * tanh(softplus(x)) == mish(x)
  rule("mish", mished, (m, b) => b.create(mish, { x: m.get(x) })),
];
