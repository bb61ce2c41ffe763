import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";

/**
 * Trees in the order of a walk to the left first. A split at n with `skip` splits in its left subtree has that subtree at n + 1 and the
 * right one at n + 1 + skip; leaves are counted from left to right, so that a subtree of m splits has m + 1 leaves in a row.
 */
interface TreeShapes {
  /** By split: the number of its test, and the splits of its left subtree. */
  readonly tests: Int32Array;
  readonly skips: Int32Array;
  /** Splits of each tree. */
  readonly sizes: Int32Array;
  /** By leaf in this order: its number in the ensemble. */
  readonly leaves: Int32Array;
  /** Tests that differ: each by a split that has it. */
  readonly distinct: readonly number[];
}

export function treeShapes(ensemble: TreeEnsemble): TreeShapes {
  const { splits, leaves, left, right, features, modes, thresholds } = ensemble;
  const trees = treeCount(ensemble);
  const shapes = { tests: new Int32Array(features.length), skips: new Int32Array(features.length), sizes: new Int32Array(trees) };
  const order = new Int32Array(leaves[trees]!);
  const known = new Map<string, number>();
  const distinct: number[] = [];
  let [at, leaf] = [0, 0];
  for (let tree = 0; tree < trees; tree++) {
    const [first, firstLeaf] = [splits[tree]!, leaves[tree]!];
    shapes.sizes[tree] = splits[tree + 1]! - first;
    // A stack of what is still to be visited; ~n marks the end of the left subtree of the split that stands at n.
    const rest: ({ readonly child: number } | { readonly closes: number })[] = [{ child: shapes.sizes[tree] === 0 ? ~0 : 0 }];
    while (rest.length > 0) {
      const next = rest.pop()!;
      if ("closes" in next) shapes.skips[next.closes] = at - next.closes - 1;
      else if (next.child < 0) order[leaf++] = firstLeaf + ~next.child;
      else {
        const split = first + next.child;
        const key = `${features[split]} ${modes[split]} ${Object.is(thresholds[split], -0) ? "-0" : thresholds[split]}`;
        let test = known.get(key);
        if (test === undefined) known.set(key, (test = distinct.push(split) - 1));
        shapes.tests[at] = test;
        rest.push({ child: right[split]! }, { closes: at++ }, { child: left[split]! });
      }
    }
  }
  return { ...shapes, leaves: order, distinct };
}
