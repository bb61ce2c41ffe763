import { treeCount, type Floats, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { nothing, treeTargets, type TreeOutput } from "./tree-leaves.ts";
import type { PlainTests } from "./tree-tests.ts";

/**
 * Trees completed to one depth, ordered by target. In a heap of `2^depth` places, place 1 is the root and n has the children 2n (left)
 * and 2n + 1; behind the last splits lie the leaves' numbers in order. A leaf above the depth stands at all places below it.
 */
export interface TreeHeaps {
  readonly depth: number;
  readonly targets: number;
  /** Of each target: those that have fewer trees get some that add nothing. */
  readonly treesEach: number;
  /** By tree and place: number of the test in `tests`; place 0 means nothing. */
  readonly nodes: Int32Array;
  /** Distinct tests, by column and threshold. */
  readonly tests: { readonly columns: Int32Array; readonly thresholds: Float64Array };
  readonly leaves: Floats;
}

/** undefined: leaves name several targets, or trees are deeper than told. */
export function treeHeaps(ensemble: TreeEnsemble, plain: PlainTests, output: TreeOutput, mostDepth: number): TreeHeaps | undefined {
  const targetOf = treeTargets(ensemble);
  const depth = Math.max(1, depthOf(ensemble, mostDepth));
  if (!targetOf || output.output === "leaves" || output.aggregate === "min" || output.aggregate === "max" || depth > mostDepth) return undefined;
  const targets = ensemble.base.length;
  const byTarget = Array.from({ length: targets }, (): number[] => []);
  for (let tree = 0; tree < treeCount(ensemble); tree++) byTarget[targetOf[tree]!]!.push(tree);
  const treesEach = Math.max(...byTarget.map((trees) => trees.length));
  const size = 2 ** depth;
  const { tests, numberOf } = distinctTests(plain);
  const nodes = new Int32Array(targets * treesEach * size);
  const leaves = ensemble.weights.slice(0, 0).constructor === Float32Array ? new Float32Array(nodes.length) : new Float64Array(nodes.length);
  leaves.fill(nothing(output));
  byTarget.forEach((trees, target) =>
    trees.forEach((tree, i) => {
      const start = (target * treesEach + i) * size;
      fillHeap(
        ensemble,
        plain,
        tree,
        size,
        (place, split) => (nodes[start + place] = numberOf[split]!),
        (place, leaf) => {
          const entry = ensemble.entries[leaf]!;
          if (ensemble.entries[leaf + 1]! > entry) leaves[start + place] = ensemble.weights[entry]!;
        },
      );
    }),
  );
  return { depth, targets, treesEach, nodes, tests, leaves };
}

/** The longest path, or more than `most` as soon as one is. */
function depthOf(ensemble: TreeEnsemble, most: number): number {
  let deepest = 0;
  const depth = new Int32Array(ensemble.features.length);
  for (let tree = 0; tree < treeCount(ensemble); tree++) {
    const [first, end] = [ensemble.splits[tree]!, ensemble.splits[tree + 1]!];
    // Children stand behind their parents.
    for (let n = first; n < end; n++) {
      if (n === first) depth[n] = 1;
      for (const child of [ensemble.left[n]!, ensemble.right[n]!]) if (child >= 0) depth[first + child] = depth[n]! + 1;
      deepest = Math.max(deepest, depth[n]!);
      if (deepest > most) return deepest;
    }
  }
  return deepest;
}

function distinctTests({ column, thresholds }: PlainTests): { readonly tests: TreeHeaps["tests"]; readonly numberOf: Int32Array } {
  const order = [...column.keys()].sort((a, b) => column[a]! - column[b]! || thresholds[a]! - thresholds[b]!);
  const numberOf = new Int32Array(column.length);
  const firsts: number[] = [];
  for (const at of order) {
    const last = firsts.at(-1);
    if (last === undefined || column[last] !== column[at] || thresholds[last] !== thresholds[at]) firsts.push(at);
    numberOf[at] = firsts.length - 1;
  }
  return { tests: { columns: Int32Array.from(firsts, (at) => column[at]!), thresholds: Float64Array.from(firsts, (at) => thresholds[at]!) }, numberOf };
}

function fillHeap(
  ensemble: TreeEnsemble,
  { swapped }: PlainTests,
  tree: number,
  size: number,
  putSplit: (place: number, split: number) => void,
  putLeaf: (place: number, leaf: number) => void,
): void {
  const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
  const open: (readonly [child: number, place: number])[] = [[ensemble.splits[tree + 1] === firstSplit ? ~0 : 0, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [child, place] = next;
    if (place >= size) putLeaf(place - size, firstLeaf + ~child);
    else if (child < 0) open.push([child, 2 * place], [child, 2 * place + 1]);
    else {
      const split = firstSplit + child;
      putSplit(place, split);
      const [left, right] = [ensemble.left[split]!, ensemble.right[split]!];
      open.push([swapped[split] ? right : left, 2 * place], [swapped[split] ? left : right, 2 * place + 1]);
    }
  }
}
