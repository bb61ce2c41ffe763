import { NeoError, type Note } from "../../support/errors.ts";
import { coverProblem, type TreeCovers } from "./covers.ts";
import { COMPARISONS, floats, isMember, MODE, type Comparison, type TreeEnsemble } from "./ensemble.ts";

/** A split as files have it: where the test holds the row goes to `left`. Children are named as the file names its nodes. */
export interface SplitNode {
  readonly kind: "split";
  readonly feature: number;
  readonly comparison: Comparison;
  /** Of a member test nothing is looked at but `members`. */
  readonly threshold: number;
  readonly members?: readonly number[];
  /** NaN goes left. */
  readonly defaultLeft: boolean;
  readonly zeroIsMissing?: boolean;
  readonly left: number;
  readonly right: number;
  /** How much of the training rows came here. Asked for only where covers are kept. */
  readonly cover?: number;
}

export interface LeafNode {
  readonly kind: "leaf";
  /** Pairs of a target and what comes to it; several for vector leaves, none for nothing. */
  readonly weights: readonly (readonly [target: number, weight: number])[];
  readonly cover?: number;
}

/** The node of a number; undefined: there is none. */
export type TreeSource = (node: number) => SplitNode | LeafNode | undefined;

/** Members at most: XGBoost's own limit. */
const MOST_MEMBERS = 1 << 24;

/**
 * Makes an ensemble of trees in any numbering. What no walk from the root meets is left out. Cycles, nodes that are not there, nodes
 * with two parents, features and targets outside, and numbers that are none are noted by tree and node, and `finish` throws them.
 */
export class EnsembleCollector {
  readonly problems: Note[] = [];
  private readonly columns: number;
  private readonly base: readonly number[];
  private readonly dtype: { readonly thresholds: "f32" | "f64"; readonly weights: "f32" | "f64" };
  private readonly kept: { readonly splits: number[]; readonly leaves: number[] } | undefined;
  private readonly lists = {
    splits: [0],
    leaves: [0],
    features: [] as number[],
    modes: [] as number[],
    thresholds: [] as number[],
    left: [] as number[],
    right: [] as number[],
    entries: [0],
    targets: [] as number[],
    weights: [] as number[],
    leafNodes: [] as number[],
    sets: [0],
    setWords: [] as number[],
  };
  private readonly knownSets = new Map<string, number>();

  /** For rows of `columns` numbers; `base` has one number a target. With `covers` every node wants one, and `covers()` gives them. */
  constructor(
    columns: number,
    base: readonly number[],
    dtype: { readonly thresholds: "f32" | "f64"; readonly weights: "f32" | "f64" },
    covers: "covers" | "no covers" = "no covers",
  ) {
    this.columns = columns;
    this.base = base;
    this.dtype = dtype;
    this.kept = covers === "covers" ? { splits: [], leaves: [] } : undefined;
  }

  addTree(source: TreeSource, root = 0): void {
    const { lists } = this;
    const [firstSplit, firstLeaf] = [lists.features.length, lists.leafNodes.length];
    const met = new Set<number>();
    const open: { readonly node: number; readonly parent: number; readonly isLeft: boolean }[] = [{ node: root, parent: -1, isLeft: true }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { node, parent, isLeft } = next;
      const known = source(node);
      if (!known || met.has(node)) {
        this.say(node, known ? "is met a second time: nodes want one parent" : "is not there");
        continue;
      }
      met.add(node);
      const number = known.kind === "split" ? this.addSplit(known, node) - firstSplit : ~(this.addLeaf(known, node) - firstLeaf);
      if (parent >= 0) (isLeft ? lists.left : lists.right)[firstSplit + parent] = number;
      if (known.kind === "leaf") continue;
      open.push({ node: known.right, parent: number, isLeft: false }, { node: known.left, parent: number, isLeft: true });
    }
    lists.splits.push(lists.features.length);
    lists.leaves.push(lists.leafNodes.length);
  }

