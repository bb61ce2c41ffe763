import { add, neg } from "../../../ir/ops/arithmetic.ts";
import { greater } from "../../../ir/ops/comparison.ts";
import { select } from "../../../ir/ops/logic.ts";
import { concat } from "../../../ir/ops/movement.ts";
import { argReduce } from "../../../ir/ops/reduction.ts";
import { trees } from "../../../ir/ops/trees.ts";
import type { Value } from "../../../ir/graph.ts";
import { ensembleAttrs, floats, treeCount, type TreeEnsemble } from "../../../ir/trees/ensemble.ts";
import type { NodeContext } from "../context.ts";
import { castTo, reshapeTo, sliceAxis } from "../rearrange.ts";
import { extentAt } from "../static-shape.ts";
import { labelCount, labelled, type ClassLabels } from "./ml-labels.ts";
import { featureRows, POST_TRANSFORMS, readPostTransform, transformed, withFirstClass, type PostTransform } from "./ml-scores.ts";
import { numbersOf, readListedTrees, readNamedTrees, type TreeKind } from "./ml-tree-nodes.ts";
import { since, type OperatorTable } from "./table.ts";

/** Decision trees. Sums are those of ONNX Runtime on one thread: leaves in the order of the trees, then the base values. */
export const ML_TREES: OperatorTable = {
  TreeEnsemble: since(5, importTreeEnsemble),
  TreeEnsembleClassifier: since(1, importTreeEnsembleClassifier),
  TreeEnsembleRegressor: since(1, importTreeEnsembleRegressor),
};

const AGGREGATES = { SUM: "sum", AVERAGE: "average", MIN: "min", MAX: "max" } as const;
type Aggregate = (typeof AGGREGATES)[keyof typeof AGGREGATES];

/** Rows of f64 are compared and summed in f64, all others in f32. */
function rowsOf(c: NodeContext): { readonly x: Value; readonly dtype: "f32" | "f64"; readonly features: number } {
  const given = c.need(0, "X");
  const { shape } = given.type;
  if (given.type.dtype !== "f64") {
    const x = featureRows(c, given);
    return { x, dtype: "f32", features: extentAt(x, 1)! };
  }
  if (shape.length !== 1 && shape.length !== 2)
    c.fail(`has an input of rank ${shape.length}, wanted 1 or 2`, { reason: "rank", nearest: "an input of rank 1 or 2" });
  return { x: shape.length === 2 ? given : reshapeTo(c.b, given, [1, shape[0]!]), dtype: "f64", features: extentAt(given, -1)! };
}

function scores(c: NodeContext, x: Value, ensemble: TreeEnsemble, aggregate: Aggregate): Value {
  return c.b.create(trees, { x }, { ...ensembleAttrs(ensemble), aggregate, baseLast: true });
}

/** One base value a target, or none; one for all where there is one target. */
function baseOf(c: NodeContext, targets: number): readonly number[] {
  if (!(targets >= 1 && targets <= 1e6)) c.fail(`has ${targets} targets`);
  const base = numbersOf(c, "base_values") ?? [];
  // ONNX Runtime looks at none where they are of another number.
  return base.length === targets ? base : new Array<number>(targets).fill(0);
}

function importTreeEnsembleRegressor(c: NodeContext): Value {
  const { x, dtype, features } = rowsOf(c);
  const targets = c.int("n_targets", 1);
  const words = Object.keys(AGGREGATES) as [keyof typeof AGGREGATES, ...(keyof typeof AGGREGATES)[]];
  const aggregate = AGGREGATES[c.word("aggregate_function", words)];
  const ensemble = readNamedTrees(c, "target", { features, base: baseOf(c, targets), dtype });
  return transformed(c, castTo(c.b, scores(c, x, ensemble, aggregate), "f32"), readPostTransform(c));
}

/**
 * Version 5 has numbers for words; its result is of the input's dtype. 1 is SOFTMAX and 2 LOGISTIC, as the standard says: ONNX Runtime
 * 1.30 takes them for each other.
 */
function importTreeEnsemble(c: NodeContext): Value {
  const { x, dtype, features } = rowsOf(c);
  const targets = c.int("n_targets", 1);
  const aggregate = (["average", "sum", "min", "max"] as const)[c.int("aggregate_function", 1)] ?? c.fail("has an unknown aggregate_function");
  const kind: PostTransform = POST_TRANSFORMS[c.int("post_transform", 0)] ?? c.fail("has an unknown post_transform");
  const base = new Array<number>(baseOf(c, targets).length).fill(0);
  const y = scores(c, x, readListedTrees(c, { features, base, dtype }), aggregate);
  if (kind === "NONE" || (targets === 1 && kind !== "PROBIT")) return y;
  return castTo(c.b, transformed(c, castTo(c.b, y, "f32"), kind), dtype);
}

