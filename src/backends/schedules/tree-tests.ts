/**
 * Tests of splits in the one form that tree kernels know: column < threshold goes left, where columns are made of a row first. They
 * hold the features as they are (a NaN then goes right by itself), with -infinity for what is missing (it goes left), with what is
 * near zero taken for missing, and one number for each test of another kind: below zero where its row goes left.
 */
import { comparisonOf, isMember, MODE, type Floats, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { nextAbove, nextNotBelow, type FloatKind } from "./next-float.ts";

/** A copy of all features. */
export interface Variant {
  readonly missing: "left" | "right";
  readonly zeroIsMissing: boolean;
}

/** A test that is computed before the walk, of a column where missing values are NaN. */
export interface EqualTest {
  readonly source: number;
  readonly threshold: number;
  readonly missingLeft: boolean;
}

export interface MemberTest {
  readonly source: number;
  readonly rounding: "none" | "trunc" | "floor";
  readonly set: number;
  readonly missingLeft: boolean;
}

/** Columns in this order: all features once a variant, tests for equality, tests for members, and one that is always -1. */
export interface TreeColumns {
  readonly features: number;
  readonly variants: readonly Variant[];
  readonly equals: readonly EqualTest[];
  readonly members: readonly MemberTest[];
  readonly count: number;
}

/** By split. */
export interface PlainTests {
  readonly columns: TreeColumns;
  readonly column: Int32Array;
  readonly thresholds: Floats;
  /** 1: the children change places. */
  readonly swapped: Uint8Array;
}

/** A split before its column has a number: tests come behind the variants, whose number is not known yet. */
interface Plain {
  readonly variant: Variant;
  readonly feature: number;
  readonly threshold: number;
  readonly swapped: boolean;
  readonly test?: { readonly kind: "equal" } | { readonly kind: "member"; readonly rounding: MemberTest["rounding"]; readonly set: number };
  readonly missingLeft: boolean;
}

/** The set without members. */
export const NO_SET = -1;

export function plainTests(ensemble: TreeEnsemble, kind: FloatKind, features: number): PlainTests {
  const plain = Array.from(ensemble.features, (feature, at) => plainTest(ensemble, at, kind, feature));
  const variants: Variant[] = [];
  const placeOf = (variant: Variant): number => {
    const known = variants.findIndex((v) => v.missing === variant.missing && v.zeroIsMissing === variant.zeroIsMissing);
    return known >= 0 ? known : variants.push(variant) - 1;
  };
  const source = plain.map(({ variant, feature }) => placeOf(variant) * features + feature);
  const equals = new Numbered<EqualTest>();
  const members = new Numbered<MemberTest>();
  plain.forEach(({ test, threshold, missingLeft }, at) => {
    if (test?.kind === "equal") equals.add({ source: source[at]!, threshold, missingLeft });
    else if (test) members.add({ source: source[at]!, rounding: test.rounding, set: test.set, missingLeft });
  });
  const firstEqual = variants.length * features;
  const firstMember = firstEqual + equals.list.length;
  // Tests of one rounding stand together.
  const sorted = members.list.toSorted((a, b) => ROUNDINGS.indexOf(a.rounding) - ROUNDINGS.indexOf(b.rounding));
  const memberPlace = new Map(sorted.map((test, i) => [test, firstMember + i]));
  const column = Int32Array.from(plain, ({ test, threshold, missingLeft }, at) => {
    if (!test) return source[at]!;
    if (test.kind === "equal") return firstEqual + equals.add({ source: source[at]!, threshold, missingLeft });
    return memberPlace.get(members.list[members.add({ source: source[at]!, rounding: test.rounding, set: test.set, missingLeft })]!)!;
  });
  return {
    columns: { features, variants, equals: equals.list, members: sorted, count: firstMember + sorted.length + 1 },
    column,
    thresholds: Float64Array.from(plain, ({ test, threshold }) => (test ? 0 : threshold)),
    swapped: Uint8Array.from(plain, ({ swapped }) => Number(swapped)),
  };
}

export const ROUNDINGS: readonly MemberTest["rounding"][] = ["none", "trunc", "floor"];

/** Things by what is in them, numbered in the order they come. */
class Numbered<T> {
  readonly list: T[] = [];
  private readonly known = new Map<string, number>();

  add(thing: T): number {
    const key = JSON.stringify(thing, (_, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value));
    const at = this.known.get(key);
    if (at !== undefined) return at;
    this.known.set(key, this.list.length);
    return this.list.push(thing) - 1;
  }
}

function plainTest(ensemble: TreeEnsemble, at: number, kind: FloatKind, feature: number): Plain {
  const mode = ensemble.modes[at]!;
  const threshold = ensemble.thresholds[at]!;
  const zeroIsMissing = (mode & MODE.zeroIsMissing) !== 0;
  const isLeft = (mode & MODE.defaultLeft) !== 0;
  const asIs: Variant = { missing: "right", zeroIsMissing };
  const comparison = comparisonOf(mode);
  if (isMember(comparison)) {
    const rounding = comparison === "member" ? "none" : comparison === "memberTrunc" ? "trunc" : "floor";
    return { variant: asIs, feature, threshold: 0, swapped: false, missingLeft: isLeft, test: { kind: "member", rounding, set: threshold } };
  }
  // x > t is not x <= t: the children change places, and with them where missing values go.
  const swapped = comparison === "gt" || comparison === "ge" || comparison === "ne";
  const missingLeft = isLeft !== swapped;
  const nowhere = { variant: asIs, feature, threshold: 0, test: { kind: "member", rounding: "none", set: NO_SET } } as const;
  if (comparison === "eq" || comparison === "ne") {
    const rounded = kind.round(threshold);
    if (rounded !== threshold) return { ...nowhere, swapped, missingLeft };
    return { variant: asIs, feature, threshold, swapped, missingLeft, test: { kind: "equal" } };
  }
  const includes = comparison === "le" || comparison === "gt";
  // All but NaN are at most infinity, and nothing is below -infinity.
  if (includes && threshold === Infinity) return { ...nowhere, swapped: !swapped, missingLeft: !missingLeft };
  const below = includes ? nextAbove(kind, threshold) : nextNotBelow(kind, threshold);
  if (below === -Infinity) return { ...nowhere, swapped, missingLeft };
  return { variant: { missing: missingLeft ? "left" : "right", zeroIsMissing }, feature, threshold: below, swapped, missingLeft };
}
