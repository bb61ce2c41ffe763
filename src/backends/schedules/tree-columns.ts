import { ZERO_THRESHOLD, floats, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, scalar, vector, type Advance, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { NO_SET, ROUNDINGS, type MemberTest, type TreeColumns, type Variant } from "./tree-tests.ts";

export type FloatElem = "f32" | "f64";

/** Tables of the tests that are computed before a walk, for columns that lie `stride` elements apart. */
export interface TestTables {
  readonly params: readonly { readonly name: string; readonly elem: Elem; readonly size: number; readonly range?: readonly [number, number] }[];
  readonly buffers: Readonly<Record<string, Buffer>>;
}

export function testTables(context: LowerContext, columns: TreeColumns, ensemble: TreeEnsemble, elem: FloatElem, stride: number): TestTables {
  const { equals, members } = columns;
  const tables: { name: string; elem: Elem; data: Int32Array | Float32Array | Float64Array }[] = [];
  const add = (name: string, type: Elem, data: Int32Array | Float32Array | Float64Array): void => void tables.push({ name, elem: type, data });
  const missing = (tests: readonly { readonly missingLeft: boolean }[]): Float32Array | Float64Array =>
    floats(
      elem,
      tests.map(({ missingLeft }) => (missingLeft ? -1 : 1)),
    );
  if (equals.length > 0) {
    add(
      "equalSource",
      "i32",
      Int32Array.from(equals, ({ source }) => source * stride),
    );
    add(
      "equalTo",
      elem,
      floats(
        elem,
        equals.map(({ threshold }) => threshold),
      ),
    );
    add("equalMissing", elem, missing(equals));
  }
  if (members.length > 0) {
    const { sets, setWords } = ensemble;
    add(
      "memberSource",
      "i32",
      Int32Array.from(members, ({ source }) => source * stride),
    );
    add(
      "memberStart",
      "i32",
      Int32Array.from(members, ({ set }) => (set === NO_SET ? 0 : sets[set]!)),
    );
    add(
      "memberEnd",
      elem,
      floats(
        elem,
        members.map(({ set }) => (set === NO_SET ? 0 : 32 * (sets[set + 1]! - sets[set]!))),
      ),
    );
    add("memberMissing", elem, missing(members));
    // One set may begin at any word, and is read up to the longest set's end before the answer is thrown away.
    const padded = new Int32Array(setWords.length + mostWords(ensemble));
    padded.set(setWords);
    add("words", "i32", padded);
  }
  return {
    params: tables.map(({ name, elem: type, data }) => ({ name, elem: type, size: data.length, ...rangeOf(name, data) })),
    buffers: Object.fromEntries(tables.map(({ name, elem: type, data }) => [name, context.weights(type, data)])),
  };
}

function rangeOf(name: string, data: ArrayLike<number>): { readonly range?: readonly [number, number] } {
  return name === "equalSource" || name === "memberSource" || name === "memberStart" ? { range: rangeIn(data) } : {};
}

/** The least and the greatest of integers, as a parameter's range. */
export function rangeIn(data: ArrayLike<number>): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) [low, high] = [Math.min(low, data[i]!), Math.max(high, data[i]!)];
  return [low, high];
}

function mostWords({ sets }: TreeEnsemble): number {
  let most = 1;
  for (let i = 1; i < sets.length; i++) most = Math.max(most, sets[i]! - sets[i - 1]!);
  return most;
}

