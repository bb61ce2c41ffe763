import { add, exp, mul, neg, pow, sub, tanh } from "../../../ir/ops/arithmetic.ts";
import { clip, sigmoid } from "../../../ir/ops/activation.ts";
import { greater } from "../../../ir/ops/comparison.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { linear } from "../../../ir/ops/linear.ts";
import { not, select } from "../../../ir/ops/logic.ts";
import { concat } from "../../../ir/ops/movement.ts";
import { argReduce, reduce } from "../../../ir/ops/reduction.ts";
import { coupling } from "../../../ir/ops/coupling.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, range, reshapeTo, transposeMatrix } from "../rearrange.ts";
import { extentAt } from "../static-shape.ts";
import { labelCount, labelled, readLabels, type ClassLabels } from "./ml-labels.ts";
import { checkFeatures, featureRows, readPostTransform, transformed, withFirstClass } from "./ml-scores.ts";
import { since, type OperatorTable } from "./table.ts";

export const ML_SVM: OperatorTable = {
  SVMClassifier: since(1, importSvmClassifier),
  SVMRegressor: since(1, importSvmRegressor),
};

const KERNELS = ["LINEAR", "POLY", "RBF", "SIGMOID"] as const;

/** Similarity [N,V] of each row of x to each vector of `vectors`[V,F]. */
function similarities(c: NodeContext, x: Value, vectors: readonly number[], count: number, isLinear: boolean): Value {
  const named = c.word("kernel_type", KERNELS);
  const kind = isLinear ? "LINEAR" : named;
  const [gamma = 0, coef0 = 0, degree = 0] = c.floats("kernel_params") ?? [];
  const features = vectors.length / count;
  checkFeatures(c, x, features);
  const w = c.value(tensor("f32", [count, features], vectors));
  const k = (value: number): Value => c.scalar("f32", value);
  if (kind === "LINEAR") return c.b.create(linear, { x, w });
  if (kind === "RBF") return c.b.create(exp, { x: c.b.create(mul, { a: squaredDistances(c, x, vectors, count), b: k(-gamma) }) });
  const affine = c.b.create(add, { a: c.b.create(mul, { a: c.b.create(linear, { x, w }), b: k(gamma) }), b: k(coef0) });
  return kind === "SIGMOID" ? c.b.create(tanh, { x: affine }) : c.b.create(pow, { a: affine, b: k(degree) });
}

/** Sums of squared differences, and not |x|^2 - 2xv + |v|^2, which cancels where they are near. */
function squaredDistances(c: NodeContext, x: Value, vectors: readonly number[], count: number): Value {
  const [rows, features] = [x.type.shape[0]!, extentAt(x, 1)!];
  const v = c.value(tensor("f32", [1, count, features], vectors));
  const apart = c.b.create(sub, { a: reshapeTo(c.b, x, [rows, 1, features]), b: v });
  return c.b.create(reduce, { x: apart }, { kind: "sumSquare", axes: [2], keepDims: false });
}

/** Without support vectors the coefficients are a linear model. */
function importSvmRegressor(c: NodeContext): Value {
  // ONNX Runtime transforms nothing here.
  if (readPostTransform(c) !== "NONE") c.fail("has a post_transform", { awsName: "OperatorAttributeNotImplemented" });
  const x = featureRows(c, c.need(0, "X"));
  const count = c.int("n_supports", 0);
  const coefficients = c.required("coefficients", c.floats("coefficients"));
  const rho = c.required("rho", c.floats("rho"))[0] ?? c.fail("has no rho");
  const vectors = count > 0 ? c.required("support_vectors", c.floats("support_vectors")) : coefficients;
  checkVectors(c, vectors, Math.max(1, count));
  c.ignore("support_vectors");
  if (count > 0 && coefficients.length !== count) c.fail(`has ${coefficients.length} coefficients for ${count} support vectors`);
  const similar = similarities(c, x, vectors, Math.max(1, count), count === 0);
  const sum = count > 0 ? c.b.create(linear, { x: similar, w: c.value(tensor("f32", [1, count], coefficients)) }) : similar;
  const y = c.b.create(add, { a: sum, b: c.scalar("f32", rho) });
  if (!c.flag("one_class", false)) return y;
  return c.b.create(select, { condition: c.b.create(greater, { a: y, b: c.scalar("f32", 0) }), a: c.scalar("f32", 1), b: c.scalar("f32", -1) });
}

