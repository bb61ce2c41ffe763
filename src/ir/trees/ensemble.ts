/**
 * Decision trees as flat arrays: the form that the op `trees` has as its attributes. What the arrays mean stands here once;
 * `problems.ts` says what is wrong with them, `collect.ts` makes them of trees in any other form, `walk.ts` runs them.
 */
import type { AttrValue } from "../attr.ts";
import { tensor, type Data, type Tensor } from "../tensor.ts";
import type { DType } from "../types.ts";

/**
 * What a split asks of its feature x; where it holds, a row goes left. The members are sets of whole numbers: of x as it is (a
 * fraction is in no set), rounded towards zero (LightGBM: -0.5 is 0), or down (XGBoost: below zero in no set).
 */
export const COMPARISONS = ["lt", "le", "gt", "ge", "eq", "ne", "member", "memberTrunc", "memberFloor"] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** A mode is the place in `COMPARISONS`, plus these. */
export const MODE = {
  comparison: 15,
  /** A missing value goes left, else right. Missing is NaN. */
  defaultLeft: 16,
  /** So is what lies within 1e-35 (as f32) of zero. */
  zeroIsMissing: 32,
} as const;

export const ZERO_THRESHOLD = Math.fround(1e-35);

export type Floats = Float32Array | Float64Array;

/** Trees, splits and leaves are numbered from 0 through the whole ensemble; children count within their tree. */
export interface TreeEnsemble {
  /** First split of each tree, and their number at the end. A tree starts at its first split, or at its only leaf. */
  readonly splits: Int32Array;
  /** First leaf of each tree, and their number at the end. */
  readonly leaves: Int32Array;
  /** By split: the column of x. */
  readonly features: Int32Array;
  readonly modes: Uint8Array;
  /** Compared with x as exact numbers (both widened to f64); of members the number of their set. */
  readonly thresholds: Floats;
  /** A split of the same tree that stands behind this one, or ~leaf of the same tree. Each is the child of one split. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** First entry of each leaf, and their number at the end: a leaf adds weights[e] to targets[e] for each of its entries. */
  readonly entries: Int32Array;
  readonly targets: Int32Array;
  /** Their dtype is that of sums and results. */
  readonly weights: Floats;
  /** Names of the leaves, as the source counts its nodes: what `output = leaves` gives. */
  readonly leafNodes: Int32Array;
  /** One a target. */
  readonly base: Floats;
  /** First word of each set, and their number at the end; number n is a member if bit n % 32 of word n / 32 is set. */
  readonly sets: Int32Array;
  readonly setWords: Uint32Array;
}

/** How leaves become results, in the dtype of the weights, tree after tree, each step rounded. */
export interface Aggregation {
  /** sum: base + leaf + leaf …, in this order. average: (leaf + leaf …) / trees + base. min, max: of the leaves that name the target, + base; 0 of none. */
  readonly aggregate: "sum" | "average" | "min" | "max";
  /** Of a sum: base comes to it last. */
  readonly baseLast: boolean;
}

const FIELDS: Readonly<Record<keyof TreeEnsemble, DType | "float">> = {
  splits: "i32",
  leaves: "i32",
  features: "i32",
  modes: "u8",
  thresholds: "float",
  left: "i32",
  right: "i32",
  entries: "i32",
  targets: "i32",
  weights: "float",
  leafNodes: "i32",
  base: "float",
  sets: "i32",
  setWords: "u32",
};

export const ENSEMBLE_FIELDS = Object.keys(FIELDS) as readonly (keyof TreeEnsemble)[];

/** The dtypes that an attribute may have. */
export function fieldDtypes(field: keyof TreeEnsemble): readonly DType[] {
  const dtype = FIELDS[field];
  return dtype === "float" ? ["f32", "f64"] : [dtype];
}

export function dtypeOf(data: Floats): "f32" | "f64" {
  return data instanceof Float32Array ? "f32" : "f64";
}

/** Attributes for the op `trees`. */
export function ensembleAttrs(ensemble: TreeEnsemble): Readonly<Record<keyof TreeEnsemble, Tensor>> {
  const made = ENSEMBLE_FIELDS.map((field) => {
    const data: Data = ensemble[field];
    const dtype = FIELDS[field] === "float" ? dtypeOf(ensemble[field] as Floats) : (FIELDS[field] as DType);
    return [field, { type: { dtype, shape: [data.length] }, data }] as const;
  });
  return Object.fromEntries(made) as unknown as Record<keyof TreeEnsemble, Tensor>;
}

/** The arrays in the attributes of an op. */
export function ensembleOf(attrs: Readonly<Record<string, AttrValue>>): TreeEnsemble {
  return Object.fromEntries(ENSEMBLE_FIELDS.map((field) => [field, (attrs[field] as Tensor).data])) as unknown as TreeEnsemble;
}

export function treeCount(ensemble: TreeEnsemble): number {
  return ensemble.splits.length - 1;
}

export function comparisonOf(mode: number): Comparison {
  return COMPARISONS[mode & MODE.comparison]!;
}

export function isMember(comparison: Comparison): boolean {
  return comparison === "member" || comparison === "memberTrunc" || comparison === "memberFloor";
}

/** Numbers as f32 or f64. */
export function floats(dtype: "f32" | "f64", values: ArrayLike<number>): Floats {
  return tensor(dtype, [values.length], values).data as Floats;
}