  /** Throws NEO2072 if there is a problem. */
  finish(file?: string): TreeEnsemble {
    if (this.problems.length > 0)
      throw new NeoError({
        code: "NEO2072",
        message: `the trees${file === undefined ? "" : ` of ${file}`} are not well formed`,
        notes: this.problems.slice(0, 20),
        ...(file === undefined ? {} : { file }),
      });
    const { lists, dtype } = this;
    return {
      splits: Int32Array.from(lists.splits),
      leaves: Int32Array.from(lists.leaves),
      features: Int32Array.from(lists.features),
      modes: Uint8Array.from(lists.modes),
      thresholds: floats(dtype.thresholds, lists.thresholds),
      left: Int32Array.from(lists.left),
      right: Int32Array.from(lists.right),
      entries: Int32Array.from(lists.entries),
      targets: Int32Array.from(lists.targets),
      weights: floats(dtype.weights, lists.weights),
      leafNodes: Int32Array.from(lists.leafNodes),
      base: floats(dtype.weights, this.base),
      sets: Int32Array.from(lists.sets),
      setWords: Uint32Array.from(lists.setWords),
    };
  }

  /** Of a collector that keeps them, once its ensemble is finished. */
  covers(): TreeCovers {
    return { splits: Float64Array.from(this.kept?.splits ?? []), leaves: Float64Array.from(this.kept?.leaves ?? []) };
  }

  private addSplit(split: SplitNode, node: number): number {
    const { lists } = this;
    this.keepCover("splits", split.cover, node);
    const takesSet = isMember(split.comparison);
    if (!Number.isInteger(split.feature) || split.feature < 0 || split.feature >= this.columns)
      this.say(node, `reads feature ${split.feature}, rows have ${this.columns}`);
    if (!takesSet && Number.isNaN(split.threshold)) this.say(node, "has the threshold NaN");
    lists.features.push(split.feature);
    lists.thresholds.push(takesSet ? this.setOf(split.members ?? [], node) : split.threshold);
    lists.modes.push(COMPARISONS.indexOf(split.comparison) | (split.defaultLeft ? MODE.defaultLeft : 0) | (split.zeroIsMissing ? MODE.zeroIsMissing : 0));
    lists.left.push(0);
    return lists.right.push(0) - 1;
  }

  private addLeaf({ weights, cover }: LeafNode, node: number): number {
    const { lists } = this;
    this.keepCover("leaves", cover, node);
    for (const [target, weight] of weights) {
      if (!Number.isInteger(target) || target < 0 || target >= this.base.length) this.say(node, `is for target ${target} of ${this.base.length}`);
      lists.targets.push(target);
      lists.weights.push(weight);
    }
    lists.entries.push(lists.targets.length);
    return lists.leafNodes.push(node) - 1;
  }

  private keepCover(kind: "splits" | "leaves", cover: number | undefined, node: number): void {
    if (!this.kept) return;
    const problem = coverProblem(kind, cover ?? NaN);
    if (problem !== undefined) this.say(node, problem);
    this.kept[kind].push(cover ?? NaN);
  }

  /** The number of a set; equal sets are one. */
  private setOf(members: readonly number[], node: number): number {
    const { lists } = this;
    const odd = members.find((member) => !Number.isInteger(member) || member < 0 || member >= MOST_MEMBERS);
    if (odd !== undefined) {
      this.say(node, `has the category ${odd}, wanted whole numbers below ${MOST_MEMBERS}`);
      return 0;
    }
    const words = new Uint32Array(members.length === 0 ? 0 : Math.floor(members.reduce((most, member) => Math.max(most, member), 0) / 32) + 1);
    for (const member of members) words[Math.floor(member / 32)]! |= 1 << (member % 32);
    const key = words.join();
    const known = this.knownSets.get(key) ?? lists.sets.length - 1;
    if (!this.knownSets.has(key)) {
      this.knownSets.set(key, known);
      for (const word of words) lists.setWords.push(word);
      lists.sets.push(lists.setWords.length);
    }
    return known;
  }

  private say(node: number, text: string): void {
    this.problems.push({ where: `tree ${this.lists.splits.length - 1}, node ${node}`, text });
  }
}
