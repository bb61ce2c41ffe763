import { greater } from "../../../ir/ops/comparison.ts";
import { linear } from "../../../ir/ops/linear.ts";
import { argReduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { castTo, reshapeTo } from "../rearrange.ts";
import { labelCount, labelled, readLabels, type ClassLabels } from "./ml-labels.ts";
import { checkFeatures, featureRows, readPostTransform, transformed, withFirstClass } from "./ml-scores.ts";
import { since, type OperatorTable } from "./table.ts";

/** x * transpose(coefficients) + intercepts, and what is made of it. */
export const ML_LINEAR: OperatorTable = {
  LinearClassifier: since(1, importLinearClassifier),
  LinearRegressor: since(1, importLinearRegressor),
};

function importLinearRegressor(c: NodeContext): Value {
  const targets = c.int("targets", 1);
  const scores = products(c, featureRows(c, c.need(0, "X")), targets, c.floats("intercepts"));
  return transformed(c, scores, readPostTransform(c));
}

function importLinearClassifier(c: NodeContext): readonly Value[] {
  // Says which loss the weights were fitted with; the arithmetic is the same.
  c.ignore("multi_class");
  const kind = readPostTransform(c);
  const labels = readLabels(c);
  const intercepts = c.floats("intercepts") ?? c.fail("lacks attribute intercepts, which tells how many classes it has");
  const scores = products(c, featureRows(c, c.need(0, "X")), intercepts.length, intercepts);
  if (intercepts.length === 1) return binary(c, scores, labels, kind);
  if (!labels || labelCount(labels) < intercepts.length) return c.fail(`has ${labels ? labelCount(labels) : 0} labels for ${intercepts.length} classes`);
  const best = c.b.create(argReduce, { x: scores }, { axis: 1, keepDims: false });
  return [labelled(c, labels, best), transformed(c, scores, kind)];
}

/** One score: above zero it is the second class. */
function binary(c: NodeContext, score: Value, labels: ClassLabels | undefined, kind: ReturnType<typeof readPostTransform>): readonly Value[] {
  const isPair = labels !== undefined && labelCount(labels) === 2;
  const pair: ClassLabels = isPair ? labels : labels && "words" in labels ? { words: ["0", "1"] } : { ints: [0n, 1n] };
  const isPositive = c.b.create(greater, { a: reshapeTo(c.b, score, score.type.shape.slice(0, 1)), b: c.scalar("f32", 0) });
  const label = labelled(c, pair, castTo(c.b, isPositive, "i64"));
  return [label, isPair ? withFirstClass(c, score, kind, false) : transformed(c, score, kind)];
}

function products(c: NodeContext, x: Value, rows: number, intercepts: readonly number[] | undefined): Value {
  const weights = c.required("coefficients", c.floats("coefficients"));
  if (rows < 1 || weights.length % rows !== 0) c.fail(`has ${weights.length} coefficients for ${rows} rows of them`);
  if (intercepts && intercepts.length !== rows) c.fail(`has ${intercepts.length} intercepts for ${rows} rows of coefficients`);
  checkFeatures(c, x, weights.length / rows);
  const w = c.value(tensor("f32", [rows, weights.length / rows], weights));
  return c.b.create(linear, { x, w, bias: intercepts && c.vector("f32", intercepts) });
}
