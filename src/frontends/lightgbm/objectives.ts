import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { abs, add, div, log, mul, sub } from "../../ir/ops/arithmetic.ts";
import { equal } from "../../ir/ops/comparison.ts";
import { select } from "../../ir/ops/logic.ts";
import { exactExp, identity, logistic64, scalarLike, softmaxRows, type Transform } from "../tabular/transforms.ts";

type Parameters = ReadonlyMap<string, string>;

const plain = (parameters: Parameters): Transform => (parameters.has("sqrt") ? signedSquare : identity);
const logistic = (parameters: Parameters): Transform => logistic64(Number(parameters.get("sigmoid") ?? 1));

const OBJECTIVES: ReadonlyMap<string, (parameters: Parameters) => Transform> = new Map<string, (parameters: Parameters) => Transform>([
  ["", plain],
  ["none", plain],
  ["custom", plain],
  ["regression", plain],
  ["regression_l2", plain],
  ["regression_l1", plain],
  ["huber", plain],
  ["fair", plain],
  ["quantile", plain],
  ["mape", plain],
  ["lambdarank", plain],
  ["rank_xendcg", plain],
  ["poisson", () => exactExp],
  ["gamma", () => exactExp],
  ["tweedie", () => exactExp],
  ["binary", logistic],
  ["multiclassova", logistic],
  ["cross_entropy", () => logistic64(1)],
  ["xentropy", () => logistic64(1)],
  ["cross_entropy_lambda", () => softplus],
  ["xentlambda", () => softplus],
  ["multiclass", () => softmaxRows],
]);

export const OBJECTIVE_NAMES: readonly string[] = [...OBJECTIVES.keys()].filter((name) => name !== "");

/** The transform of an objective as files have it, "binary sigmoid:1.5"; undefined: none is known, or a parameter is no number. */
export function transformOf(objective: string): Transform | undefined {
  const [name = "", ...words] = objective.trim().split(/\s+/);
  const parameters = new Map(words.map((word) => [word.split(":")[0]!, word.split(":")[1] ?? ""] as const));
  if (!Number.isFinite(Number(parameters.get("sigmoid") ?? 1))) return undefined;
  return OBJECTIVES.get(name)?.(parameters);
}

/** sign(x) * x * x: the way back from roots. */
function signedSquare(b: Builder, x: Value): Value {
  return b.create(mul, { a: x, b: b.create(abs, { x }) });
}

/** log(1 + e^x), right also where e^x is small: the rounding of 1 + e is made good by the factor e / ((1 + e) - 1). */
function softplus(b: Builder, x: Value): Value {
  const one = scalarLike(b, x, 1);
  const power = exactExp(b, x);
  const more = b.create(add, { a: one, b: power });
  const ratio = b.create(div, { a: power, b: b.create(sub, { a: more, b: one }) });
  return b.create(select, { condition: b.create(equal, { a: more, b: one }), a: power, b: b.create(mul, { a: b.create(log, { x: more }), b: ratio }) });
}
