import { bool, oneOf, tensorAttr } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, tensorType } from "../types.ts";
import { EnsembleCollector, type LeafNode, type SplitNode } from "../trees/collect.ts";
import { ENSEMBLE_FIELDS, ensembleAttrs, ensembleOf, fieldDtypes, treeCount, type TreeEnsemble } from "../trees/ensemble.ts";
import { ensembleProblems } from "../trees/problems.ts";
import { leafOf, scoresOf } from "../trees/walk.ts";
import { UNCHANGED } from "./elements.ts";
import { expect, expectDtype, expectNumbers, expectRank, knownExtent } from "./expect.ts";

/**
 * Decision trees over rows. The attributes are the arrays of `TreeEnsemble` (src/ir/trees/ensemble.ts says what each means, and
 * `EnsembleCollector` makes them of trees as files have them). Results are exact: the sum of a row is that of its leaves in the
 * order of the trees, each step rounded to the dtype of the weights, on every executor. Readers write what an objective does to
 * the sums (sigmoid, softmax, exp …) as ops behind it, and other missing values than NaN as ops before it.
 */
export const trees = defineOp({
  name: "trees",
  summary: "Decision trees over each row of x: sums (or averages, least, greatest) of their leaves a target, or the leaf that each tree comes to.",
  operands: ["x"],
  attrs: {
    ...(Object.fromEntries(ENSEMBLE_FIELDS.map((field) => [field, tensorAttr()])) as Record<keyof TreeEnsemble, ReturnType<typeof tensorAttr>>),
    aggregate: oneOf("sum", "average", "min", "max"),
    /** Of a sum: base is added last, not first. */
    baseLast: bool(false),
    /** leaves: i32 [rows, trees], of each leaf its `leafNodes`. */
    output: oneOf("scores", "leaves"),
  },
  tolerance: UNCHANGED,
  samples: samples(),
  infer({ x }, attrs) {
    expectDtype("trees", "x", x, "f32", "f64");
    expectNumbers("trees", "x", x);
    expectRank("trees", "x", x, 2);
    for (const field of ENSEMBLE_FIELDS) {
      const { dtype, shape } = attrs[field].type;
      expect(
        shape.length === 1 && fieldDtypes(field).includes(dtype),
        () => `${field} is ${dtype} of rank ${shape.length}, trees wants ${fieldDtypes(field).join(" or ")} of rank 1`,
      );
    }
    const ensemble = ensembleOf(attrs);
    const [problem] = ensembleProblems(ensemble, knownExtent("trees", "x", x.shape[1]));
    expect(problem === undefined, () => `${problem!.where} ${problem!.text}`);
    const rows = x.shape[0]!;
    return attrs.output === "leaves" ? tensorType("i32", [rows, treeCount(ensemble)]) : tensorType(attrs.weights.type.dtype, [rows, ensemble.base.length]);
  },
  evaluate({ x }, attrs, _result, types) {
    const ensemble = ensembleOf(attrs);
    const [rows, columns] = types.x.shape as [number, number];
    if (attrs.output === "scores") return scoresOf(ensemble, attrs, x, rows, columns);
    const count = treeCount(ensemble);
    return Float64Array.from(
      { length: elementCount([rows, count]) },
      (_, i) => ensemble.leafNodes[leafOf(ensemble, i % count, x, Math.floor(i / count) * columns)]!,
    );
  },
  macs: (types, attrs) => types.x.shape[0]! * treeCount(ensembleOf(attrs)),
});

/** Two trees and a single leaf, with each kind of test in one of the samples. */
function samples(): readonly { readonly x: string; readonly attrs: Readonly<Record<string, unknown>> }[] {
  const split = (feature: number, comparison: SplitNode["comparison"], threshold: number, left: number, right: number): SplitNode => ({
    kind: "split",
    feature,
    comparison,
    threshold,
    members: [0, 1, 2],
    defaultLeft: feature === 1,
    zeroIsMissing: comparison === "le",
    left,
    right,
  });
  const leaf = (...weights: LeafNode["weights"]): LeafNode => ({ kind: "leaf", weights });
  const build = (dtype: "f32" | "f64", tests: readonly [SplitNode["comparison"], SplitNode["comparison"]]): object => {
    const collector = new EnsembleCollector(3, [0.5, -0.25], { thresholds: dtype, weights: dtype });
    const first = [split(0, tests[0], 0.25, 1, 2), split(1, tests[1], -0.5, 3, 4), leaf([0, 0.1]), leaf([1, 0.2]), leaf([0, 0.3], [1, -0.7])];
    const second = [leaf([0, -1.1]), split(2, tests[1], 1, 2, 0), split(0, tests[0], 0, 3, 4), leaf(), leaf([1, 3.3])];
    collector.addTree((n) => first[n]);
    collector.addTree((n) => second[n], 1);
    collector.addTree(() => leaf([0, 0.7]));
    return ensembleAttrs(collector.finish());
  };
  return [
    { x: "5x3xf32", attrs: { ...build("f32", ["lt", "lt"]) } },
    { x: "4x3xf64", attrs: { ...build("f64", ["le", "gt"]), baseLast: true } },
    { x: "3x3xf32", attrs: { ...build("f64", ["ge", "eq"]), aggregate: "average" } },
    { x: "6x3xf64", attrs: { ...build("f32", ["ne", "member"]), aggregate: "min" } },
    { x: "7x3xf32", attrs: { ...build("f32", ["memberTrunc", "memberFloor"]), aggregate: "max" } },
    { x: "2x3xf32", attrs: { ...build("f32", ["lt", "le"]), output: "leaves" } },
  ];
}
