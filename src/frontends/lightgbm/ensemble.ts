import { EnsembleCollector, type LeafNode, type SplitNode } from "../../ir/trees/collect.ts";
import type { TreeCovers } from "../../ir/trees/covers.ts";
import { ZERO_THRESHOLD, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import type { LightgbmLeaf, LightgbmModel, LightgbmSplit, LightgbmTree } from "./model.ts";

/** Trees `begin` to `end` (exclusive) as an ensemble of f64, leaves named by their numbers. Throws NEO2072 with tree and node; a leaf k is node ~k. */
export function ensembleOf(model: LightgbmModel, range: readonly [number, number], file: string): TreeEnsemble {
  const ensemble = collected(model, range, "no covers").finish(file);
  return { ...ensemble, leafNodes: ensemble.leafNodes.map((node) => ~node) };
}

/** The same trees with the cover of each node. */
export function coveredEnsembleOf(
  model: LightgbmModel,
  range: readonly [number, number],
  file: string,
): { readonly ensemble: TreeEnsemble; readonly covers: TreeCovers } {
  const collector = collected(model, range, "covers");
  return { ensemble: collector.finish(file), covers: collector.covers() };
}

function collected(model: LightgbmModel, [begin, end]: readonly [number, number], kept: "covers" | "no covers"): EnsembleCollector {
  const collector = new EnsembleCollector(model.features, new Array<number>(model.groups).fill(0), { thresholds: "f64", weights: "f64" }, kept);
  for (let i = begin; i < end; i++) {
    const tree = model.trees[i]!;
    collector.addTree((node) => nodeOf(tree, node, i % model.groups), tree.root);
  }
  return collector;
}

function nodeOf(tree: LightgbmTree, node: number, group: number): SplitNode | LeafNode | undefined {
  if (node < 0) {
    const leaf = leafOf(tree, ~node);
    // Of a lone leaf nobody asks how often it is met.
    return leaf && { kind: "leaf", weights: [[group, leaf.value]], cover: node === tree.root ? 1 : (leaf.cover ?? NaN) };
  }
  const split = Array.isArray(tree.splits) ? (tree.splits as readonly LightgbmSplit[])[node] : (tree.splits as ReadonlyMap<number, LightgbmSplit>).get(node);
  return split && splitNode(split);
}

export function leafOf({ leaves }: LightgbmTree, leaf: number): LightgbmLeaf | undefined {
  return Array.isArray(leaves) ? (leaves as readonly LightgbmLeaf[])[leaf] : (leaves as ReadonlyMap<number, LightgbmLeaf>).get(leaf);
}

/** NaN of a category goes right. Where NaN is not what is missing it counts as 0, and goes where 0 goes. */
function splitNode({ feature, left, right, threshold, missing, defaultLeft, categories, cover = NaN }: LightgbmSplit): SplitNode {
  if (categories) return { kind: "split", feature, comparison: "memberTrunc", threshold: 0, members: categories, defaultLeft: false, left, right, cover };
  const common = { kind: "split", feature, comparison: "le", left, right, cover } as const;
  if (missing === "zero") return { ...common, threshold, defaultLeft, zeroIsMissing: true };
  return { ...common, threshold: beyondZero(threshold), defaultLeft: missing === "nan" ? defaultLeft : 0 <= threshold };
}

/** LightGBM takes numbers within 1e-35 of zero for zero before it compares: all of them go where 0 goes. */
function beyondZero(threshold: number): number {
  if (!(Math.abs(threshold) <= ZERO_THRESHOLD)) return threshold;
  return threshold >= 0 ? ZERO_THRESHOLD : nextBelow(-ZERO_THRESHOLD);
}

/** The next double below a negative one. */
function nextBelow(value: number): number {
  const bits = new BigUint64Array(new Float64Array([value]).buffer);
  bits[0] = bits[0]! + 1n;
  return new Float64Array(bits.buffer)[0]!;
}
