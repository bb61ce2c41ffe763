/** A CatBoost model, from its JSON. */
export interface CatboostModel {
  /** "RMSE", "Logloss" …; empty where the file does not say. */
  readonly loss: string;
  /** Names of the features that are numbers, in the order of their columns; empty texts where they have none. */
  readonly floatNames: readonly string[];
  /** By number feature: where NaN goes. */
  readonly nanIsTrue: readonly boolean[];
  readonly categoryNames: readonly string[];
  /** Outputs of a row: classes or targets. */
  readonly dimensions: number;
  readonly scale: number;
  /** One a dimension. */
  readonly bias: readonly number[];
  readonly classNames: readonly string[];
  readonly trees: readonly CatboostTree[];
}

/** What a split asks; true goes right, and sets the split's bit in the number of a leaf. */
export type CatboostTest =
  /** x > border */
  | { readonly kind: "float"; readonly feature: number; readonly border: number }
  /** The hash of the category is this. */
  | { readonly kind: "category"; readonly feature: number; readonly hash: number };

export type CatboostTree =
  /** The same test for all nodes of a level; bit k of a leaf's number is the answer of test k. `values`: a row of numbers a leaf. */
  | { readonly kind: "oblivious"; readonly tests: readonly CatboostTest[]; readonly values: ArrayLike<number> }
  /** Nodes in the order of a walk that goes left first; the root is the first. */
  | { readonly kind: "any"; readonly nodes: readonly CatboostNode[] };

export type CatboostNode =
  | { readonly test: CatboostTest; readonly left: number; readonly right: number }
  /** `leaf`: how many leaves come before it. */
  | { readonly leaf: number; readonly values: readonly number[] };