function importTreeEnsembleClassifier(c: NodeContext): readonly Value[] {
  const { x, dtype, features } = rowsOf(c);
  const labels = classLabels(c);
  const classes = labelCount(labels);
  const kind = readPostTransform(c);
  const given = numbersOf(c, "base_values") ?? [];
  if (given.length > classes) c.fail(`has ${given.length} base_values for ${classes} classes`);
  const base = Array.from({ length: classes }, (_, k) => (classes === 2 ? 0 : (given[k] ?? 0)));
  const read: TreeKind = { features, base, dtype };
  const ensemble = readNamedTrees(c, "class", read);
  const sums = castTo(c.b, scores(c, x, ensemble, "sum"), "f32");
  if (classes === 1) {
    const label = castTo(c.b, isAbove(c, sums, 0, 0), "i64");
    return ["words" in labels ? c.fail("has one class, which is a word") : label, transformed(c, sums, kind)];
  }
  if (classes === 2) return pair(c, ensemble, sums, labels, kind, given);
  const best = c.b.create(argReduce, { x: given.length === classes ? sums : ranked(c, x, ensemble, sums) }, { axis: 1, keepDims: false });
  return [labelled(c, labels, best), transformed(c, sums, kind)];
}

function classLabels(c: NodeContext): ClassLabels {
  const [words, ints] = [c.texts("classlabels_strings") ?? [], c.bigints("classlabels_int64s") ?? []];
  if (words.length > 0) return { words };
  return ints.length > 0 ? { ints } : c.fail("names no classes (classlabels_int64s, classlabels_strings)");
}

/** A class that no leaf of a row names can't win. */
function ranked(c: NodeContext, x: Value, ensemble: TreeEnsemble, sums: Value): Value {
  if (areAllNamed(ensemble)) return sums;
  const ones = floats("f32", new Float64Array(ensemble.weights.length).fill(1));
  const named = scores(c, x, { ...ensemble, weights: ones, base: floats("f32", new Float64Array(ensemble.base.length)) }, "max");
  return c.b.create(select, { condition: c.b.create(greater, { a: named, b: c.scalar("f32", 0) }), a: sums, b: c.scalar("f32", -Infinity) });
}

/** True if every class is named by all leaves of some tree. */
function areAllNamed({ leaves, entries, targets, base, splits }: TreeEnsemble): boolean {
  const named = new Set<number>();
  for (let tree = 0; tree < treeCount({ splits } as TreeEnsemble); tree++) {
    let common: Set<number> | undefined;
    for (let leaf = leaves[tree]!; leaf < leaves[tree + 1]!; leaf++) {
      const own = new Set(targets.subarray(entries[leaf], entries[leaf + 1]));
      common = common === undefined ? own : new Set([...common].filter((target) => own.has(target)));
    }
    common?.forEach((target) => named.add(target));
  }
  return named.size === base.length;
}

function column(c: NodeContext, x: Value, at: number): Value {
  return sliceAxis(c.b, x, 1, at, 1);
}

/** Rows whose score in a column is above a number. */
function isAbove(c: NodeContext, x: Value, at: number, threshold: number): Value {
  return c.b.create(greater, { a: reshapeTo(c.b, column(c, x, at), x.type.shape.slice(0, 1)), b: c.scalar("f32", threshold) });
}

/**
 * Two classes, as ONNX Runtime has them: where leaves name the first one only, their sum is the score of the second. A class that no
 * leaf names keeps nothing of its base value.
 */
function pair(c: NodeContext, ensemble: TreeEnsemble, sums: Value, labels: ClassLabels, kind: PostTransform, base: readonly number[]): readonly Value[] {
  const named = new Set(ensemble.targets);
  const isBinary = named.size === 1;
  const arePositive = ensemble.weights.every((weight) => !(weight < 0));
  const plus = (x: Value, value: number): Value => (value === 0 ? x : c.b.create(add, { a: x, b: c.scalar("f32", value) }));
  const both = (first: Value, second: Value): Value => c.b.create(concat, { xs: [first, second] }, { axis: 1 });
  const [first, second] = [column(c, sums, 0), column(c, sums, 1)];
  const threshold = isBinary && arePositive ? 0.5 : 0;
  // Where both classes are named, ONNX Runtime gives the numbers 0 and 1, whatever integers the classes are.
  const pairOf: ClassLabels = isBinary || "words" in labels ? labels : { ints: [0n, 1n] };
  const finish = (score: Value, at: number, made: Value): readonly Value[] => [labelled(c, pairOf, castTo(c.b, isAbove(c, score, at, threshold), "i64")), made];
  if (base.length === 2) {
    const mirrored = named.has(1) ? plus(first, base[1]!) : undefined;
    const two = mirrored ? both(named.has(0) ? c.b.create(neg, { x: mirrored }) : first, mirrored) : both(plus(first, base[0]!), second);
    return finish(two, named.has(1) ? 1 : 0, transformed(c, two, kind));
  }
  const score = named.has(0) ? plus(first, base[0] ?? 0) : first;
  if (named.has(1)) {
    const two = both(score, second);
    return finish(two, 1, transformed(c, two, kind));
  }
  return finish(score, 0, withFirstClass(c, score, kind, !arePositive));
}
