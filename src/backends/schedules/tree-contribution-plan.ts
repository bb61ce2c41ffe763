import { coverOf, type TreeCovers } from "../../ir/trees/covers.ts";
import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import type { PlainTests } from "./tree-tests.ts";

/**
 * One tree for one target, in arrays by split, parents first. Node 0 is the root, and the children of split k are nodes 2k + 1 (where
 * its test holds) and 2k + 2. A node's share is that of the player it belongs to: of the training rows, how many went as the tests
 * of one feature on the way to it say.
 */
export interface GameTree {
  readonly target: number;
  /** By split: its node, the column and threshold of its test, its feature. */
  readonly nodes: readonly number[];
  readonly columns: readonly number[];
  readonly thresholds: readonly number[];
  readonly features: readonly number[];
  /** By split: the last node on the way whose split asks the same feature; -1: none does. */
  readonly same: readonly number[];
  /** By node. */
  readonly shares: Float64Array;
  readonly values: Float64Array;
  /** Features on the way to a leaf, at most. */
  readonly players: number;
}

/** The trees of an ensemble that have splits, once for each target that they name. */
export function gameTrees(ensemble: TreeEnsemble, covers: TreeCovers, tests: PlainTests): readonly GameTree[] {
  const trees: GameTree[] = [];
  for (let tree = 0; tree < treeCount(ensemble); tree++) {
    if (ensemble.splits[tree] === ensemble.splits[tree + 1]) continue;
    for (const target of targetsOf(ensemble, tree)) trees.push(gameTree(ensemble, covers, tests, tree, target));
  }
  return trees;
}

function targetsOf({ leaves, entries, targets }: TreeEnsemble, tree: number): readonly number[] {
  return [...new Set(targets.subarray(entries[leaves[tree]!]!, entries[leaves[tree + 1]!]!))].sort((a, b) => a - b);
}

/** What a walk does next: goes to a child that is node n, or notes the node that a feature's player is at (-1: it is not on the way). */
type Task = { readonly child: number; readonly node: number } | { readonly feature: number; readonly at: number };

function gameTree(ensemble: TreeEnsemble, covers: TreeCovers, tests: PlainTests, tree: number, target: number): GameTree {
  const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
  const count = 2 * (ensemble.splits[tree + 1]! - firstSplit) + 1;
  const made = { nodes: [] as number[], columns: [] as number[], thresholds: [] as number[], features: [] as number[], same: [] as number[] };
  const [shares, values, players] = [new Float64Array(count).fill(1), new Float64Array(count), new Int32Array(count)];
  const at = new Map<number, number>();
  const open: Task[] = [{ child: 0, node: 0 }];
  for (let task = open.pop(); task; task = open.pop()) {
    if ("feature" in task) {
      at.set(task.feature, task.at);
      continue;
    }
    const { child, node } = task;
    if (child < 0) {
      const leaf = firstLeaf + ~child;
      for (let e = ensemble.entries[leaf]!; e < ensemble.entries[leaf + 1]!; e++) if (ensemble.targets[e] === target) values[node]! += ensemble.weights[e]!;
      continue;
    }
    const split = firstSplit + child;
    const feature = ensemble.features[split]!;
    const same = at.get(feature) ?? -1;
    const k = made.nodes.push(node) - 1;
    made.columns.push(tests.column[split]!);
    made.thresholds.push(tests.thresholds[split]!);
    made.features.push(feature);
    made.same.push(same);
    const [left, right] = [ensemble.left[split]!, ensemble.right[split]!];
    (tests.swapped[split] ? [right, left] : [left, right]).forEach((to, i) => {
      shares[2 * k + 1 + i] = (coverOf(ensemble, covers, tree, to) / covers.splits[split]!) * (same < 0 ? 1 : shares[same]!);
      players[2 * k + 1 + i] = players[node]! + Number(same < 0);
    });
    const [first, second] = tests.swapped[split] ? [right, left] : [left, right];
    open.push({ feature, at: same }, { child: second, node: 2 * k + 2 }, { feature, at: 2 * k + 2 });
    open.push({ child: first, node: 2 * k + 1 }, { feature, at: 2 * k + 1 });
  }
  return { target, ...made, shares, values, players: players.reduce((most, n) => Math.max(most, n), 0) };
}

/** Trees that run through the same loops: so many points of quadrature, so many splits. */
export interface GameGroup {
  readonly points: number;
  readonly splits: number;
  readonly trees: readonly GameTree[];
}

/** Few groups: points come in whole vectors, and at most a third of the splits is for nothing. */
export function gameGroups(trees: readonly GameTree[], lanes: number): readonly GameGroup[] {
  const groups = new Map<string, GameGroup & { trees: GameTree[] }>();
  for (const tree of trees) {
    // Degree players - 1 in the share of those that take part.
    const points = Math.ceil(Math.ceil(tree.players / 2) / lanes) * lanes;
    const splits = roundedSplits(tree.nodes.length);
    const key = `${points},${splits}`;
    if (!groups.has(key)) groups.set(key, { points, splits, trees: [] });
    groups.get(key)!.trees.push(tree);
  }
  return [...groups.values()];
}

/** 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48 … */
function roundedSplits(count: number): number {
  const power = 2 ** Math.floor(Math.log2(count));
  return count === power ? power : count <= power * 1.5 && power > 1 ? power * 1.5 : power * 2;
}
