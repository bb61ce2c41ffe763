import { EnsembleCollector, type LeafNode, type SplitNode, type TreeSource } from "../../ir/trees/collect.ts";
import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import type { CatboostModel, CatboostTest, CatboostTree } from "./model.ts";

/**
 * Trees `begin` to `end` (exclusive) as an ensemble over the columns of numbers, then those of categories. Leaves have CatBoost's
 * numbers. Throws NEO2072 with tree and node.
 */
export function ensembleOf(model: CatboostModel, [begin, end]: readonly [number, number], base: readonly number[], file: string): TreeEnsemble {
  const columns = model.floatNames.length + model.categoryNames.length;
  // Borders are f32; hashes need f64.
  const thresholds = model.categoryNames.length > 0 ? "f64" : "f32";
  const collector = new EnsembleCollector(columns, base, { thresholds, weights: "f64" });
  const trees = model.trees.slice(begin, end);
  for (const tree of trees) collector.addTree(sourceOf(tree, model), tree.kind === "oblivious" ? 1 : 0);
  const ensemble = collector.finish(file);
  const leafNodes = new Int32Array(ensemble.leafNodes.length);
  for (let i = 0; i < treeCount(ensemble); i++)
    for (let leaf = ensemble.leaves[i]!; leaf < ensemble.leaves[i + 1]!; leaf++) leafNodes[leaf] = leafNumber(trees[i]!, ensemble.leafNodes[leaf]!);
  return { ...ensemble, leafNodes };
}

function leafNumber(tree: CatboostTree, node: number): number {
  if (tree.kind === "oblivious") return node - 2 ** tree.tests.length;
  const known = tree.nodes[node]!;
  return "leaf" in known ? known.leaf : 0;
}

function sourceOf(tree: CatboostTree, model: CatboostModel): TreeSource {
  const dimensions = model.dimensions;
  if (tree.kind === "any")
    return (node) => {
      const known = tree.nodes[node];
      if (!known) return undefined;
      return "leaf" in known ? leafOf(known.values) : splitOf(known.test, model, known.left, known.right);
    };
  // Node 2^k + c: the answers of the first k tests are the bits of c, the first of them the lowest.
  const { tests, values } = tree;
  const leaves = 2 ** tests.length;
  return (node) => {
    if (node >= leaves) return leafOf(Array.from({ length: dimensions }, (_, k) => values[(node - leaves) * dimensions + k]!));
    const level = 31 - Math.clz32(node);
    return splitOf(tests[level]!, model, node + 2 ** level, node + 2 ** (level + 1));
  };
}

function leafOf(values: readonly number[]): LeafNode {
  return { kind: "leaf", weights: values.map((value, k) => [k, value] as const) };
}

/** Where CatBoost's test holds a row goes right; tests of splits of ours send it left. */
function splitOf(test: CatboostTest, model: CatboostModel, left: number, right: number): SplitNode {
  const sides = { kind: "split", left: right, right: left } as const;
  if (test.kind === "float") return { ...sides, feature: test.feature, comparison: "gt", threshold: test.border, defaultLeft: model.nanIsTrue[test.feature]! };
  return { ...sides, feature: model.floatNames.length + test.feature, comparison: "eq", threshold: test.hash, defaultLeft: false };
}
