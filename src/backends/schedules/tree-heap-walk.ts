/** Walks through complete trees: the next place is computed from the place, and a sum is carried in a register. */
import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar, type Term } from "../../kernel/build.ts";
import { ELEM_BYTES, type Elem } from "../../kernel/kernel.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { declareTests, rangeIn, rowColumns, testTables } from "./tree-columns.ts";
import type { TreeHeaps } from "./tree-heaps.ts";
import { finish, nothing } from "./tree-leaves.ts";
import type { TreeRows } from "./tree-rows.ts";
import type { PlainTests } from "./tree-tests.ts";
import { WALKS_AT_ONCE } from "./tree-walk.ts";

export function lowerTreeHeapWalk(
  context: LowerContext,
  ensemble: TreeEnsemble,
  plain: PlainTests,
  heaps: TreeHeaps,
  rows: TreeRows,
  first: number,
  count: number,
): void {
  const { elem, features } = rows;
  const { columns } = plain;
  const { depth, targets } = heaps;
  const together = Math.min(WALKS_AT_ONCE[context.target.kind], heaps.treesEach);
  const groups = Math.ceil(heaps.treesEach / together);
  const weights: "f32" | "f64" = heaps.leaves instanceof Float64Array ? "f64" : "f32";
  const name = `trees_${elem}_heap_d${depth}_${targets}x${heaps.treesEach}_${count}x${features}`;
  const b = new KernelBuilder(name, { lanes: lanesOf(context.target), mode: "exact", loc: rows.loc });
  const buffers: Record<string, Buffer> = { x: rows.x.buffer, y: rows.y.buffer };
  b.param("x", elem, rows.x.layout.size, "in");
  b.param("y", rows.y.layout.elem, rows.y.layout.size, "out");
  b.param("row", elem, columns.count, "inout");
  buffers["row"] = context.scratch(elem, columns.count);
  const table = (stem: string, type: Elem, data: ArrayBufferView & ArrayLike<number>, range?: readonly [number, number]): void => {
    b.param(stem, type, data.length, "in", range);
    buffers[stem] = context.weights(type, data);
  };
  const packed = pack(heaps, elem, groups * together, nothing(rows.output));
  table("columns", packed.columns instanceof Uint16Array ? "u16" : "i32", packed.columns, rangeIn(packed.columns));
  table("thresholds", elem, packed.thresholds);
  table("leaves", weights, packed.leaves);
  table("base", weights, ensemble.base);
  const tables = testTables(context, columns, ensemble, elem, 1);
  Object.assign(buffers, tables.buffers);
  const filled = rowColumns(b, columns, elem, { x: "x", columns: "row", firstRow: first });
  const computed = declareTests(b, columns, ensemble, tables, elem, 1, (element) => b.cursor("c", "row", element));

  const places = 2 ** depth;
  const [row, column, threshold, leaf] = [b.cursor("row", "row"), b.cursor("n", "columns"), b.cursor("t", "thresholds"), b.cursor("l", "leaves")];
  const [base, y] = [b.cursor("b", "base"), b.cursor("y", "y", first * targets)];
  const walk = { [column]: places, [threshold]: places, [leaf]: places };
  const times = (factor: number): Record<string, number> => Object.fromEntries(Object.entries(walk).map(([cursor, step]) => [cursor, step * factor]));
  const columnType = scalar(packed.columns instanceof Uint16Array ? "u16" : "i32");
  const isBaseFirst = rows.output.aggregate === "sum" && !rows.output.baseLast;
  const always = b.cursor("c", "row", columns.count - 1);
  b.store(always, 0, b.constant(scalar(elem), -1));
  b.loop("i", count, { ...Object.fromEntries(filled.cursors.map((cursor) => [cursor, features])), [y]: targets }, () => {
    filled.emit();
    computed.emit();
    b.loop("k", targets, { ...times(groups * together), [base]: 1, [y]: 1 }, () => {
      const sum = b.let("s", isBaseFirst ? b.load(scalar(weights), base) : b.constant(scalar(weights), 0));
      b.loop("g", groups, times(together), () => {
        const at = Array.from({ length: together }, () => b.let("h", b.constant(I32, 1)));
        for (let d = 0; d < depth; d++) at.forEach((held, i) => b.set(held, b.add(b.shl(held, 1), stepOf(i, held))));
        // Places behind the splits are those of the leaves.
        at.forEach((held, i) => b.set(sum, b.add(sum, b.load(scalar(weights), leaf, i * places, b.sub(held, b.constant(I32, places))))));
      });
      b.store(y, 0, finish(b, rows.output, treeCount(ensemble), sum, base));
    });
  });
  context.call(b.finish(), buffers);

  function stepOf(tree: number, held: Term): Term {
    const value = b.load(scalar(elem), row, 0, b.load(columnType, column, tree * places, held));
    return b.select(b.compare("lt", value, b.load(scalar(elem), threshold, tree * places, held)), b.constant(I32, 0), b.constant(I32, 1));
  }
}

interface PackedHeaps {
  readonly columns: Uint16Array | Int32Array;
  readonly thresholds: Float32Array | Float64Array;
  readonly leaves: Float32Array | Float64Array;
}

/** Columns and thresholds by tree and place; each target has `treesEach` trees, of which the last may be of nothing. */
function pack(heaps: TreeHeaps, elem: "f32" | "f64", treesEach: number, none: number): PackedHeaps {
  const { depth, targets, nodes, tests } = heaps;
  const [own, wanted] = [heaps.treesEach * 2 ** depth, treesEach * 2 ** depth];
  const count = targets * wanted;
  const columns = tests.columns.every((column) => column <= 0xffff) ? new Uint16Array(count) : new Int32Array(count);
  const thresholds = ELEM_BYTES[elem] === 4 ? new Float32Array(count) : new Float64Array(count);
  const leaves = heaps.leaves instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  leaves.fill(none);
  for (let target = 0; target < targets; target++) {
    leaves.set(heaps.leaves.subarray(target * own, (target + 1) * own), target * wanted);
    for (let i = 0; i < own && tests.columns.length > 0; i++) {
      const node = nodes[target * own + i]!;
      columns[target * wanted + i] = tests.columns[node]!;
      thresholds[target * wanted + i] = tests.thresholds[node]!;
    }
  }
  return { columns, thresholds, leaves };
}
