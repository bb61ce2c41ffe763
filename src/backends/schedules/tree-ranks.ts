/**
 * Tests as whole numbers. A row's place among the thresholds of a feature is found once; a test `x < t` is then a comparison of two
 * small numbers, and a test with the column it looks at fits into one word: `threshold << columnBits | column < key of the column`.
 */
import type { Elem } from "../../kernel/kernel.ts";
import type { MemberTest, EqualTest, PlainTests, TreeColumns, Variant } from "./tree-tests.ts";

/** One search: a value, and all thresholds that some test compares it with, the greatest first. */
export interface RankUnit {
  /** Its place in a row: of the features as they are given, or of `columns` where there are any. */
  readonly source: number;
  readonly thresholds: Float64Array;
  /** Sixteen thresholds are looked at on each level. */
  readonly levels: number;
}

export interface RankedTests {
  /** By levels, fewest first. */
  readonly units: readonly RankUnit[];
  /** Columns that values stand in before their place is searched, NaN for what is missing; undefined: the features as they are given will do. */
  readonly columns: TreeColumns | undefined;
  /** Keys of a unit, side by side: one for each way that a missing value goes. */
  readonly directions: readonly Variant["missing"][];
  /** By test: the key it looks at, and its threshold's place. */
  readonly keys: Int32Array;
  readonly ranks: Int32Array;
}

export const PIVOTS = 16;

/** A feature with more than `mostThresholds` has several units. undefined: there is nothing to test. */
export function rankedTests(
  plain: PlainTests,
  tests: { readonly columns: ArrayLike<number>; readonly thresholds: ArrayLike<number> },
  mostThresholds = Infinity,
): RankedTests | undefined {
  const { features, variants, equals, members } = plain.columns;
  const needsColumns = equals.length + members.length > 0 || variants.some(({ zeroIsMissing }) => zeroIsMissing);
  const own = variants.filter((variant, i) => variants.findIndex(({ zeroIsMissing }) => zeroIsMissing === variant.zeroIsMissing) === i);
  const placeOf = (column: number): number => {
    const { zeroIsMissing } = variants[Math.floor(column / features)]!;
    return own.findIndex((variant) => variant.zeroIsMissing === zeroIsMissing) * features + (column % features);
  };
  const isFeature = (column: number): boolean => column < variants.length * features;
  const sourceOf = (column: number): number => (isFeature(column) ? placeOf(column) : column - (variants.length - own.length) * features);
  const directionOf = (column: number): Variant["missing"] => (isFeature(column) ? variants[Math.floor(column / features)]!.missing : "right");

  const bySource = new Map<number, Set<number>>();
  const ways = new Set<Variant["missing"]>();
  for (let i = 0; i < tests.columns.length; i++) {
    const source = sourceOf(tests.columns[i]!);
    ways.add(directionOf(tests.columns[i]!));
    const known = bySource.get(source);
    // -0 and 0 split alike.
    if (known) known.add(tests.thresholds[i]! + 0);
    else bySource.set(source, new Set([tests.thresholds[i]! + 0]));
  }
  if (bySource.size === 0) return undefined;
  const directions = (["right", "left"] as const).filter((way) => ways.has(way));
  const units = [...bySource]
    .flatMap(([source, thresholds]) => unitsOf(source, Float64Array.from(thresholds).sort().reverse(), mostThresholds))
    .sort((a, b) => a.levels - b.levels || a.source - b.source);
  const found = new Map([...bySource.keys()].map((source) => [source, new Map<number, readonly [unit: number, rank: number]>()]));
  units.forEach(({ source, thresholds }, unit) => thresholds.forEach((threshold, rank) => found.get(source)!.set(threshold, [unit, rank])));
  const keys = new Int32Array(tests.columns.length);
  const ranks = new Int32Array(tests.columns.length);
  for (let i = 0; i < keys.length; i++) {
    const [unit, rank] = found.get(sourceOf(tests.columns[i]!))!.get(tests.thresholds[i]! + 0)!;
    keys[i] = unit * directions.length + directions.indexOf(directionOf(tests.columns[i]!));
    ranks[i] = rank;
  }
  const columns: TreeColumns = {
    features,
    variants: own.map(({ zeroIsMissing }) => ({ missing: "right", zeroIsMissing })),
    equals: equals.map((test): EqualTest => ({ ...test, source: placeOf(test.source) })),
    members: members.map((test): MemberTest => ({ ...test, source: placeOf(test.source) })),
    count: plain.columns.count - (variants.length - own.length) * features,
  };
  return { units, columns: needsColumns ? columns : undefined, directions, keys, ranks };
}

function unitsOf(source: number, sorted: Float64Array, most: number): RankUnit[] {
  const units: RankUnit[] = [];
  for (let first = 0; first < sorted.length; first += most) {
    const thresholds = sorted.subarray(first, Math.min(sorted.length, first + most));
    units.push({ source, thresholds, levels: levelsOf(thresholds.length) });
  }
  return units;
}

/** Tests as words. */
export interface TestWords {
  readonly elem: Extract<Elem, "u16" | "i32">;
  readonly columnBits: number;
  /** The greatest place among thresholds that a key can tell. */
  readonly mostRank: number;
  readonly words: Int32Array;
}

/** Bits of a word that is not negative. */
const WIDEST = 31;

/** Room for further columns, and for numbers that stand where thresholds do. undefined: a word is too narrow. */
export function testWords(
  { units, directions, keys, ranks }: RankedTests,
  { columns = 0, most = 0 }: { readonly columns?: number; readonly most?: number } = {},
): TestWords | undefined {
  const columnBits = bitsFor(units.length * directions.length + columns - 1);
  const rankBits = bitsFor(Math.max(most, ...units.map(({ thresholds }) => thresholds.length)));
  if (columnBits + rankBits > WIDEST) return undefined;
  const elem = columnBits + rankBits <= 16 ? "u16" : "i32";
  const words = keys.map((key, i) => ranks[i]! * 2 ** columnBits + key);
  return { elem, columnBits, mostRank: 2 ** ((elem === "u16" ? 16 : WIDEST) - columnBits) - 1, words };
}

function levelsOf(count: number): number {
  let levels = 1;
  while (PIVOTS ** levels < count) levels++;
  return levels;
}

/** Of a whole number that is not negative; one at least. */
function bitsFor(most: number): number {
  return Math.max(1, Math.floor(Math.log2(Math.max(1, most))) + 1);
}

/** Where each level begins behind the start of a unit's pivots. */
export function levelStarts(levels: number): readonly number[] {
  const starts = [0];
  // Below the first level there is one group for each of its pivots and one behind the last.
  for (let level = 1, groups = 1; level < levels; level++) {
    starts.push(starts[level - 1]! + groups * PIVOTS);
    groups = groups * PIVOTS + 1;
  }
  return starts;
}

/**
 * A unit's pivots by level. On the last stand the thresholds, above it each sixteenth; NaN, which is above nothing, fills the groups.
 * How many pivots of a group are above x tells which group of the next level to look at.
 */
export function pivotsOf({ thresholds, levels }: RankUnit): Float64Array {
  const starts = levelStarts(levels);
  const last = (Math.floor(thresholds.length / PIVOTS) + 1) * PIVOTS;
  const data = new Float64Array(starts[levels - 1]! + (levels === 1 ? PIVOTS : last)).fill(NaN);
  for (let level = 0; level < levels; level++) {
    const each = PIVOTS ** (levels - 1 - level);
    for (let i = 0; (i + 1) * each - 1 < thresholds.length; i++) data[starts[level]! + i] = thresholds[(i + 1) * each - 1]!;
  }
  return data;
}
