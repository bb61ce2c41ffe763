import { add, div, exp, mul, pow, sqrt, sub, reciprocal } from "../../ir/ops/arithmetic.ts";
import { clip } from "../../ir/ops/activation.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { groupNorm, l2Normalise, layerNorm, rmsNorm, softmax } from "../../ir/ops/normalisation.ts";
import { reduce } from "../../ir/ops/reduction.ts";
import type { Op, Value } from "../../ir/graph.ts";
import type { Builder } from "../../ir/builder.ts";
import { tensor, type Tensor } from "../../ir/tensor.ts";
import { equalTypes } from "../../ir/types.ts";
import { constantTensor, isUniform, makeConstant, numbersOf, perChannel, uniform } from "../constants.ts";
import { constantOf, onlyUse, op, rule, value, type Match, type OpPattern, type Rule } from "../pattern.ts";

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

const norm = op(reduce, { x });
const atLeast = op(clip, { x: norm });
const byNorm = op(div, { a: x, b: atLeast });
const byBareNorm = op(div, { a: x, b: norm });

function isNorm({ attrs }: { readonly attrs: { readonly kind: string; readonly keepDims: boolean } }): boolean {
  return attrs.kind === "l2" && attrs.keepDims;
}

const plainGroups = op(groupNorm, { x: onlyUse(op(reshape, { x })) });
const grouped = op(reshape, { x: onlyUse(plainGroups) });
const normedGroups = op(groupNorm, { x });
const groupsScaled = op(mul, { a: onlyUse(normedGroups), b: c });
const groupsShifted = op(add, { a: onlyUse(normedGroups), b: c });

/** The numbers a channel that stand behind a group norm whose own are known; undefined where they vary along another axis. */
function channelsOf(m: Match, root: OpPattern): Float64Array | undefined {
  const at = m.get(normedGroups);
  const { shape } = at.result.type;
  const known = [at.operand("scale"), at.operand("bias")].every((part) => !part || constantTensor(part));
  return known && equalTypes(m.value(root).type, at.result.type) ? perChannel(m.get(c), shape.length, 1, shape[1] as number) : undefined;
}

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
      return epsilon !== undefined && power && same && overLast(m.get(mean), "mean") && overLast(m.get(variance), "mean")
        ? b.create(layerNorm, { x: m.get(x) }, { axis: -1, epsilon })
        : undefined;
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
    return fits && values && at.results[0]!.uses.size === 1
      ? b.create(layerNorm, { x: m.get(x), scale: at.operand("scale"), bias: vectorOf(b, at, values) }, at.attrs)
      : undefined;
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
  // x / max(l2(x), epsilon) == l2Normalise(x)
  rule("l2-normalise", byNorm, (m, b) => {
    const { low, high } = m.get(atLeast).attrs;
    return isNorm(m.get(norm)) && high === Infinity && low >= 0 && equalTypes(m.get(x).type, m.value(byNorm).type)
      ? b.create(l2Normalise, { x: m.get(x) }, { axes: m.get(norm).attrs.axes, epsilon: low })
      : undefined;
  }),
  // x / l2(x) == l2Normalise(x) without an epsilon
  rule("l2-normalise-bare", byBareNorm, (m, b) =>
    isNorm(m.get(norm)) && equalTypes(m.get(x).type, m.value(byBareNorm).type)
      ? b.create(l2Normalise, { x: m.get(x) }, { axes: m.get(norm).attrs.axes, epsilon: 0 })
      : undefined,
  ),
  // Instances made of groups: reshape(groupNorm(reshape(x))) == groupNorm(x)
  rule("group-norm", grouped, (m, b) => {
    const at = m.get(plainGroups);
    const from = m.get(x).type;
    const [batch, channels] = from.shape as [number, number];
    const { groups, epsilon } = at.attrs;
    const inner = at.result.type.shape;
    const fits = from.shape.length >= 2 && equalTypes(from, m.value(grouped).type) && inner[0] === batch && inner[1] === groups && channels % groups === 0;
    const [scale, bias] = [constantTensor(at.operand("scale")), constantTensor(at.operand("bias"))];
    if (!fits || (at.operand("scale") && !scale) || (at.operand("bias") && !bias)) return undefined;
    const perGroup = (values: Tensor | undefined): Value | undefined =>
      values &&
      vectorOf(
        b,
        at,
        Float64Array.from({ length: channels }, (_, i) => numbersOf(values)[Math.floor((i * groups) / channels)]!),
      );
    return b.create(groupNorm, { x: m.get(x), scale: perGroup(scale), bias: perGroup(bias) }, { groups, epsilon });
  }),
  // (groupNorm(x) * g + b) * c == groupNorm(x) * (g * c) + b * c
  rule("scale-into-group-norm", groupsScaled, (m, b) => {
    const at = m.get(normedGroups);
    const factors = channelsOf(m, groupsScaled);
    if (!factors) return undefined;
    const [scale, bias] = [constantTensor(at.operand("scale")), constantTensor(at.operand("bias"))];
    const times = (values: Tensor | undefined): Value | undefined =>
      values &&
      vectorOf(
        b,
        at,
        factors.map((factor, i) => factor * numbersOf(values)[i]!),
      );
    return b.create(groupNorm, { x: m.get(x), scale: times(scale) ?? vectorOf(b, at, factors), bias: times(bias) }, at.attrs);
  }),
  // groupNorm(x) + b + c == groupNorm(x) + (b + c)
  rule("bias-into-group-norm", groupsShifted, (m, b) => {
    const at = m.get(normedGroups);
    const summands = channelsOf(m, groupsShifted);
    const bias = constantTensor(at.operand("bias"));
    if (!summands) return undefined;
    return b.create(
      groupNorm,
      {
        x: m.get(x),
        scale: at.operand("scale"),
        bias: vectorOf(
          b,
          at,
          summands.map((summand, i) => summand + (bias ? numbersOf(bias)[i]! : 0)),
        ),
      },
      at.attrs,
    );
  }),
  // exp(x - max(x)) / sum(exp(x - max(x))) == softmax(x)
  rule("softmax", quotient, (m, b) => {
    const [a, s] = [m.get(largest).attrs, m.get(total).attrs];
    const same = a.axes.length === 1 && s.axes.length === 1 && a.axes[0] === s.axes[0];
    return a.kind === "max" && s.kind === "sum" && a.keepDims && s.keepDims && same ? b.create(softmax, { x: m.get(x) }, { axis: a.axes[0]! }) : undefined;
  }),
];
