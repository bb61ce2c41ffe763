import type { Builder } from "../../ir/builder.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { contributionAttrs, treeContributions } from "../../ir/ops/tree-contributions.ts";
import { trees as treesOp } from "../../ir/ops/trees.ts";
import { ensembleAttrs } from "../../ir/trees/ensemble.ts";
import { NeoError } from "../../support/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../support/limits.ts";
import type { ModelDescription } from "../onnx/describe.ts";
import { once, roundsFrom, specOf, tabularGraph, type OutputKind, type TabularInput, type TabularOptions } from "../tabular/graph.ts";
import { flat } from "../tabular/transforms.ts";
import { readXgboost } from "./container.ts";
import { coveredEnsembleOf, ensembleOf, type TreeRange } from "./ensemble.ts";
import { linearContributions, linearMargins } from "./linear.ts";
import type { XgboostModel } from "./model.ts";
import { OBJECTIVES, type Objective } from "./objectives.ts";

/**
 * The graph of an XGBoost model over rows `x` of f32, NaN being what is missing. Outputs: `predict`, what the objective makes of the
 * sums; `margin`, the sums, equal to XGBoost's bit for bit; `leaf`, the node that each tree comes to; `contributions`, what each
 * feature adds to the margin, the bias last.
 */
export function importXgboost(bytes: Uint8Array, options: TabularOptions): Graph {
  const { fileName: file, limits = DEFAULT_LIMITS } = options;
  const model = readXgboost(bytes, file, limits);
  const objective = objectiveOf(model, file);
  return tabularGraph(inputOf(model), kindsOf(model, objective, options, limits), options);
}

/** What an XGBoost file says of itself. */
export function describeXgboost(bytes: Uint8Array, fileName: string, limits: Limits = DEFAULT_LIMITS): ModelDescription {
  const model = readXgboost(bytes, fileName, limits);
  const input = inputOf(model);
  const [major, minor, patch] = model.version;
  const { booster, groups } = model;
  const isWide = groups > 1 && model.objective !== "multi:softmax";
  return {
    format: "xgboost",
    version: { ir: 0, opset: {}, producer: `XGBoost ${major === 0 ? "before 1.0" : `${major}.${minor}.${patch}`}` },
    inputs: [specOf(input)],
    outputs: [{ ...specOf(input), name: "predict", dims: isWide ? ["N", groups] : ["N"] }],
    nodes: booster.kind === "gblinear" ? 1 : booster.trees.length,
    opCounts: {
      [model.objective]: 1,
      [booster.kind === "gblinear" ? "gblinear" : `trees (${booster.kind})`]: booster.kind === "gblinear" ? 1 : booster.trees.length,
    },
    warnings: [],
  };
}

function inputOf(model: XgboostModel): TabularInput {
  return { name: "x", dtype: "f32", columns: model.features, features: model.featureNames, table: { absent: "missing" } };
}

function objectiveOf({ objective }: XgboostModel, file: string): Objective {
  const known = OBJECTIVES.get(objective);
  if (known) return known;
  throw new NeoError({
    code: "NEO2032",
    message: `${file} has the objective ${objective.slice(0, 60).replace(/[^\x20-\x7e]/g, "\ufffd")}, which neo does not know`,
    hint: `known are: ${[...OBJECTIVES.keys()].join(", ")}`,
    file,
  });
}

function kindsOf(model: XgboostModel, objective: Objective, options: TabularOptions, limits: Limits): readonly OutputKind[] {
  const { booster } = model;
  const file = options.fileName;
  const base = baseOf(model, objective, file);
  const predicted = (margin: OutputKind["make"]): OutputKind[] => [
    { name: "predict", make: (b, x) => flat(b, objective.transform(b, margin(b, x))) },
    { name: "margin", make: (b, x) => flat(b, margin(b, x)) },
  ];
  if (booster.kind === "gblinear" && model.features === 0) throw misfit(file, "num_feature", "is 0, a linear model wants one at least");
  if (booster.kind === "gblinear")
    return [
      ...predicted(once((b, x) => linearMargins(b, x, booster.weights, base))),
      { name: "contributions", make: (b, x) => oneGroup(b, linearContributions(b, x, booster.weights, base)) },
    ];
  const [begin, end] = roundsFrom(options, booster.rounds.length - 1, bestOf(model));
  const isAll = begin === 0 && end === booster.rounds.length - 1;
  const range = isAll ? ([0, booster.trees.length] as const) : ([booster.rounds[begin]!, booster.rounds[end]!] as const);
  const trees = { model, booster, base, trees: range, file, limits };
  const attrs = ensembleAttrs(ensembleOf(trees));
  return [
    ...predicted(once((b, x) => b.create(treesOp, { x }, { ...attrs, aggregate: "sum" }))),
    { name: "leaf", make: (b, x) => b.create(treesOp, { x }, { ...attrs, aggregate: "sum", output: "leaves" }) },
    { name: "contributions", make: (b, x) => oneGroup(b, b.create(treeContributions, { x }, contributionAttrsOf(trees))) },
  ];
}

function contributionAttrsOf(trees: TreeRange): ReturnType<typeof contributionAttrs> {
  const { ensemble, covers } = coveredEnsembleOf(trees);
  return contributionAttrs(ensemble, covers);
}

/** [rows, 1, columns] as [rows, columns]. */
function oneGroup(b: Builder, x: Value): Value {
  const [, groups, columns] = x.type.shape;
  return groups === 1 ? b.create(reshape, { x }, { shape: [-1, columns as number] }) : x;
}

/** Where sums start, by group. Files from before 1.0 hold margins, which XGBoost takes there and back. */
function baseOf({ baseScore, groups, version, objective: name }: XgboostModel, objective: Objective, file: string): readonly number[] {
  const isMargin = version[0] === 0 && !name.startsWith("multi:");
  const margins = baseScore.map((score) => objective.toMargin(isMargin ? objective.fromMargin(score) : score));
  const odd = margins.findIndex((margin) => !Number.isFinite(margin));
  if (odd >= 0) throw misfit(file, "base_score", `is ${baseScore[odd]}, outside of what ${name} takes`);
  return Array.from({ length: groups }, (_, k) => margins[margins.length === 1 ? 0 : k]!);
}

function misfit(file: string, key: string, text: string): NeoError {
  return new NeoError({
    code: "NEO2031",
    message: `${file} has not what its format says`,
    notes: [{ where: `learner.learner_model_param.${key}`, text }],
    hint: "save the model again with the library that trained it",
    file,
  });
}

function bestOf({ attributes }: XgboostModel): number | undefined {
  const text = attributes.get("best_iteration");
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
