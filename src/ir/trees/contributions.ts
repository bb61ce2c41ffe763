import { coverOf, expectedScores, type TreeCovers } from "./covers.ts";
import { treeCount, type TreeEnsemble } from "./ensemble.ts";
import { goesLeft } from "./walk.ts";

/** The way to a leaf. A feature that is asked several times on it is one player. */
interface Path {
  readonly leaf: number;
  readonly features: readonly number[];
  /** By player: the share of rows that go this way where the feature is not known. */
  readonly shares: readonly number[];
  readonly tests: readonly { readonly split: number; readonly isLeft: boolean; readonly player: number }[];
}

/**
 * What each feature of a row adds to each target: [rows, targets, columns + 1], the last being the expected score. Shapley values of
 * the game in which a feature that does not take part goes both ways by cover (Lundberg et al. 2018, path-dependent): of each leaf
 * by their definition, a sum over how many others take part.
 */
export function contributionsOf(ensemble: TreeEnsemble, covers: TreeCovers, x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const targets = ensemble.base.length;
  const width = columns + 1;
  const y = new Float64Array(rows * targets * width);
  const expected = expectedScores(ensemble, covers);
  for (let i = 0; i < rows * targets; i++) y[i * width + columns] = expected[i % targets]!;
  for (let tree = 0; tree < treeCount(ensemble); tree++)
    for (const path of pathsOf(ensemble, covers, tree))
      for (let row = 0; row < rows; row++) {
        const takes = path.features.map(() => 1);
        for (const { split, isLeft, player } of path.tests)
          if (goesLeft(ensemble, split, x[row * columns + ensemble.features[split]!]!) !== isLeft) takes[player] = 0;
        path.features.forEach((feature, player) => {
          const value = (takes[player]! - path.shares[player]!) * weightOf(path.shares, takes, player);
          for (let e = ensemble.entries[path.leaf]!; e < ensemble.entries[path.leaf + 1]!; e++)
            y[(row * targets + ensemble.targets[e]!) * width + feature]! += value * ensemble.weights[e]!;
        });
      }
  return y;
}

/** How likely the others lead to the leaf, averaged over the orders in which players come: of k before this one all are looked at, of those behind shares. */
function weightOf(shares: readonly number[], takes: readonly number[], player: number): number {
  // By k: the products of k that take part and the others' shares, summed.
  let byCount = [1];
  shares.forEach((share, other) => {
    if (other === player) return;
    const next = new Array<number>(byCount.length + 1).fill(0);
    byCount.forEach((product, k) => {
      next[k]! += product * share;
      next[k + 1]! += product * takes[other]!;
    });
    byCount = next;
  });
  // k! (n - 1 - k)! / n!
  const n = shares.length;
  let weight = 1 / n;
  let sum = 0;
  byCount.forEach((product, k) => {
    sum += weight * product;
    weight *= (k + 1) / (n - 1 - k);
  });
  return sum;
}

function pathsOf(ensemble: TreeEnsemble, covers: TreeCovers, tree: number): readonly Path[] {
  const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
  const paths: Path[] = [];
  const open: { readonly child: number; readonly way: Omit<Path, "leaf"> }[] = [
    { child: ensemble.splits[tree + 1] === firstSplit ? ~0 : 0, way: { features: [], shares: [], tests: [] } },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { child, way } = next;
    if (child < 0) {
      paths.push({ leaf: firstLeaf + ~child, ...way });
      continue;
    }
    const split = firstSplit + child;
    const feature = ensemble.features[split]!;
    const known = way.features.indexOf(feature);
    const player = known < 0 ? way.features.length : known;
    for (const isLeft of [false, true]) {
      const to = (isLeft ? ensemble.left : ensemble.right)[split]!;
      const share = coverOf(ensemble, covers, tree, to) / covers.splits[split]!;
      open.push({
        child: to,
        way: {
          features: known < 0 ? [...way.features, feature] : way.features,
          shares: known < 0 ? [...way.shares, share] : way.shares.map((before, i) => (i === known ? before * share : before)),
          tests: [...way.tests, { split, isLeft, player }],
        },
      });
    }
  }
  return paths;
}
