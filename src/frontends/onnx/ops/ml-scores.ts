import { abs, add, div, exp, log, max, mul, neg, sqrt, sub } from "../../../ir/ops/arithmetic.ts";
import { sigmoid } from "../../../ir/ops/activation.ts";
import { less, lessEqual } from "../../../ir/ops/comparison.ts";
import { select } from "../../../ir/ops/logic.ts";
import { concat } from "../../../ir/ops/movement.ts";
import { softmax } from "../../../ir/ops/normalisation.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { castTo, reshapeTo } from "../rearrange.ts";
import { extentAt } from "../static-shape.ts";

/** What the classifiers and regressors of ai.onnx.ml do to a row of scores in the end. */
export const POST_TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"] as const;

export type PostTransform = (typeof POST_TRANSFORMS)[number];

export function readPostTransform(c: NodeContext): PostTransform {
  return c.word("post_transform", POST_TRANSFORMS);
}

/** x as rows of f32 features: a vector is one row. */
export function featureRows(c: NodeContext, x: Value): Value {
  const { shape } = x.type;
  if (shape.length !== 1 && shape.length !== 2)
    c.fail(`has an input of rank ${shape.length}, wanted 1 or 2`, { reason: "rank", nearest: "an input of rank 1 or 2" });
  return reshapeTo(c.b, castTo(c.b, x, "f32"), [shape.length === 2 ? shape[0]! : 1, shape.at(-1)!]);
}

/** Rows [N,C] behind the transform. ONNX Runtime leaves single scores as they are, but for PROBIT. */
export function transformed(c: NodeContext, scores: Value, kind: PostTransform): Value {
  if (scores.type.shape[1] === 1 && kind !== "PROBIT") return scores;
  switch (kind) {
    case "NONE":
      return scores;
    case "SOFTMAX":
      return c.b.create(softmax, { x: scores }, { axis: 1 });
    case "LOGISTIC":
      return c.b.create(sigmoid, { x: scores });
    case "SOFTMAX_ZERO":
      return softmaxZero(c, scores);
    case "PROBIT":
      return probit(c, scores);
  }
}

/** [N,1] as [N,2]: the first class gets what is left of 1, or where `mirrored` the score of the other sign; LOGISTIC makes both of the score. */
export function withFirstClass(c: NodeContext, score: Value, kind: PostTransform, mirrored: boolean): Value {
  if (kind === "PROBIT") c.fail("makes PROBIT of one score for two classes", { awsName: "OperatorAttributeNotImplemented" });
  const opposite = c.b.create(neg, { x: score });
  if (kind === "LOGISTIC") return c.b.create(sigmoid, { x: c.b.create(concat, { xs: [opposite, score] }, { axis: 1 }) });
  const first = mirrored ? opposite : c.b.create(sub, { a: c.scalar("f32", 1), b: score });
  return c.b.create(concat, { xs: [first, score] }, { axis: 1 });
}

/** Softmax over the scores that are not zero; those within 1e-7 of it are only scaled. */
function softmaxZero(c: NodeContext, scores: Value): Value {
  const greatest = c.b.create(reduce, { x: scores }, { kind: "max", axes: [1] });
  const isZero = c.b.create(lessEqual, { a: c.b.create(abs, { x: scores }), b: c.scalar("f32", 1e-7) });
  const power = c.b.create(exp, { x: c.b.create(sub, { a: scores, b: greatest }) });
  const scaled = c.b.create(mul, { a: scores, b: c.b.create(exp, { x: c.b.create(neg, { x: greatest }) }) });
  const total = c.b.create(reduce, { x: c.b.create(select, { condition: isZero, a: c.scalar("f32", 0), b: power }) }, { kind: "sum", axes: [1] });
  return c.b.create(div, { a: c.b.create(select, { condition: isZero, a: scaled, b: power }), b: total });
}

/** sqrt(2) * inverse erf(2 * x - 1), by the approximation of Winitzki that the field shares. */
function probit(c: NodeContext, scores: Value): Value {
  const k = (value: number): Value => c.scalar("f32", value);
  const [plus, minus, times] = [add, sub, mul].map((def) => (a: Value, b: Value) => c.b.create(def, { a, b })) as [Combine, Combine, Combine];
  const x = minus(times(scores, k(2)), k(1));
  const logarithm = c.b.create(log, { x: times(minus(k(1), x), plus(k(1), x)) });
  const v = plus(times(logarithm, k(0.5)), k(2 / (3.14159 * 0.147)));
  const inner = minus(times(v, v), times(logarithm, k(1 / 0.147)));
  // sqrt(a) - v is never below zero but for rounding.
  const size = c.b.create(sqrt, { x: c.b.create(max, { a: minus(c.b.create(sqrt, { x: inner }), v), b: k(0) }) });
  const signed = c.b.create(select, { condition: c.b.create(less, { a: x, b: k(0) }), a: c.b.create(neg, { x: size }), b: size });
  return times(signed, k(Math.SQRT2));
}

type Combine = (a: Value, b: Value) => Value;

/** Fails where an operator with `features` weights a row gets rows of another length. */
export function checkFeatures(c: NodeContext, x: Value, features: number): void {
  const found = extentAt(x, -1)!;
  if (found !== features) c.fail(`has weights for ${features} features, its input has ${found}`);
}
