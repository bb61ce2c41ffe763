import { treeCount, type Floats, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import type { PlainTests } from "./tree-tests.ts";

/**
 * Nodes of a walk by index: the row goes from node n to first[n] if its column is below the threshold, else to first[n] + 1. Children
 * stand side by side, and count from the root of their tree. A leaf is its own first child and looks at the column that is always
 * -1, so that walks of trees of unequal depth may go on; its threshold's bits are the number of the leaf.
 */
export interface WalkNodes {
  readonly columns: Int32Array;
  readonly thresholds: Floats;
  readonly first: Int32Array;
  /** The split of the ensemble that a node is, or ~leaf, counted within its tree. */
  readonly origins: Int32Array;
  /** By tree: its root, and the splits on its longest path. */
  readonly roots: Int32Array;
  readonly depths: Int32Array;
  /** The greatest number of nodes of a tree. */
  readonly mostNodes: number;
}

export function walkNodes(ensemble: TreeEnsemble, tests: PlainTests, make: (count: number) => Floats): WalkNodes {
  const trees = treeCount(ensemble);
  const count = ensemble.features.length + ensemble.leafNodes.length;
  const columns = new Int32Array(count);
  const thresholds = make(count);
  const words = new Int32Array(thresholds.buffer);
  const wordsEach = thresholds.BYTES_PER_ELEMENT / 4;
  const first = new Int32Array(count);
  const origins = new Int32Array(count);
  const roots = new Int32Array(trees);
  const depths = new Int32Array(trees);
  let root = 0;
  let mostNodes = 1;
  for (let tree = 0; tree < trees; tree++) {
    roots[tree] = root;
    const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
    // Level by level, so that paths begin close together.
    const nodes: { readonly child: number; readonly depth: number }[] = [{ child: ensemble.splits[tree + 1] === firstSplit ? ~0 : 0, depth: 0 }];
    for (let n = 0; n < nodes.length; n++) {
      const { child, depth } = nodes[n]!;
      const at = root + n;
      if (child < 0) {
        columns[at] = tests.columns.count - 1;
        words[at * wordsEach] = firstLeaf + ~child;
        first[at] = n;
        origins[at] = child;
        depths[tree] = Math.max(depths[tree]!, depth);
        continue;
      }
      const split = firstSplit + child;
      columns[at] = tests.column[split]!;
      thresholds[at] = tests.thresholds[split]!;
      first[at] = nodes.length;
      origins[at] = split;
      const [left, right] = [ensemble.left[split]!, ensemble.right[split]!];
      nodes.push(...(tests.swapped[split] ? [right, left] : [left, right]).map((next) => ({ child: next, depth: depth + 1 })));
    }
    root += nodes.length;
    mostNodes = Math.max(mostNodes, nodes.length);
  }
  return { columns, thresholds, first, origins, roots, depths, mostNodes };
}

/** Trees that are walked together: as many steps for all. */
export interface Depths {
  readonly steps: number;
  readonly trees: readonly number[];
}

/** Few groups, however many depths there are: at most a third of the steps is for nothing. */
export function byDepth(depths: ArrayLike<number>): readonly Depths[] {
  const groups = new Map<number, number[]>();
  for (let tree = 0; tree < depths.length; tree++) {
    const steps = stepsFor(depths[tree]!);
    groups.set(steps, [...(groups.get(steps) ?? []), tree]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([steps, trees]) => ({ steps, trees }));
}

/** 0, 2, 4, 6, 8, 12, 16, 24, 32, 48 … */
function stepsFor(depth: number): number {
  let steps = 2;
  if (depth === 0) return 0;
  while (steps < depth) steps += steps < 8 ? 2 : 2 ** (Math.floor(Math.log2(steps)) - 1);
  return steps;
}