/** Declares the tables; gives the code that computes the tests of one row, whose column 0 is where `cursorAt(0)` stands. */
export function declareTests(
  b: KernelBuilder,
  columns: TreeColumns,
  ensemble: TreeEnsemble,
  tables: TestTables,
  elem: FloatElem,
  stride: number,
  cursorAt: (element: number) => string,
): { readonly cursors: readonly string[]; readonly emit: () => void } {
  for (const { name, elem: type, size, range } of tables.params) b.param(name, type, size, "in", range);
  const { equals, members, variants, features } = columns;
  const type = scalar(elem);
  const sign = (isLeft: Term): Term => b.select(isLeft, b.constant(type, -1), b.constant(type, 1));
  const firstEqual = variants.length * features;
  const cursors: string[] = [];
  const steps: (() => void)[] = [];
  const put = (at: string, x: Term, missing: string, value: Term): void => b.store(at, 0, b.select(b.compare("ne", x, x), b.load(type, missing), value));
  const at = (element: number): string => {
    const cursor = cursorAt(element);
    cursors.push(cursor);
    return cursor;
  };
  if (equals.length > 0) {
    const [row, to] = [at(0), at(firstEqual * stride)];
    const [source, threshold, missing] = [b.cursor("s", "equalSource"), b.cursor("t", "equalTo"), b.cursor("m", "equalMissing")];
    steps.push(() =>
      b.loop("e", equals.length, { [source]: 1, [threshold]: 1, [missing]: 1, [to]: stride }, () => {
        const x = b.let("x", b.load(type, row, 0, b.load(I32, source)));
        put(to, x, missing, sign(b.compare("eq", x, b.load(type, threshold))));
      }),
    );
  }
  let first = 0;
  for (const rounding of ROUNDINGS) {
    const count = members.filter((test) => test.rounding === rounding).length;
    if (count === 0) continue;
    const [row, to] = [at(0), at((firstEqual + equals.length + first) * stride)];
    const [source, start, end, missing] = ["memberSource", "memberStart", "memberEnd", "memberMissing"].map((name) => b.cursor("k", name, first)) as [
      string,
      string,
      string,
      string,
    ];
    const words = b.cursor("w", "words");
    first += count;
    steps.push(() =>
      b.loop("m", count, { [source]: 1, [start]: 1, [end]: 1, [missing]: 1, [to]: stride }, () => {
        const x = b.let("x", b.load(type, row, 0, b.load(I32, source)));
        const whole = b.let("f", roundedBy(b, rounding, x));
        const isInside = b.and(
          b.and(b.compare("ge", whole, b.constant(type, 0)), b.compare("lt", whole, b.load(type, end))),
          b.compare("eq", whole, b.op("trunc", type, [whole])),
        );
        const most = b.constant(I32, 32 * mostWords(ensemble) - 1);
        const number = b.let("n", b.pmin(b.pmax(b.convert(b.select(isInside, whole, b.constant(type, 0)), "i32"), b.constant(I32, 0)), most));
        const word = b.load(I32, words, 0, b.add(b.load(I32, start), b.shrU(number, 5)));
        const bit = b.and(b.op("shrU", I32, [word, b.and(number, b.constant(I32, 31))]), b.constant(I32, 1));
        put(to, x, missing, sign(b.and(isInside, b.compare("ne", bit, b.constant(I32, 0)))));
      }),
    );
  }
  return { cursors, emit: () => steps.forEach((step) => step()) };
}

function roundedBy(b: KernelBuilder, rounding: MemberTest["rounding"], x: Term): Term {
  return rounding === "none" ? x : b.op(rounding, x.type, [x]);
}

/** Values of a variant from the features' values. */
export function variantOf(b: KernelBuilder, x: Term, { missing, zeroIsMissing }: Variant): Term {
  const constant = (value: number): Term => b.constant(x.type, value);
  const instead = constant(missing === "left" ? -Infinity : NaN);
  const held = b.let("x", x);
  if (!zeroIsMissing) return missing === "right" ? held : b.select(b.compare("ne", held, held), instead, held);
  // NaN is at most nothing.
  const isMissing = b.not(b.compare("gt", b.abs(held), constant(ZERO_THRESHOLD)));
  return b.select(isMissing, instead, held);
}

/** All variants of the row at `x` to the columns of `to`, without reading behind its end. Gives what the cursors are, and the code. */
export function rowColumns(
  b: KernelBuilder,
  columns: TreeColumns,
  elem: FloatElem,
  rows: { readonly x: string; readonly columns: string; readonly firstRow: number },
): { readonly cursors: readonly string[]; readonly emit: () => void } {
  const { features, variants } = columns;
  const lanes = elem === "f32" ? b.lanes : Math.max(1, b.lanes / 2);
  const whole = Math.floor(features / lanes);
  const rest = features - whole * lanes;
  const cursors: string[] = [];
  const parts = [
    { width: lanes, trips: whole, first: 0 },
    { width: 1, trips: rest, first: whole * lanes },
  ]
    .filter(({ trips }) => trips > 0)
    .map((part) => {
      const from = b.cursor("x", rows.x, rows.firstRow * features + part.first);
      const to = b.cursor("c", rows.columns, part.first);
      cursors.push(from);
      return { ...part, from, to };
    });
  const emit = (): void => {
    for (const { width, trips, from, to } of parts) {
      const advance: Advance = { [from]: width, [to]: width };
      b.loop("f", trips, advance, () => {
        const x = b.let("x", b.load(vector(elem, width), from));
        variants.forEach((variant, i) => b.store(to, i * features, variantOf(b, x, variant)));
      });
    }
  };
  return { cursors, emit };
}
