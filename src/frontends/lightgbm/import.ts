import type { Builder } from "../../ir/builder.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { div } from "../../ir/ops/arithmetic.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { contributionAttrs, treeContributions } from "../../ir/ops/tree-contributions.ts";
import { trees as treesOp } from "../../ir/ops/trees.ts";
import { ensembleAttrs } from "../../ir/trees/ensemble.ts";
import { NeoError } from "../../support/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../support/limits.ts";
import type { ModelDescription } from "../onnx/describe.ts";
import { once, roundsFrom, specOf, tabularGraph, type OutputKind, type TabularInput, type TabularOptions } from "../tabular/graph.ts";
import { flat, scalarLike, type Transform } from "../tabular/transforms.ts";
import { readDump } from "./dump.ts";
import { coveredEnsembleOf, ensembleOf } from "./ensemble.ts";
import { isLinear, linearLeaves, linearSums } from "./linear.ts";
import type { LightgbmModel } from "./model.ts";
import { OBJECTIVE_NAMES, transformOf } from "./objectives.ts";
import { readText } from "./text.ts";

/**
 * The graph of a LightGBM model over rows `x` of f64. Outputs: `predict`, what the objective makes of the sums; `raw`, the sums, in
 * f64 tree after tree; `leaf`, the number of the leaf that each tree comes to; `contributions`, what each feature adds to the sums
 * (not of linear trees).
 */
export function importLightgbm(bytes: Uint8Array, options: TabularOptions): Graph {
  const { fileName: file, limits = DEFAULT_LIMITS } = options;
  const model = readLightgbm(bytes, file, limits);
  const transform = transformOf(model.objective);
  if (!transform) throw unknownObjective(model.objective, file);
  return tabularGraph(inputOf(model), kindsOf(model, transform, options, limits), options);
}

/** What a LightGBM file says of itself. */
export function describeLightgbm(bytes: Uint8Array, fileName: string, limits: Limits = DEFAULT_LIMITS): ModelDescription {
  const model = readLightgbm(bytes, fileName, limits);
  const input = inputOf(model);
  return {
    format: "lightgbm",
    version: { ir: 0, opset: {}, producer: `LightGBM, format ${model.version || "unknown"}` },
    inputs: [specOf(input)],
    outputs: [{ ...specOf(input), name: "predict", dims: model.groups > 1 ? ["N", model.groups] : ["N"] }],
    nodes: model.trees.length,
    opCounts: { [model.objective || "no objective"]: 1, [isLinear(model) ? "linear trees" : "trees"]: model.trees.length },
    warnings: [],
  };
}

/** Text, or the JSON of `dump_model`, told by the first letter. */
function readLightgbm(bytes: Uint8Array, file: string, limits: Limits): LightgbmModel {
  return /^\s*\{/.test(String.fromCharCode(...bytes.subarray(0, 128))) ? readDump(bytes, file, limits) : readText(bytes, file, limits);
}

function inputOf(model: LightgbmModel): TabularInput {
  return { name: "x", dtype: "f64", columns: model.features, features: model.featureNames, table: { absent: "zero" } };
}

function kindsOf(model: LightgbmModel, transform: Transform, options: TabularOptions, limits: Limits): readonly OutputKind[] {
  const { groups, averages } = model;
  const rounds = model.trees.length / groups;
  const [begin, end] = roundsFrom(options, rounds, undefined);
  const range = [begin * groups, end * groups] as const;
  const ensemble = ensembleOf(model, range, options.fileName);
  const comesTo = (leafNodes: Int32Array): OutputKind["make"] => {
    const attrs = ensembleAttrs({ ...ensemble, leafNodes });
    return (b, x) => b.create(treesOp, { x }, { ...attrs, aggregate: "sum", output: "leaves" });
  };
  const sums = once(isLinear(model) ? sumsOfLinear() : (b, x) => b.create(treesOp, { x }, { ...ensembleAttrs(ensemble), aggregate: "sum" }));
  function sumsOfLinear(): OutputKind["make"] {
    const leaves = linearLeaves(model, range[0], ensemble, options.fileName, limits);
    const find = comesTo(ensemble.leafNodes.map((_, i) => i));
    return (b, x) => linearSums(b, x, find(b, x), leaves, groups);
  }
  const averaged = (b: Builder, sum: Value): Value => (averages ? b.create(div, { a: sum, b: scalarLike(b, sum, end - begin) }) : sum);
  const kinds: OutputKind[] = [
    { name: "predict", make: (b, x) => flat(b, transform(b, averaged(b, sums(b, x)))) },
    { name: "raw", make: (b, x) => flat(b, sums(b, x)) },
    { name: "leaf", make: comesTo(ensemble.leafNodes) },
  ];
  return isLinear(model) ? kinds : [...kinds, { name: "contributions", make: (b, x) => contributions(b, x, model, range, options.fileName) }];
}

/** [rows, groups * (features + 1)], as the library has them. */
function contributions(b: Builder, x: Value, model: LightgbmModel, range: readonly [number, number], file: string): Value {
  const { ensemble, covers } = coveredEnsembleOf(model, range, file);
  const y = b.create(treeContributions, { x }, contributionAttrs(ensemble, covers));
  return b.create(reshape, { x: y }, { shape: [-1, model.groups * (model.features + 1)] });
}

function unknownObjective(objective: string, file: string): NeoError {
  return new NeoError({
    code: "NEO2032",
    message: `${file} has the objective ${objective.slice(0, 60).replace(/[^\x20-\x7e]/g, "\ufffd")}, which neo does not know`,
    hint: `known are: ${OBJECTIVE_NAMES.join(", ")}`,
    file,
  });
}
