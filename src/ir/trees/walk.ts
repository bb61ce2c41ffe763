import { comparisonOf, isMember, MODE, treeCount, ZERO_THRESHOLD, type Aggregation, type Comparison, type TreeEnsemble } from "./ensemble.ts";

/** The leaf of a tree (counted through the ensemble) that the row beginning at x[start] comes to. */
export function leafOf(ensemble: TreeEnsemble, tree: number, x: ArrayLike<number>, start: number): number {
  const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
  let at = ensemble.splits[tree + 1] === firstSplit ? ~0 : 0;
  while (at >= 0)
    at = goesLeft(ensemble, firstSplit + at, x[start + ensemble.features[firstSplit + at]!]!)
      ? ensemble.left[firstSplit + at]!
      : ensemble.right[firstSplit + at]!;
  return firstLeaf + ~at;
}

/** Whether a row with the value x of its feature goes left at a split, counted through the ensemble. */
export function goesLeft(ensemble: TreeEnsemble, split: number, x: number): boolean {
  const mode = ensemble.modes[split]!;
  const isMissing = Number.isNaN(x) || ((mode & MODE.zeroIsMissing) !== 0 && Math.abs(x) <= ZERO_THRESHOLD);
  if (isMissing) return (mode & MODE.defaultLeft) !== 0;
  const comparison = comparisonOf(mode);
  const threshold = ensemble.thresholds[split]!;
  return isMember(comparison) ? isIn(ensemble, threshold, rounded(comparison, x)) : holds(comparison, x, threshold);
}

function holds(comparison: Comparison, x: number, threshold: number): boolean {
  switch (comparison) {
    case "lt":
      return x < threshold;
    case "le":
      return x <= threshold;
    case "gt":
      return x > threshold;
    case "ge":
      return x >= threshold;
    case "eq":
      return x === threshold;
    default:
      return x !== threshold;
  }
}

function rounded(comparison: Comparison, x: number): number {
  return comparison === "member" ? x : comparison === "memberTrunc" ? Math.trunc(x) : Math.floor(x);
}

/** Whether a set holds a number; it may be any. */
export function isIn({ sets, setWords }: Pick<TreeEnsemble, "sets" | "setWords">, set: number, x: number): boolean {
  const words = sets[set + 1]! - sets[set]!;
  if (!Number.isInteger(x) || x < 0 || x >= words * 32) return false;
  return ((setWords[sets[set]! + Math.floor(x / 32)]! >>> (x % 32)) & 1) === 1;
}

/** Results [rows, targets] of rows of `columns` numbers. */
export function scoresOf(ensemble: TreeEnsemble, aggregation: Aggregation, x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const { base, weights, entries, targets } = ensemble;
  const { aggregate } = aggregation;
  const isBaseFirst = aggregate === "sum" && !aggregation.baseLast;
  const round = weights instanceof Float32Array ? Math.fround : (value: number): number => value;
  const count = base.length;
  const trees = treeCount(ensemble);
  const y = new Float64Array(rows * count);
  const isNamed = new Uint8Array(count);
  for (let row = 0; row < rows; row++) {
    const sums = y.subarray(row * count, (row + 1) * count);
    if (isBaseFirst) sums.set(base);
    isNamed.fill(0);
    for (let tree = 0; tree < trees; tree++) {
      const leaf = leafOf(ensemble, tree, x, row * columns);
      for (let e = entries[leaf]!; e < entries[leaf + 1]!; e++) {
        const [target, weight] = [targets[e]!, weights[e]!];
        const sum = sums[target]!;
        if (aggregate === "sum" || aggregate === "average") sums[target] = round(sum + weight);
        else if (!isNamed[target]) sums[target] = weight;
        else if (aggregate === "min" ? weight < sum : weight > sum) sums[target] = weight;
        isNamed[target] = 1;
      }
    }
    for (let k = 0; k < count && !isBaseFirst; k++) sums[k] = round((aggregate === "average" ? round(sums[k]! / trees) : sums[k]!) + base[k]!);
  }
  return y;
}
