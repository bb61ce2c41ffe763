/** How the library that trained a model reads rows for it. */
export interface TableFacts {
  /** A feature that a sparse row does not name: a missing value, or zero. */
  readonly absent: "missing" | "zero";
  /** Names of the categories of a feature, in the order of the numbers that stand for them. */
  readonly categories?: readonly FeatureCategories[];
  /** A name that training did not see: an error, or a missing value. */
  readonly unknown?: "refuse" | "missing";
}

interface FeatureCategories {
  readonly feature: number;
  readonly names: readonly string[];
}
