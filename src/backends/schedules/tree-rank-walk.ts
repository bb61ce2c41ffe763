/** Walks through complete trees by place, where a node is one word: its column, and its threshold's place among those of the column. */
import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar, type Term } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { rangeIn } from "./tree-columns.ts";
import type { TreeHeaps } from "./tree-heaps.ts";
import { rowKeys } from "./tree-keys.ts";
import { finish, nothing } from "./tree-leaves.ts";
import type { RankedTests, TestWords } from "./tree-ranks.ts";
import type { TreeRows } from "./tree-rows.ts";
import { WALKS_AT_ONCE } from "./tree-walk.ts";

export function lowerTreeRankWalk(
  context: LowerContext,
  ensemble: TreeEnsemble,
  ranked: RankedTests,
  form: TestWords,
  heaps: TreeHeaps,
  rows: TreeRows,
  first: number,
  count: number,
): void {
  const { elem, features } = rows;
  const { depth, targets } = heaps;
  const together = Math.min(WALKS_AT_ONCE[context.target.kind], heaps.treesEach);
  const groups = Math.ceil(heaps.treesEach / together);
  const weights: "f32" | "f64" = heaps.leaves instanceof Float64Array ? "f64" : "f32";
  const name = `trees_${elem}_ranks_d${depth}_${targets}x${heaps.treesEach}_${count}x${features}`;
  const b = new KernelBuilder(name, { lanes: lanesOf(context.target), mode: "exact", loc: rows.loc });
  const buffers: Record<string, Buffer> = { x: rows.x.buffer, y: rows.y.buffer };
  b.param("x", elem, rows.x.layout.size, "in");
  b.param("y", rows.y.layout.elem, rows.y.layout.size, "out");
  const table = (stem: string, type: Elem, data: ArrayBufferView & ArrayLike<number>, range?: readonly [number, number]): void => {
    b.param(stem, type, data.length, "in", range);
    buffers[stem] = context.weights(type, data);
  };
  const packed = pack(heaps, form, groups * together, nothing(rows.output));
  table("nodes", form.elem, packed.nodes, rangeIn(packed.nodes));
  table("leaves", weights, packed.leaves);
  table("base", weights, ensemble.base);
  const keys = rowKeys(
    b,
    buffers,
    context,
    ensemble,
    ranked,
    { elem, features, firstRow: first },
    {
      elem: form.elem,
      size: 2 ** form.columnBits,
      stride: 1,
      of: (rank) => b.shl(rank, form.columnBits),
      lowest: form.mostRank * 2 ** form.columnBits,
    },
  );

  const places = 2 ** depth;
  const [node, key, leaf] = [b.cursor("n", "nodes"), b.cursor("k", "keys"), b.cursor("l", "leaves")];
  const [base, y] = [b.cursor("b", "base"), b.cursor("y", "y", first * targets)];
  const times = (factor: number): Record<string, number> => ({ [node]: places * factor, [leaf]: places * factor });
  const isBaseFirst = rows.output.aggregate === "sum" && !rows.output.baseLast;
  const word = scalar(form.elem);
  const goesLeft = (tree: number, held: Term): Term => {
    const test = b.let("w", b.load(word, node, tree * places, held));
    const column = b.and(test, b.constant(I32, 2 ** form.columnBits - 1));
    return b.select(b.compare("lt", test, b.load(word, key, 0, column)), b.constant(I32, 1), b.constant(I32, 0));
  };
  b.loop("i", count, { ...Object.fromEntries(keys.cursors.map((cursor) => [cursor, features])), [y]: targets }, () => {
    keys.emit();
    b.loop("k", targets, { ...times(groups * together), [base]: 1, [y]: 1 }, () => {
      const sum = b.let("s", isBaseFirst ? b.load(scalar(weights), base) : b.constant(scalar(weights), 0));
      b.loop("g", groups, times(together), () => {
        const at = Array.from({ length: together }, () => b.let("h", b.constant(I32, 1)));
        for (let d = 0; d < depth; d++) at.forEach((held, i) => b.set(held, b.add(b.shl(held, 1), goesLeft(i, held))));
        at.forEach((held, i) => b.set(sum, b.add(sum, b.load(scalar(weights), leaf, i * places, b.sub(held, b.constant(I32, places))))));
      });
      b.store(y, 0, finish(b, rows.output, treeCount(ensemble), sum, base));
    });
  });
  context.call(b.finish(), buffers);
}

interface PackedHeaps {
  readonly nodes: Uint16Array | Int32Array;
  readonly leaves: Float32Array | Float64Array;
}

/** Words and leaves by tree and place, mirrored: the child to the left stands at 2n + 1. Each target has `treesEach` trees, of which the last may be of nothing. */
function pack(heaps: TreeHeaps, form: TestWords, treesEach: number, none: number): PackedHeaps {
  const { depth, targets } = heaps;
  const size = 2 ** depth;
  const count = targets * treesEach * size;
  const nodes = form.elem === "u16" ? new Uint16Array(count) : new Int32Array(count);
  const leaves = heaps.leaves instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  leaves.fill(none);
  const mirrored = Int32Array.from({ length: size }, (_, place) => (place < 2 ? place : place ^ (2 ** Math.floor(Math.log2(place)) - 1)));
  for (let target = 0; target < targets; target++) {
    for (let tree = 0; tree < heaps.treesEach; tree++) {
      const [from, to] = [(target * heaps.treesEach + tree) * size, (target * treesEach + tree) * size];
      for (let place = 1; place < size; place++) nodes[to + mirrored[place]!] = form.words[heaps.nodes[from + place]!]!;
      for (let i = 0; i < size; i++) leaves[to + (size - 1 - i)] = heaps.leaves[from + i]!;
    }
  }
  return { nodes, leaves };
}
