/** An XGBoost model, whatever container it came in. */
export interface XgboostModel {
  /** [0, 0, 0] in files from before 1.0. */
  readonly version: readonly [number, number, number];
  readonly objective: string;
  readonly features: number;
  /** Names and types ("float", "int", "i", "q", "c") of the features; empty where the file has none. */
  readonly featureNames: readonly string[];
  readonly featureTypes: readonly string[];
  /** Outputs of a row: classes or targets. */
  readonly groups: number;
  readonly classes: number;
  /** As the file has it: one for all groups, or one a group. */
  readonly baseScore: readonly number[];
  readonly attributes: ReadonlyMap<string, string>;
  readonly booster: TreeBooster | LinearBooster;
}

export interface TreeBooster {
  readonly kind: "gbtree" | "dart";
  readonly trees: readonly XgboostTree[];
  /** The group of each tree; trees with vector leaves are for all. */
  readonly treeGroups: ArrayLike<number>;
  /** First tree of each round, and their number at the end. */
  readonly rounds: ArrayLike<number>;
  /** Of dart: what leaves are multiplied with, by tree. */
  readonly treeWeights: ArrayLike<number> | undefined;
}

export interface LinearBooster {
  readonly kind: "gblinear";
  /** [feature][group], the biases as the last row. */
  readonly weights: ArrayLike<number>;
}

/** Arrays by node. A leaf has left = -1. */
export interface XgboostTree {
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  readonly feature: ArrayLike<number>;
  readonly threshold: ArrayLike<number>;
  readonly defaultLeft: ArrayLike<number>;
  /** Categories that go right, of nodes that split by category. */
  readonly categories: ReadonlyMap<number, readonly number[]>;
  /** The hessians of the training rows at each node; read only where somebody asks. undefined: the file has none. */
  readonly covers: (() => ArrayLike<number>) | undefined;
  /** What a leaf adds to each group, where that is more than one number. */
  readonly leafVector: ((node: number) => readonly number[] | undefined) | undefined;
}
