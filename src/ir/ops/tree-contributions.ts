import { tensorAttr, type AttrValue } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import { tensorType, type DType } from "../types.ts";
import { EnsembleCollector, type LeafNode, type SplitNode } from "../trees/collect.ts";
import { contributionsOf } from "../trees/contributions.ts";
import { coverProblem, type TreeCovers } from "../trees/covers.ts";
import { ENSEMBLE_FIELDS, ensembleAttrs, ensembleOf, fieldDtypes, type TreeEnsemble } from "../trees/ensemble.ts";
import { ensembleProblems } from "../trees/problems.ts";
import type { Tensor } from "../tensor.ts";
import { expect, expectDtype, expectNumbers, expectRank, knownExtent } from "./expect.ts";

const COVER_FIELDS: readonly (readonly ["splitCovers" | "leafCovers", readonly DType[]])[] = [
  ["splitCovers", ["f64"]],
  ["leafCovers", ["f64"]],
];

/**
 * What each feature adds to the sums of decision trees, in the dtype of the weights: exact path-dependent Shapley values (TreeSHAP;
 * src/ir/trees/contributions.ts is their definition). All of a row and a target come to the sum of its leaves and base.
 */
export const treeContributions = defineOp({
  name: "treeContributions",
  summary: "Per row of x and target, what each feature adds to the sum of the leaves of decision trees, and last what is expected of any row (TreeSHAP).",
  operands: ["x"],
  attrs: {
    ...(Object.fromEntries(ENSEMBLE_FIELDS.map((field) => [field, tensorAttr()])) as Record<keyof TreeEnsemble, ReturnType<typeof tensorAttr>>),
    splitCovers: tensorAttr(),
    leafCovers: tensorAttr(),
  },
  tolerance: { abs: 1e-6, rel: 1e-6 },
  samples: samples(),
  infer({ x }, attrs) {
    expectDtype("treeContributions", "x", x, "f32", "f64");
    expectNumbers("treeContributions", "x", x);
    expectRank("treeContributions", "x", x, 2);
    const wanted: readonly (readonly [keyof typeof attrs, readonly DType[]])[] = [
      ...ENSEMBLE_FIELDS.map((field) => [field, fieldDtypes(field)] as const),
      ...COVER_FIELDS,
    ];
    for (const [field, dtypes] of wanted) {
      const { dtype, shape } = attrs[field].type;
      expect(
        shape.length === 1 && dtypes.includes(dtype),
        () => `${field} is ${dtype} of rank ${shape.length}, treeContributions wants ${dtypes.join(" or ")} of rank 1`,
      );
    }
    const ensemble = ensembleOf(attrs);
    const columns = knownExtent("treeContributions", "x", x.shape[1]);
    const problem = ensembleProblems(ensemble, columns)[0] ?? coversProblem(ensemble, coversOf(attrs));
    expect(problem === undefined, () => `${problem!.where} ${problem!.text}`);
    return tensorType(attrs.weights.type.dtype, [x.shape[0]!, ensemble.base.length, columns + 1]);
  },
  evaluate({ x }, attrs, _result, types) {
    const [rows, columns] = types.x.shape as [number, number];
    return contributionsOf(ensembleOf(attrs), coversOf(attrs), x, rows, columns);
  },
  macs: (types, attrs) => types.x.shape[0]! * ensembleOf(attrs).features.length * 8,
});

/** Attributes for the op. */
export function contributionAttrs(ensemble: TreeEnsemble, covers: TreeCovers): Readonly<Record<keyof TreeEnsemble | "splitCovers" | "leafCovers", Tensor>> {
  const made = (data: Float64Array): Tensor => ({ type: { dtype: "f64", shape: [data.length] }, data });
  return { ...ensembleAttrs(ensemble), splitCovers: made(covers.splits), leafCovers: made(covers.leaves) };
}

/** The covers in the attributes of the op. */
export function coversOf(attrs: Readonly<Record<string, AttrValue>>): TreeCovers {
  const data = (name: string): Float64Array => (attrs[name] as Tensor).data as Float64Array;
  return { splits: data("splitCovers"), leaves: data("leafCovers") };
}

function coversProblem(ensemble: TreeEnsemble, covers: TreeCovers): { readonly where: string; readonly text: string } | undefined {
  for (const [name, kind, count] of [
    ["splitCovers", "splits", ensemble.features.length],
    ["leafCovers", "leaves", ensemble.leafNodes.length],
  ] as const) {
    if (covers[kind].length !== count) return { where: name, text: `has ${covers[kind].length} elements for ${count} ${kind}` };
    const odd = covers[kind].findIndex((cover) => coverProblem(kind, cover) !== undefined);
    if (odd >= 0) return { where: `${name} ${odd}`, text: coverProblem(kind, covers[kind][odd]!)! };
  }
  return undefined;
}

/** Features asked twice on a path, a lone leaf, leaves for several targets, a leaf to which no row of training came. */
function samples(): readonly { readonly x: string; readonly attrs: Readonly<Record<string, unknown>> }[] {
  const split = (feature: number, comparison: SplitNode["comparison"], threshold: number, left: number, right: number, cover: number): SplitNode => ({
    kind: "split",
    feature,
    comparison,
    threshold,
    members: [0, 1, 2],
    defaultLeft: feature === 1,
    left,
    right,
    cover,
  });
  const leaf = (cover: number, ...weights: LeafNode["weights"]): LeafNode => ({ kind: "leaf", weights, cover });
  const build = (dtype: "f32" | "f64", comparison: SplitNode["comparison"]): object => {
    const collector = new EnsembleCollector(3, [0.5, -0.25], { thresholds: dtype, weights: dtype }, "covers");
    const first = [
      split(0, comparison, 0.25, 1, 2, 40),
      split(1, "lt", -0.5, 3, 4, 30),
      leaf(10, [0, 0.1]),
      leaf(12.5, [1, 0.2]),
      split(0, comparison, -0.5, 5, 6, 17.5),
      leaf(17.5, [0, 0.3], [1, -0.7]),
      leaf(0, [0, 2]),
    ];
    const second = [split(2, "lt", 0, 1, 2, 8), leaf(3), leaf(5, [1, 3.3])];
    collector.addTree((n) => first[n]);
    collector.addTree((n) => second[n]);
    collector.addTree(() => leaf(40, [0, 0.7]));
    const ensemble = collector.finish();
    return contributionAttrs(ensemble, collector.covers());
  };
  return [
    { x: "5x3xf32", attrs: { ...build("f32", "lt") } },
    { x: "4x3xf64", attrs: { ...build("f64", "le") } },
    { x: "3x3xf32", attrs: { ...build("f64", "memberFloor") } },
  ];
}
