import { EnsembleCollector, type LeafNode, type SplitNode, type TreeSource } from "../../ir/trees/collect.ts";
import type { TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { limitError, type Limits } from "../../support/limits.ts";
import type { TreeBooster, XgboostModel, XgboostTree } from "./model.ts";

/** Trees `begin` to `end` (exclusive) as an ensemble of f32. Throws NEO2072 with tree and node, or a limit. */
export function ensembleOf(
  model: XgboostModel,
  booster: TreeBooster,
  base: readonly number[],
  trees: readonly [number, number],
  file: string,
  limits: Limits,
): TreeEnsemble {
  const collector = new EnsembleCollector(model.features, base, { thresholds: "f32", weights: "f32" });
  checkSets(booster, file, limits);
  for (let i = trees[0]; i < trees[1]; i++) {
    const weight = booster.treeWeights?.[i];
    const scaled = (leaf: number): number => (weight === undefined ? leaf : Math.fround(Math.fround(leaf) * Math.fround(weight)));
    collector.addTree(sourceOf(booster.trees[i]!, booster.treeGroups[i]!, scaled));
  }
  return collector.finish(file);
}

function sourceOf(tree: XgboostTree, group: number, scaled: (leaf: number) => number): TreeSource {
  return (node) => {
    const left = tree.left[node];
    if (left === undefined) return undefined;
    return left === -1 ? leafOf(tree, node, group, scaled) : splitOf(tree, node, left);
  };
}

function leafOf(tree: XgboostTree, node: number, group: number, scaled: (leaf: number) => number): LeafNode | undefined {
  if (!tree.leafVector) return { kind: "leaf", weights: [[group, scaled(tree.threshold[node]!)]] };
  const values = tree.leafVector(node);
  return values && { kind: "leaf", weights: values.map((value, k) => [k, scaled(value)] as const) };
}

/** Categories in the set go right, where members of our sets go left: the sides change places. */
function splitOf(tree: XgboostTree, node: number, left: number): SplitNode {
  const [right, feature] = [tree.right[node]!, tree.feature[node]!];
  const defaultLeft = tree.defaultLeft[node] !== 0;
  const members = tree.categories.get(node);
  if (members) return { kind: "split", feature, comparison: "memberFloor", threshold: 0, members, defaultLeft: !defaultLeft, left: right, right: left };
  return { kind: "split", feature, comparison: "lt", threshold: Math.fround(tree.threshold[node]!), defaultLeft, left, right };
}

/** A set takes as many bits as its largest member: a few bytes of a file can ask for megabytes. */
function checkSets({ trees }: TreeBooster, file: string, limits: Limits): void {
  let bytes = 0;
  for (const [i, tree] of trees.entries())
    for (const members of tree.categories.values()) {
      const most = members.reduce((a, b) => Math.max(a, b), 0);
      bytes += Number.isFinite(most) ? most / 8 : 0;
      if (bytes > limits.tensorBytes) throw limitError("tensorBytes", limits, file, `bytes of the sets of categories up to tree ${i}:`, Math.ceil(bytes));
    }
}