function checkVectors(c: NodeContext, vectors: readonly number[], count: number): void {
  if (vectors.length === 0 || vectors.length % count !== 0) c.fail(`has ${vectors.length} elements of support_vectors for ${count} of them`);
}

/** Scores, one a pair of classes or one a class, and the label. */
function importSvmClassifier(c: NodeContext): readonly Value[] {
  const labels = readLabels(c) ?? c.fail("names no classes (classlabels_ints, classlabels_strings)");
  const x = featureRows(c, c.need(0, "X"));
  const perClass = c.ints("vectors_per_class") ?? [];
  const count = perClass.reduce((n, size) => n + size, 0);
  const coefficients = c.required("coefficients", c.floats("coefficients"));
  const rho = c.required("rho", c.floats("rho"));
  const [probA, probB] = [c.floats("prob_a") ?? [], c.floats("prob_b") ?? []];
  if (count === 0) {
    c.ignore("support_vectors");
    return linearClasses(c, x, labels, coefficients, rho[0] ?? c.fail("has no rho"));
  }
  const classes = labelCount(labels);
  const pairs = (classes * (classes - 1)) / 2;
  if (perClass.length !== classes || perClass.some((size) => size < 0)) c.fail(`has vectors_per_class ${perClass.join(", ")} for ${classes} classes`);
  if (classes < 2) c.fail("has one class", { awsName: "OperatorAttributeNotImplemented" });
  if (coefficients.length < (classes - 1) * count || rho.length < pairs)
    c.fail(`has ${coefficients.length} coefficients and ${rho.length} rho for ${classes} classes and ${count} support vectors`);
  if (probA.length !== probB.length || (probA.length > 0 && probA.length < pairs)) c.fail(`has ${probA.length} prob_a for ${pairs} pairs`);
  const vectors = c.required("support_vectors", c.floats("support_vectors"));
  checkVectors(c, vectors, count);
  const similar = similarities(c, x, vectors, count, false);
  const w = c.value(pairWeights(coefficients, perClass, classes));
  const scores = c.b.create(linear, { x: similar, w, bias: c.vector("f32", rho.slice(0, pairs)) });
  const label = labelled(c, labels, c.b.create(argReduce, { x: votes(c, scores, classes) }, { axis: 1, keepDims: false }));
  const kind = readPostTransform(c);
  if (probA.length > 0) return [label, transformed(c, probabilities(c, scores, classes, probA, probB), kind)];
  if (pairs > 1) return [label, transformed(c, scores, kind)];
  return [label, withFirstClass(c, scores, kind, kind === "NONE")];
}

/** Row by pair (i, j): the vectors of class i with the coefficients against j, and those of j against i; zero for the others. */
function pairWeights(coefficients: readonly number[], perClass: readonly number[], classes: number): ReturnType<typeof tensor> {
  const count = perClass.reduce((n, size) => n + size, 0);
  const start = perClass.map((_, i) => perClass.slice(0, i).reduce((n, size) => n + size, 0));
  const rows: number[][] = [];
  for (let i = 0; i < classes; i++) {
    for (let j = i + 1; j < classes; j++) {
      const row = new Array<number>(count).fill(0);
      for (let m = start[i]!; m < start[i]! + perClass[i]!; m++) row[m] = coefficients[(j - 1) * count + m]!;
      for (let m = start[j]!; m < start[j]! + perClass[j]!; m++) row[m] = coefficients[i * count + m]!;
      rows.push(row);
    }
  }
  return tensor("f32", [rows.length, count], rows.flat());
}

