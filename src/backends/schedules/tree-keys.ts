/** Keys of a row: each value's place among the thresholds, found by looking at sixteen of them at once. */
import { floats, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import type { Elem } from "../../kernel/kernel.ts";
import { I32, scalar, vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { declareTests, rangeIn, rowColumns, testTables, type FloatElem } from "./tree-columns.ts";
import { levelStarts, PIVOTS, pivotsOf, type RankedTests } from "./tree-ranks.ts";

/** What keys are, and where they go. */
export interface KeyForm {
  readonly elem: Extract<Elem, "u16" | "i32" | "i8">;
  /** Elements of the buffer, and from one key to the next. */
  readonly size: number;
  readonly stride: number;
  readonly of: (rank: Term) => Term;
  /** The key of what goes left of every threshold. */
  readonly lowest: number;
  /** Where the row's keys begin. */
  readonly place?: () => Term;
}

/** Declares what keys are made of and `keys`; gives the cursors that move with the rows, and the code. */
export function rowKeys(
  b: KernelBuilder,
  buffers: Record<string, Buffer>,
  context: LowerContext,
  ensemble: TreeEnsemble,
  ranked: RankedTests,
  x: { readonly elem: FloatElem; readonly features: number; readonly firstRow: number },
  form: KeyForm,
): { readonly cursors: readonly string[]; readonly emit: () => void } {
  const { elem, features, firstRow } = x;
  const { units, columns, directions } = ranked;
  const width = Math.min(PIVOTS, elem === "f32" ? b.lanes : Math.max(2, b.lanes / 2));
  const type = vector(elem, width);
  const pivots = units.map(pivotsOf);
  const starts = new Int32Array(units.length);
  for (let i = 1; i < units.length; i++) starts[i] = starts[i - 1]! + pivots[i - 1]!.length;
  const length = starts.at(-1)! + pivots.at(-1)!.length;
  // A unit's last group is known only as one of as many as there can be.
  const most = Math.max(...units.map(({ levels }) => levelStarts(levels).at(-1)! + PIVOTS ** levels));
  const table = floats(elem, new Float64Array(length + most).fill(NaN));
  pivots.forEach((data, i) => table.set(data, starts[i]));
  b.param("pivots", elem, table.length, "in");
  buffers["pivots"] = context.weights(elem, table);
  const integers = (name: string, data: Int32Array): void => {
    b.param(name, "i32", data.length, "in", rangeIn(data));
    buffers[name] = context.weights("i32", data);
  };
  integers("starts", starts);
  integers(
    "sources",
    Int32Array.from(units, ({ source }) => source),
  );
  b.param("keys", form.elem, form.size, "inout");
  buffers["keys"] = context.scratch(form.elem, form.size);

  const made = columns && columnCode(b, buffers, context, ensemble, columns, x);
  const row = made ? b.cursor("r", "row") : b.cursor("r", "x", firstRow * features);
  const groups = [...new Set(units.map(({ levels }) => levels))].map((levels) => {
    const first = units.findIndex((unit) => unit.levels === levels);
    return {
      levels,
      count: units.filter((unit) => unit.levels === levels).length,
      source: b.cursor("s", "sources", first),
      start: b.cursor("a", "starts", first),
      key: b.cursor("k", "keys", first * directions.length * form.stride),
    };
  });
  const [pivot, word] = [b.cursor("p", "pivots"), scalar(form.elem)];
  const emit = (): void => {
    made?.emit();
    const place = form.place && b.let("r", form.place());
    for (const { levels, count, source, start, key } of groups) {
      b.loop("u", count, { [source]: 1, [start]: 1, [key]: directions.length * form.stride }, () => {
        const from = b.let("s", b.load(I32, source));
        const value = b.let("v", b.splat(type, row, 0, from));
        const begin = b.let("a", b.load(I32, start));
        let rank: Term | undefined;
        for (const offset of levelStarts(levels)) {
          const at = rank ? b.let("a", b.add(begin, b.shl(rank, Math.log2(PIVOTS)))) : begin;
          const above = Array.from({ length: PIVOTS / width }, (_, i) => b.compare("lt", value, b.load(type, pivot, offset + i * width, at)));
          const bits = b.and(b.op("bitmask", scalar("i64"), above), b.constant(scalar("i64"), 2 ** PIVOTS - 1));
          const count = b.convert(b.op("popcnt", scalar("i64"), [bits]), "i32");
          rank = b.let("p", rank ? b.add(b.shl(rank, Math.log2(PIVOTS)), count) : count);
        }
        const found = b.let("k", form.of(rank!));
        directions.forEach((missing, i) => {
          if (missing === "right") return b.storeAs(word, key, i * form.stride, found, place);
          // What is missing is below every threshold.
          const plain = b.let("x", b.load(scalar(elem), row, 0, from));
          return b.storeAs(word, key, i * form.stride, b.select(b.compare("ne", plain, plain), b.constant(I32, form.lowest), found), place);
        });
      });
    }
  };
  return { cursors: made ? made.cursors : [row], emit };
}

/** The columns of a row that has more than the features as they are given. */
function columnCode(
  b: KernelBuilder,
  buffers: Record<string, Buffer>,
  context: LowerContext,
  ensemble: TreeEnsemble,
  columns: NonNullable<RankedTests["columns"]>,
  { elem, firstRow }: { readonly elem: FloatElem; readonly firstRow: number },
): { readonly cursors: readonly string[]; readonly emit: () => void } {
  b.param("row", elem, columns.count, "inout");
  buffers["row"] = context.scratch(elem, columns.count);
  const tables = testTables(context, columns, ensemble, elem, 1);
  Object.assign(buffers, tables.buffers);
  const filled = rowColumns(b, columns, elem, { x: "x", columns: "row", firstRow });
  const computed = declareTests(b, columns, ensemble, tables, elem, 1, (element) => b.cursor("c", "row", element));
  return {
    cursors: filled.cursors,
    emit: () => {
      filled.emit();
      computed.emit();
    },
  };
}
