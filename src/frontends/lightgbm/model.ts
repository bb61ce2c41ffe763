/** A LightGBM model, from its text or its JSON dump. */
export interface LightgbmModel {
  /** "v2", "v3", "v4"; empty where the file does not say. */
  readonly version: string;
  /** As the file has it, with its parameters: "binary sigmoid:1". Empty: none. */
  readonly objective: string;
  readonly features: number;
  readonly featureNames: readonly string[];
  /** Trees of a round, one a class; tree k is for class k modulo this. */
  readonly groups: number;
  /** Sums are divided by the number of rounds (random forests). */
  readonly averages: boolean;
  readonly trees: readonly LightgbmTree[];
}

/** A child is a split, or of leaf k the number ~k, which is negative. */
export interface LightgbmTree {
  readonly root: number;
  readonly splits: ReadonlyMap<number, LightgbmSplit> | readonly LightgbmSplit[];
  readonly leaves: ReadonlyMap<number, LightgbmLeaf> | readonly LightgbmLeaf[];
}

export interface LightgbmSplit {
  readonly feature: number;
  readonly defaultLeft: boolean;
  readonly missing: "none" | "zero" | "nan";
  /** Of a split by number: up to here rows go left. */
  readonly threshold: number;
  /** Of a split by category: those that go left. */
  readonly categories?: readonly number[];
  readonly left: number;
  readonly right: number;
  /** How many rows of training came here. */
  readonly cover?: number;
}

export interface LightgbmLeaf {
  readonly value: number;
  readonly cover?: number;
  /** Of a linear tree: a constant and coefficients of features, which count unless one of those is NaN. */
  readonly linear?: { readonly constant: number; readonly features: readonly number[]; readonly coefficients: readonly number[] };
}

export const MISSING = ["none", "zero", "nan"] as const;
