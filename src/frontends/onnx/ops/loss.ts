import { div, mul, neg } from "../../../ir/ops/arithmetic.ts";
import { equal } from "../../../ir/ops/comparison.ts";
import { gather, gatherElements } from "../../../ir/ops/gather.ts";
import { select } from "../../../ir/ops/logic.ts";
import { logSoftmax } from "../../../ir/ops/normalisation.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, range, reshapeTo, unsqueezeAt } from "../rearrange.ts";
import { rankOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Losses: models that were exported with theirs still have them. */
export const LOSS: OperatorTable = {
  NegativeLogLikelihoodLoss: since(12, (c) => loss(c, c.need(0, "input"))),
  SoftmaxCrossEntropyLoss: since(12, importSoftmaxCrossEntropyLoss),
};

function importSoftmaxCrossEntropyLoss(c: NodeContext): readonly Value[] {
  const logProbabilities = c.b.create(logSoftmax, { x: c.need(0, "scores") }, { axis: 1 });
  return [loss(c, logProbabilities), logProbabilities];
}

/** -input[n, target] * weight[target], of which `ignore_index` is no part; the mean is over the weights. */
function loss(c: NodeContext, input: Value): Value {
  const { dtype } = input.type;
  const target = castTo(c.b, c.need(1, "target"), "i64");
  const reduction = c.word("reduction", ["mean", "sum", "none"]);
  const ignored = c.int("ignore_index");
  const isIgnored = ignored === undefined ? undefined : c.b.create(equal, { a: target, b: c.scalar("i64", ignored) });
  // Any class will do where the weight is 0.
  const classes = isIgnored ? c.b.create(select, { condition: isIgnored, a: c.scalar("i64", 0), b: target }) : target;
  const picked = c.b.create(gatherElements, { x: input, indices: unsqueezeAt(c.b, classes, [1]) }, { axis: 1 });
  const chosen = c.b.create(neg, { x: reshapeTo(c.b, picked, target.type.shape) });
  const weights = weightsOf(c, classes, isIgnored, input);
  const losses = weights ? c.b.create(mul, { a: chosen, b: weights }) : chosen;
  if (reduction === "none") return losses;
  const over = (value: Value, kind: "sum" | "mean"): Value => c.b.create(reduce, { x: value }, { kind, axes: range(rankOf(target)), keepDims: false });
  if (reduction === "sum" || !weights) return over(losses, reduction === "sum" ? "sum" : "mean");
  return c.b.create(div, { a: over(losses, "sum"), b: over(broadcastTo(c.b, castTo(c.b, weights, dtype), target.type.shape), "sum") });
}

function weightsOf(c: NodeContext, classes: Value, isIgnored: Value | undefined, input: Value): Value | undefined {
  const { dtype } = input.type;
  const given = c.operand(2);
  const weights = given && c.b.create(gather, { x: given, indices: classes }, { axis: 0 });
  if (!isIgnored) return weights;
  return c.b.create(select, { condition: isIgnored, a: c.scalar(dtype, 0), b: weights ?? c.scalar(dtype, 1) });
}
