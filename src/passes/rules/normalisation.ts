import { add, div, exp, mul, pow, sqrt, sub, reciprocal } from "../../ir/ops/arithmetic.ts";
import { layerNorm, rmsNorm, softmax } from "../../ir/ops/normalisation.ts";
import { reduce } from "../../ir/ops/reduction.ts";
import type { Op, Value } from "../../ir/graph.ts";
import type { Builder } from "../../ir/builder.ts";
import { tensor } from "../../ir/tensor.ts";
import { equalTypes } from "../../ir/types.ts";
import { isUniform, makeConstant, perChannel, uniform } from "../constants.ts";
import { constantOf, op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const [eps, two, c] = [constantOf(), constantOf(), constantOf()];

/** The one axis a keep-dims reduction of `kind` runs over, if it is the last. */
function overLast(at: Op, kind: string): boolean {
  const rank = at.operand("x")!.type.shape.length;
  const axes = (at.attrs["axes"] as readonly number[]).map((axis) => (axis < 0 ? axis + rank : axis));
  return at.attrs["kind"] === kind && at.attrs["keepDims"] === true && axes.length === 1 && axes[0] === rank - 1;
}

// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps)
const mean = op(reduce, { x });
const centred = op(sub, { a: x, b: mean });
const squares = [op(mul, { a: centred, b: centred }), op(pow, { a: centred, b: two })];
const normed = squares.map((square) => {
  const variance = op(reduce, { x: square });
  return { square, variance, root: op(div, { a: centred, b: op(sqrt, { x: op(add, { a: variance, b: eps }) }) }) };
});

const plainNorm = op(layerNorm, { x });
const scaled = op(mul, { a: plainNorm, b: c });
const shifted = op(add, { a: plainNorm, b: c });

// x / sqrt(mean(x^2) + eps), and x * (1 / that)
const rmsSquares = [op(mul, { a: x, b: x }), op(pow, { a: x, b: two })];
const rms = rmsSquares.flatMap((square) => {
  const power = op(reduce, { x: square });
  const deviation = op(sqrt, { x: op(add, { a: power, b: eps }) });
  return [op(div, { a: x, b: deviation }), op(mul, { a: x, b: op(reciprocal, { x: deviation }) })].map((root) => ({ square, power, root }));
});
const plainRms = op(rmsNorm, { x });
const rmsScaled = op(mul, { a: plainRms, b: c });

// exp(x - max(x)) / sum(exp(x - max(x)))
const largest = op(reduce, { x });
const powers = op(exp, { x: op(sub, { a: x, b: largest }) });
const total = op(reduce, { x: powers });
const quotient = op(div, { a: powers, b: total });

function vectorOf(b: Builder, at: Op, values: Float64Array): Value {
  return makeConstant(b, tensor(at.results[0]!.type.dtype, [values.length], values));
}

function lastDim(at: Value): number {
  return at.type.shape.at(-1) as number;
}

export const normalisationRules: readonly Rule[] = [
  ...normed.map(({ square, variance, root }, i) =>
    rule(`layer-norm-${i}`, root, (m, b) => {
      const epsilon = uniform(m.get(eps));
      const power = square.def === pow ? isUniform(m.get(two), 2) : true;
      const same = equalTypes(m.get(x).type, m.value(root).type);
      return epsilon !== undefined && power && same && overLast(m.get(mean), "mean") && overLast(m.get(variance), "mean") ? b.create(layerNorm, { x: m.get(x) }, { axis: -1, epsilon }) : undefined;
    }),
  ),
  // layerNorm(x) * g == layerNorm(x, g)
  rule("scale-into-layer-norm", scaled, (m, b) => {
    const at = m.get(plainNorm);
    const values = perChannel(m.get(c), m.get(x).type.shape.length, m.get(x).type.shape.length - 1, lastDim(m.get(x)));
    const lastAxis = at.attrs.axis === -1 || at.attrs.axis === m.get(x).type.shape.length - 1;
    const fits = lastAxis && !at.operand("scale") && !at.operand("bias") && equalTypes(m.value(scaled).type, at.results[0]!.type);
    return fits && values && at.results[0]!.uses.size === 1 ? b.create(layerNorm, { x: m.get(x), scale: vectorOf(b, at, values) }, at.attrs) : undefined;
  }),
  // layerNorm(x, g) + b == layerNorm(x, g, b)
  rule("bias-into-layer-norm", shifted, (m, b) => {
    const at = m.get(plainNorm);
    const values = perChannel(m.get(c), m.get(x).type.shape.length, m.get(x).type.shape.length - 1, lastDim(m.get(x)));
    const lastAxis = at.attrs.axis === -1 || at.attrs.axis === m.get(x).type.shape.length - 1;
    const fits = lastAxis && at.operand("scale") && !at.operand("bias") && equalTypes(m.value(shifted).type, at.results[0]!.type);
    return fits && values && at.results[0]!.uses.size === 1 ? b.create(layerNorm, { x: m.get(x), scale: at.operand("scale"), bias: vectorOf(b, at, values) }, at.attrs) : undefined;
  }),
  ...rms.map(({ square, power, root }, i) =>
    rule(`rms-norm-${i}`, root, (m, b) => {
      const epsilon = uniform(m.get(eps));
      const squared = square.def === pow ? isUniform(m.get(two), 2) : true;
      const same = equalTypes(m.get(x).type, m.value(root).type);
      return epsilon !== undefined && squared && same && overLast(m.get(power), "mean") ? b.create(rmsNorm, { x: m.get(x) }, { axis: -1, epsilon }) : undefined;
    }),
  ),
  // rmsNorm(x) * g == rmsNorm(x, g)
  rule("scale-into-rms-norm", rmsScaled, (m, b) => {
    const at = m.get(plainRms);
    const values = perChannel(m.get(c), m.get(x).type.shape.length, m.get(x).type.shape.length - 1, lastDim(m.get(x)));
    const fits = !at.operand("scale") && equalTypes(m.value(rmsScaled).type, at.results[0]!.type) && at.results[0]!.uses.size === 1;
    return fits && values ? b.create(rmsNorm, { x: m.get(x), scale: vectorOf(b, at, values) }, at.attrs) : undefined;
  }),
  // exp(x - max(x)) / sum(exp(x - max(x))) == softmax(x)
  rule("softmax", quotient, (m, b) => {
    const [a, s] = [m.get(largest).attrs, m.get(total).attrs];
    const same = a.axes.length === 1 && s.axes.length === 1 && a.axes[0] === s.axes[0];
    return a.kind === "max" && s.kind === "sum" && a.keepDims && s.keepDims && same ? b.create(softmax, { x: m.get(x) }, { axis: a.axes[0]! }) : undefined;
  }),
];
