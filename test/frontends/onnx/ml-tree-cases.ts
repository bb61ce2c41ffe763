import { tensor } from "../../../src/ir/tensor.ts";
import { floats, type Attribute } from "../../fixtures/onnx-writer.ts";
import { f32, type OneNode } from "./one-node.ts";

/** Rows of three features that meet thresholds, missing values and infinities. */
const X = f32([7, 3], 0.25, -1, 2, NaN, 0, -0.5, 0.25, NaN, NaN, -3, 0.5, 1, 1, 1, 1, Infinity, -Infinity, 0, 0.75, -0.5, 0.5);

const MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"] as const;

interface Forest {
  readonly op: "TreeEnsembleRegressor" | "TreeEnsembleClassifier";
  readonly trees?: number;
  readonly modes?: readonly string[];
  /** Targets that the leaves of a tree name, by the tree and the number of the leaf. */
  readonly targets?: (tree: number, leaf: number) => readonly number[];
  readonly weight?: (at: number) => number;
  readonly double?: boolean;
  readonly tracks?: boolean;
}

/** Trees of three splits and four leaves; the right subtree of the second of them is a leaf. */
function forest({
  op,
  trees = 5,
  modes = ["BRANCH_LEQ"],
  targets = () => [0],
  weight = (at) => Math.sin(3.1 * at),
  double = false,
  tracks = false,
}: Forest): Record<string, Attribute> {
  const nodes: { tree: number; id: number; feature: number; value: number; mode: string; yes: number; no: number; track: number }[] = [];
  const weights: { tree: number; id: number; target: number; weight: number }[] = [];
  const values = [0.25, -0.5, 1, 0, 0.5, 0.75];
  for (let tree = 0; tree < trees; tree++) {
    for (const [id, yes, no] of [
      [0, 1, 2],
      [1, 3, 4],
      [2, 5, 6],
    ] as const) {
      nodes.push({
        tree,
        id,
        feature: (tree + id) % 3,
        value: values[(tree * 3 + id) % 6]!,
        mode: modes[(tree + id) % modes.length]!,
        yes,
        no,
        track: (tree + id) % 2,
      });
    }
    for (let leaf = 3; leaf < 7; leaf++) {
      nodes.push({ tree, id: leaf, feature: 0, value: 0, mode: "LEAF", yes: 0, no: 0, track: 0 });
      for (const target of targets(tree, leaf)) weights.push({ tree, id: leaf, target, weight: weight(weights.length) });
    }
  }
  const prefix = op === "TreeEnsembleRegressor" ? "target" : "class";
  const numbers = (list: readonly number[]): Attribute => (double ? tensor("f64", [list.length], list) : floats(...list.map(Math.fround)));
  const suffix = double ? "_as_tensor" : "";
  return {
    nodes_treeids: nodes.map(({ tree }) => tree),
    nodes_nodeids: nodes.map(({ id }) => id),
    nodes_featureids: nodes.map(({ feature }) => feature),
    [`nodes_values${suffix}`]: numbers(nodes.map(({ value }) => value)),
    nodes_modes: nodes.map(({ mode }) => mode),
    nodes_truenodeids: nodes.map(({ yes }) => yes),
    nodes_falsenodeids: nodes.map(({ no }) => no),
    ...(tracks ? { nodes_missing_value_tracks_true: nodes.map(({ track }) => track) } : {}),
    [`${prefix}_treeids`]: weights.map(({ tree }) => tree),
    [`${prefix}_nodeids`]: weights.map(({ id }) => id),
    [`${prefix}_ids`]: weights.map(({ target }) => target),
    [`${prefix}_weights${suffix}`]: numbers(weights.map((w) => w.weight)),
  };
}

const regressor = (more: Omit<Forest, "op">, attrs: Record<string, Attribute> = {}): OneNode => ({
  op: "TreeEnsembleRegressor",
  domain: "ai.onnx.ml",
  inputs: [more.double ? tensor("f64", X.type.shape, X.data as Float32Array) : X],
  attrs: { ...forest({ ...more, op: "TreeEnsembleRegressor" }), n_targets: 1, ...attrs },
  outputs: ["f32"],
});

const classifier = (more: Omit<Forest, "op">, attrs: Record<string, Attribute>): OneNode => ({
  op: "TreeEnsembleClassifier",
  domain: "ai.onnx.ml",
  inputs: [more.double ? tensor("f64", X.type.shape, X.data as Float32Array) : X],
  attrs: { ...forest({ ...more, op: "TreeEnsembleClassifier" }), ...attrs },
  outputs: ["i64", "f32"],
});

const TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"] as const;
const positive = (at: number): number => 0.02 + 0.1 * Math.abs(Math.sin(3.1 * at));
const everyThird = (tree: number): readonly number[] => [tree % 3];

