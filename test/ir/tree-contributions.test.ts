import { expect, test } from "vitest";
import { contributionsOf } from "../../src/ir/trees/contributions.ts";
import { coverOf, type TreeCovers } from "../../src/ir/trees/covers.ts";
import { COMPARISONS, treeCount, type TreeEnsemble } from "../../src/ir/trees/ensemble.ts";
import { goesLeft, scoresOf } from "../../src/ir/trees/walk.ts";
import { randomCovers } from "../fixtures/random-covers.ts";
import { hardRows, randomForest, type Forest } from "../fixtures/random-trees.ts";

const forest: Forest = {
  seed: 3,
  trees: 6,
  depth: 6,
  features: 5,
  targets: 2,
  comparisons: COMPARISONS,
  dtype: { thresholds: "f64", weights: "f64" },
  stop: 0.15,
  leaves: "any",
  zeroIsMissing: true,
};

/** What a target gets where only the features of a set are known: the recursion of the definition. */
function valueOf(ensemble: TreeEnsemble, covers: TreeCovers, x: ArrayLike<number>, start: number, known: number, target: number): number {
  let sum = 0;
  for (let tree = 0; tree < treeCount(ensemble); tree++) {
    const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
    const value = (child: number): number => {
      if (child < 0) {
        let leaf = 0;
        for (let e = ensemble.entries[firstLeaf + ~child]!; e < ensemble.entries[firstLeaf + ~child + 1]!; e++)
          if (ensemble.targets[e] === target) leaf += ensemble.weights[e]!;
        return leaf;
      }
      const split = firstSplit + child;
      const feature = ensemble.features[split]!;
      const [left, right] = [ensemble.left[split]!, ensemble.right[split]!];
      if ((known >> feature) & 1) return value(goesLeft(ensemble, split, x[start + feature]!) ? left : right);
      return [left, right].reduce((n, to) => n + (value(to) * coverOf(ensemble, covers, tree, to)) / covers.splits[split]!, 0);
    };
    sum += value(firstSplit === ensemble.splits[tree + 1] ? ~0 : 0);
  }
  return sum;
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

test("contributions are Shapley's: the mean over all sets of other features of what a feature adds", () => {
  const ensemble = randomForest(forest);
  const covers = randomCovers(ensemble, 4);
  const [rows, columns, targets] = [4, forest.features, forest.targets];
  const x = hardRows(ensemble, "f64", rows, columns, 5);
  const got = contributionsOf(ensemble, covers, x, rows, columns);
  for (let row = 0; row < rows; row++)
    for (let target = 0; target < targets; target++) {
      const values = Array.from({ length: 2 ** columns }, (_, known) => valueOf(ensemble, covers, x, row * columns, known, target));
      const at = (row * targets + target) * (columns + 1);
      for (let feature = 0; feature < columns; feature++) {
        let wanted = 0;
        for (let known = 0; known < 2 ** columns; known++) {
          if ((known >> feature) & 1) continue;
          const size = Array.from({ length: columns }, (_, i) => (known >> i) & 1).reduce((a, b) => a + b, 0);
          const weight = (factorial(size) * factorial(columns - 1 - size)) / factorial(columns);
          wanted += weight * (values[known | (1 << feature)]! - values[known]!);
        }
        expect(got[at + feature]).toBeCloseTo(wanted, 12);
      }
      expect(got[at + columns]).toBeCloseTo(values[0]! + ensemble.base[target]!, 12);
    }
});

test("contributions of a row come to its score", () => {
  const ensemble = randomForest({ ...forest, features: 9, depth: 9, trees: 11 });
  const covers = randomCovers(ensemble, 6);
  const x = hardRows(ensemble, "f64", 5, 9, 7);
  const got = contributionsOf(ensemble, covers, x, 5, 9);
  const scores = scoresOf(ensemble, { aggregate: "sum", baseLast: false }, x, 5, 9);
  scores.forEach((score, i) => expect(got.subarray(i * 10, (i + 1) * 10).reduce((a, b) => a + b, 0)).toBeCloseTo(score, 10));
});
