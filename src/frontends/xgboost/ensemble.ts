import { EnsembleCollector, type LeafNode, type SplitNode, type TreeSource } from "../../ir/trees/collect.ts";
import type { TreeCovers } from "../../ir/trees/covers.ts";
import type { TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { NeoError } from "../../support/errors.ts";
import { limitError, type Limits } from "../../support/limits.ts";
import type { TreeBooster, XgboostModel, XgboostTree } from "./model.ts";

/** Where trees come from, and which of them count. */
export interface TreeRange {
  readonly model: XgboostModel;
  readonly booster: TreeBooster;
  /** By group: where sums start. */
  readonly base: readonly number[];
  /** First tree, and last (exclusive). */
  readonly trees: readonly [number, number];
  readonly file: string;
  readonly limits: Limits;
}

/** Trees as an ensemble of f32. Throws NEO2072 with tree and node, or a limit. */
export function ensembleOf(range: TreeRange): TreeEnsemble {
  return collected(range, "no covers").finish(range.file);
}

/** The same with the cover of each node. Throws NEO2033 where the file has none. */
export function coveredEnsembleOf(range: TreeRange): { readonly ensemble: TreeEnsemble; readonly covers: TreeCovers } {
  const collector = collected(range, "covers");
  return { ensemble: collector.finish(range.file), covers: collector.covers() };
}

function collected({ model, booster, base, trees, file, limits }: TreeRange, kept: "covers" | "no covers"): EnsembleCollector {
  const collector = new EnsembleCollector(model.features, base, { thresholds: "f32", weights: "f32" }, kept);
  checkSets(booster, file, limits);
  for (let i = trees[0]; i < trees[1]; i++) {
    const weight = booster.treeWeights?.[i];
    const scaled = (leaf: number): number => (weight === undefined ? leaf : Math.fround(Math.fround(leaf) * Math.fround(weight)));
    const source = sourceOf(booster.trees[i]!, booster.treeGroups[i]!, scaled);
    collector.addTree(kept === "covers" ? withCovers(source, booster.trees[i]!.covers?.() ?? withoutCovers(file, i)) : source);
  }
  return collector;
}

function withCovers(source: TreeSource, covers: ArrayLike<number>): TreeSource {
  return (node) => {
    const known = source(node);
    return known && { ...known, cover: covers[node]! };
  };
}

function withoutCovers(file: string, tree: number): never {
  throw new NeoError({
    code: "NEO2033",
    message: `${file} does not tell how many rows of training came to the nodes of tree ${tree}: there are no contributions`,
    hint: "leave contributions out of --output-kind, or save the model again with the library that trained it",
    file,
  });
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