/** How many pairs each class wins: the first one of a pair above zero. */
function votes(c: NodeContext, scores: Value, classes: number): Value {
  const first = c.b.create(greater, { a: scores, b: c.scalar("f32", 0) });
  const won = c.b.create(concat, { xs: [castTo(c.b, first, "f32"), castTo(c.b, c.b.create(not, { x: first }), "f32")] }, { axis: 1 });
  const pairs = pairsOf(classes);
  const table = range(classes).flatMap((k) => [...pairs.map(([i]) => Number(i === k)), ...pairs.map(([, j]) => Number(j === k))]);
  return c.b.create(linear, { x: won, w: c.value(tensor("f32", [classes, 2 * pairs.length], table)) });
}

function pairsOf(classes: number): readonly (readonly [number, number])[] {
  return range(classes).flatMap((i) => range(classes - i - 1).map((j) => [i, i + 1 + j] as const));
}

/** Platt's probability for each pair, within 1e-7 of 0 and 1, and those of the classes that fit them best. */
function probabilities(c: NodeContext, scores: Value, classes: number, probA: readonly number[], probB: readonly number[]): Value {
  const pairs = pairsOf(classes);
  const slope = c.vector("f32", probA.slice(0, pairs.length));
  const logit = c.b.create(add, { a: c.b.create(mul, { a: scores, b: slope }), b: c.vector("f32", probB.slice(0, pairs.length)) });
  const won = c.b.create(clip, { x: c.b.create(sigmoid, { x: c.b.create(neg, { x: logit }) }) }, { low: 1e-7, high: 1 - 1e-7 });
  const rows = won.type.shape[0]!;
  const one = c.scalar("f32", 1);
  const nothing = broadcastTo(c.b, c.scalar("f32", 0), [rows, 1]);
  const all = c.b.create(concat, { xs: [won, c.b.create(sub, { a: one, b: won }), nothing] }, { axis: 1 });
  const place = (i: number, j: number): number => {
    if (i === j) return 2 * pairs.length;
    const at = pairs.findIndex(([a, b]) => a === Math.min(i, j) && b === Math.max(i, j));
    return i < j ? at : pairs.length + at;
  };
  const places = range(classes * classes).map((at) => place(Math.floor(at / classes), at % classes));
  const r = reshapeTo(c.b, c.b.create(gather, { x: all, indices: c.vector("i64", places) }, { axis: 1 }), [rows, classes, classes]);
  return c.b.create(coupling, { q: disagreement(c, r, classes) });
}

/** q[i][i] = sum over k of r[k][i]^2, q[i][j] = -r[j][i] * r[i][j]: what p * q * p has to be least in. */
function disagreement(c: NodeContext, r: Value, classes: number): Value {
  const squares = c.b.create(reduce, { x: r }, { kind: "sumSquare", axes: [1] });
  const cross = c.b.create(neg, { x: c.b.create(mul, { a: r, b: transposeMatrix(c.b, r) }) });
  const isDiagonal = c.value(
    tensor(
      "bool",
      [classes, classes],
      range(classes * classes).map((at) => Number(at % (classes + 1) === 0)),
    ),
  );
  return c.b.create(select, { condition: isDiagonal, a: squares, b: cross });
}

/** One score a class. Of two classes the second wins where the greater score is above zero, or where all weights are positive, 0.5. */
function linearClasses(c: NodeContext, x: Value, labels: ClassLabels, coefficients: readonly number[], rho: number): readonly Value[] {
  const classes = labelCount(labels);
  checkVectors(c, coefficients, classes);
  const scores = c.b.create(add, { a: similarities(c, x, coefficients, classes, true), b: c.scalar("f32", rho) });
  const best = c.b.create(argReduce, { x: scores }, { axis: 1, keepDims: false });
  const y = transformed(c, scores, readPostTransform(c));
  if (classes !== 2) return [labelled(c, labels, best), y];
  const top = c.b.create(reduce, { x: scores }, { kind: "max", axes: [1], keepDims: false });
  const isPositive = coefficients.every((weight) => weight >= 0);
  const isAbove = isPositive
    ? c.b.create(not, { x: c.b.create(greater, { a: c.scalar("f32", 0.5), b: top }) })
    : c.b.create(greater, { a: top, b: c.scalar("f32", 0) });
  return [labelled(c, labels, c.b.create(select, { condition: isAbove, a: c.scalar("i64", 1), b: best })), y];
}
