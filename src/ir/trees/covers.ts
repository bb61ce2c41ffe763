import { treeCount, type TreeEnsemble } from "./ensemble.ts";

/**
 * How much of the training rows came to each split and each leaf of an ensemble (sums of hessians, or numbers of rows). A row whose
 * value at a split is not known goes to a child as often as training rows did: cover of the child / cover of the split.
 */
export interface TreeCovers {
  readonly splits: Float64Array;
  readonly leaves: Float64Array;
}

/** What is wrong with a cover: shares of a split with the cover 0 are not known. */
export function coverProblem(kind: "splits" | "leaves", cover: number): string | undefined {
  if (cover >= (kind === "splits" ? Number.MIN_VALUE : 0) && cover < Infinity) return undefined;
  return `has the cover ${cover}, wanted ${kind === "splits" ? "one above 0" : "0 or more"}`;
}

/** The cover of a child as its parent names it: a split of the tree, or ~leaf. */
export function coverOf(ensemble: TreeEnsemble, covers: TreeCovers, tree: number, child: number): number {
  return child < 0 ? covers.leaves[ensemble.leaves[tree]! + ~child]! : covers.splits[ensemble.splits[tree]! + child]!;
}

/** By target: its base, and what the trees give a row of which nothing is known. */
export function expectedScores(ensemble: TreeEnsemble, covers: TreeCovers): Float64Array {
  const expected = Float64Array.from(ensemble.base);
  for (let tree = 0; tree < treeCount(ensemble); tree++) {
    const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
    const splits = ensemble.splits[tree + 1]! - firstSplit;
    const shares = new Float64Array(splits);
    const give = (child: number, share: number): void => {
      if (child >= 0) return void (shares[child] = share);
      const leaf = firstLeaf + ~child;
      for (let e = ensemble.entries[leaf]!; e < ensemble.entries[leaf + 1]!; e++) expected[ensemble.targets[e]!]! += share * ensemble.weights[e]!;
    };
    give(splits === 0 ? ~0 : 0, 1);
    // Children stand behind their split.
    for (let split = 0; split < splits; split++) {
      const share = shares[split]! / covers.splits[firstSplit + split]!;
      for (const child of [ensemble.left[firstSplit + split]!, ensemble.right[firstSplit + split]!])
        give(child, share * coverOf(ensemble, covers, tree, child));
    }
  }
  return expected;
}
