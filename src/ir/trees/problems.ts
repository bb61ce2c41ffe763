import type { Note } from "../../support/errors.ts";
import { COMPARISONS, comparisonOf, dtypeOf, isMember, MODE, treeCount, type TreeEnsemble } from "./ensemble.ts";

/** More than this of one ensemble are not listed. */
const MOST = 20;

/**
 * What is wrong with an ensemble for rows of `columns` numbers, by tree and split; nothing: every walk ends in a leaf, and every
 * index lies inside. Splits count within their tree.
 */
export function ensembleProblems(ensemble: TreeEnsemble, columns: number): readonly Note[] {
  const problems: Note[] = [];
  const say = (where: string, text: string): void => void (problems.length < MOST && problems.push({ where, text }));
  const splitCount = ensemble.features.length;
  const leafCount = ensemble.leafNodes.length;
  const trees = treeCount(ensemble);
  if (trees < 0 || ensemble.leaves.length !== trees + 1) return [{ where: "trees", text: `have ${trees + 1} and ${ensemble.leaves.length} starts` }];
  for (const field of ["modes", "thresholds", "left", "right"] as const)
    if (ensemble[field].length !== splitCount) say(field, `has ${ensemble[field].length} elements for ${splitCount} splits`);
  if (ensemble.targets.length !== ensemble.weights.length) say("targets", `has ${ensemble.targets.length} elements for ${ensemble.weights.length} weights`);
  if (dtypeOf(ensemble.base) !== dtypeOf(ensemble.weights)) say("base", "is of another dtype than weights");
  if (ensemble.base.length === 0) say("base", "is empty, wanted one number a target");
  checkStarts("splits", ensemble.splits, splitCount, say);
  checkStarts("leaves", ensemble.leaves, leafCount, say);
  if (ensemble.entries.length !== leafCount + 1) say("entries", `has ${ensemble.entries.length} elements for ${leafCount} leaves`);
  checkStarts("entries", ensemble.entries, ensemble.targets.length, say);
  checkStarts("sets", ensemble.sets, ensemble.setWords.length, say);
  if (problems.length > 0) return problems;
  for (let tree = 0; tree < trees; tree++) checkTree(ensemble, tree, columns, say);
  ensemble.targets.forEach((target, e) => {
    if (target < 0 || target >= ensemble.base.length) say(`entry ${e}`, `is for target ${target} of ${ensemble.base.length}`);
  });
  return problems;
}

type Say = (where: string, text: string) => void;

function checkStarts(name: string, starts: Int32Array, end: number, say: Say): void {
  if (starts.length === 0 || starts[0] !== 0 || starts.at(-1) !== end) say(name, `go from ${starts[0]} to ${starts.at(-1)}, wanted 0 to ${end}`);
  for (let i = 1; i < starts.length; i++) if (starts[i]! < starts[i - 1]!) return say(name, `fall from ${starts[i - 1]} to ${starts[i]}`);
}

function checkTree(ensemble: TreeEnsemble, tree: number, columns: number, say: Say): void {
  const [firstSplit, firstLeaf] = [ensemble.splits[tree]!, ensemble.leaves[tree]!];
  const splits = ensemble.splits[tree + 1]! - firstSplit;
  const leaves = ensemble.leaves[tree + 1]! - firstLeaf;
  if (leaves !== splits + 1) return say(`tree ${tree}`, `has ${splits} splits and ${leaves} leaves, wanted one leaf more`);
  const isMet = new Uint8Array(splits + leaves);
  isMet[splits === 0 ? splits : 0] = 1;
  for (let n = 0; n < splits; n++) {
    const where = `tree ${tree}, split ${n}`;
    const at = firstSplit + n;
    const feature = ensemble.features[at]!;
    if (feature < 0 || feature >= columns) say(where, `reads feature ${feature}, rows have ${columns}`);
    checkTest(ensemble, at, where, say);
    for (const child of [ensemble.left[at]!, ensemble.right[at]!]) {
      const place = child >= 0 ? child : splits + ~child;
      if (child >= 0 ? child <= n || child >= splits : ~child >= leaves)
        say(where, `has the child ${child >= 0 ? `${child} of ${splits} splits` : `leaf ${~child} of ${leaves}`}`);
      else if (isMet[place]) say(where, `has the child ${child >= 0 ? child : `leaf ${~child}`}, which is another's too`);
      else isMet[place] = 1;
    }
  }
}

function checkTest(ensemble: TreeEnsemble, at: number, where: string, say: Say): void {
  const mode = ensemble.modes[at]!;
  const known = MODE.comparison | MODE.defaultLeft | MODE.zeroIsMissing;
  const threshold = ensemble.thresholds[at]!;
  if ((mode & ~known) !== 0 || (mode & MODE.comparison) >= COMPARISONS.length) return say(where, `has mode ${mode}, which means nothing`);
  if (Number.isNaN(threshold)) return say(where, "has the threshold NaN");
  if (!isMember(comparisonOf(mode))) return;
  if (!Number.isInteger(threshold) || threshold < 0 || threshold >= ensemble.sets.length - 1)
    say(where, `asks for set ${threshold} of ${ensemble.sets.length - 1}`);
}