export const TREE_CASES: readonly OneNode[] = [
  ...MODES.map((mode) => regressor({ modes: [mode] })),
  ...MODES.map((mode) => regressor({ modes: [mode], tracks: true })),
  regressor({ modes: MODES, tracks: true }, { base_values: floats(0.5) }),
  ...["AVERAGE", "MIN", "MAX"].map((aggregate_function) => regressor({ tracks: true }, { aggregate_function, base_values: floats(0.5) })),
  ...["SUM", "AVERAGE", "MIN", "MAX"].map((aggregate_function) =>
    regressor({ targets: (tree, leaf) => [leaf % 2, 1 + ((tree + leaf) % 2)] }, { aggregate_function, n_targets: 3, base_values: floats(1, 2, 3) }),
  ),
  ...["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"].map((post_transform) => regressor({ targets: everyThird }, { n_targets: 3, post_transform })),
  regressor({ weight: positive, trees: 2 }, { post_transform: "PROBIT" }),
  regressor({}, { post_transform: "LOGISTIC" }),
  ...TRANSFORMS.map((post_transform) => classifier({ targets: everyThird }, { classlabels_int64s: [10, 20, 30], post_transform })),
  ...TRANSFORMS.map((post_transform) =>
    classifier({ targets: everyThird }, { classlabels_int64s: [10, 20, 30], base_values: floats(0.3, -0.2, 0.1), post_transform }),
  ),
  classifier({ targets: () => [0, 1, 2], weight: positive }, { classlabels_int64s: [10, 20, 30] }),
  classifier({ targets: (tree, leaf) => [(tree + leaf) % 3], weight: (at) => -positive(at), trees: 2 }, { classlabels_int64s: [10, 20, 30] }),
  ...[floats(), floats(0.1), floats(0.1, -0.3)].flatMap((base) =>
    [[0], [1], [0, 1]].flatMap((named) =>
      [positive, (at: number) => Math.sin(3.1 * at)].flatMap((weight) =>
        ["NONE", "LOGISTIC"].map((post_transform) =>
          classifier(
            { targets: () => named, weight },
            { classlabels_int64s: [10, 20], post_transform, ...(base.floats.length > 0 ? { base_values: base } : {}) },
          ),
        ),
      ),
    ),
  ),
];

export const DOUBLE_TREE_CASES: readonly OneNode[] = [
  regressor({ modes: MODES, tracks: true, double: true }, { base_values_as_tensor: tensor("f64", [1], [0.1]) }),
  regressor({ targets: everyThird, double: true }, { n_targets: 3, aggregate_function: "MAX" }),
  classifier({ targets: everyThird, double: true }, { classlabels_int64s: [10, 20, 30], post_transform: "SOFTMAX" }),
];

/** Version 5: splits in one list, leaves in another, which two nodes may share. */
function ensemble(more: Record<string, Attribute>, dtype: "f32" | "f64" = "f32"): OneNode {
  const numbers = (...list: readonly number[]): Attribute => tensor(dtype, [list.length], list);
  return {
    op: "TreeEnsemble",
    domain: "ai.onnx.ml",
    inputs: [dtype === "f64" ? tensor("f64", X.type.shape, X.data as Float32Array) : X],
    attrs: {
      n_targets: 2,
      tree_roots: [0, 4],
      nodes_modes: tensor("u8", [6], [0, 1, 2, 3, 4, 5]),
      nodes_featureids: [0, 1, 2, 0, 1, 2],
      nodes_splits: numbers(0.25, -0.5, 1, 0.5, 1, 0),
      nodes_truenodeids: [1, 0, 2, 3, 5, 0],
      nodes_trueleafs: [0, 1, 1, 1, 0, 1],
      nodes_falsenodeids: [2, 3, 4, 5, 1, 6],
      nodes_falseleafs: [0, 0, 1, 1, 1, 1],
      leaf_targetids: [0, 1, 0, 1, 0, 1, 0],
      leaf_weights: numbers(0.5, -0.25, 0.125, 1.5, -2, 0.75, 3),
      ...more,
    },
  };
}

const MEMBERS: Record<string, Attribute> = {
  nodes_modes: tensor("u8", [6], [6, 1, 6, 3, 0, 5]),
  membership_values: f32([7], 1, 2, NaN, 40, -3, 70, NaN),
};

export const LISTED_TREE_CASES: readonly OneNode[] = [
  ensemble({}),
  ensemble({ nodes_missing_value_tracks_true: [1, 0, 1, 0, 1, 0] }),
  ensemble({}, "f64"),
  ensemble(MEMBERS),
  ...[0, 1, 2, 3].map((aggregate_function) => ensemble({ aggregate_function })),
  // Not 1 and 2, which ONNX Runtime takes for each other.
  ...[0, 3].map((post_transform) => ensemble({ post_transform })),
];
