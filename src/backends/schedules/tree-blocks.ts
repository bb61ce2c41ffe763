/**
 * Trees over blocks of rows, by bits: each distinct test becomes one bit a row, a tree is a network of choices between those
 * bits, and what comes out is looked up among its leaves. The work of a tree is the same whatever its rows are.
 */
import { floats, treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { columnVector, transposeRows, type VectorType } from "./tree-block-columns.ts";
import { declareTests, rangeIn, testTables } from "./tree-columns.ts";
import type { TreeHeaps } from "./tree-heaps.ts";
import { finish } from "./tree-leaves.ts";
import { treePlanes } from "./tree-mux.ts";
import type { TreeRows } from "./tree-rows.ts";
import type { PlainTests } from "./tree-tests.ts";

/** Where blocks lie: each `step` rows behind the one before; `rows` of the rows of a block are there. */
export interface Blocks {
  /** f32 lanes of the vectors: a block is 32 times as many rows. */
  readonly lanes: number;
  readonly first: number;
  readonly count: number;
  readonly rows: number;
}

export function blockRows(lanes: number): number {
  return 32 * lanes;
}

export function lowerTreeBlocks(context: LowerContext, ensemble: TreeEnsemble, plain: PlainTests, heaps: TreeHeaps, rows: TreeRows, blocks: Blocks): void {
  const { lanes, first, count } = blocks;
  const { elem, features } = rows;
  const { columns } = plain;
  const { depth, targets, treesEach, tests } = heaps;
  const type = columnVector(elem, lanes);
  const size = blockRows(lanes);
  const words = size / 64;
  const name = `trees_${elem}_blocks${size}_d${depth}_${targets}x${treesEach}_${tests.columns.length}_${count}of${blocks.rows}x${features}`;
  const b = new KernelBuilder(name, { lanes, mode: "exact", loc: rows.loc });
  const buffers: Record<string, Buffer> = { x: rows.x.buffer, y: rows.y.buffer };
  b.param("x", elem, rows.x.layout.size, "in");
  b.param("y", rows.y.layout.elem, rows.y.layout.size, "out");
  const table = (stem: string, elem: Elem, data: ArrayBufferView & ArrayLike<number>, range?: readonly [number, number]): void => {
    b.param(stem, elem, data.length, "in", range);
    buffers[stem] = context.weights(elem, data);
  };
  const space = (stem: string, elem: Elem, length: number): void => {
    b.param(stem, elem, length, "inout");
    buffers[stem] = context.scratch(elem, length);
  };
  const weights = heaps.leaves instanceof Float64Array ? "f64" : "f32";
  space("columns", elem, (columns.count + features) * size);
  space("steps", "i64", tests.columns.length * words);
  space("planes", "i64", depth * words);
  space("codes", "u8", 4 * lanes);
  space("sums", weights, targets * size);
  const starts = tests.columns.map((column) => column * size);
  table("sources", "i32", starts, rangeIn(starts));
  table("thresholds", elem, floats(elem, tests.thresholds));
  const narrow = tests.columns.length <= 0xffff;
  table("nodes", narrow ? "u16" : "i32", narrow ? Uint16Array.from(heaps.nodes) : heaps.nodes, rangeIn(heaps.nodes));
  table("leaves", weights, heaps.leaves);
  table("base", weights, ensemble.base);
  const computedTables = testTables(context, columns, ensemble, elem, size);
  Object.assign(buffers, computedTables.buffers);

  const transposed = transposeRows(b, columns, type, size, blocks);
  const computed =
    columns.equals.length + columns.members.length > 0
      ? declareTests(b, columns, ensemble, computedTables, elem, size, (at) => b.cursor("c", "columns", at))
      : undefined;
  const y = b.cursor("y", "y", first * targets);
  b.loop("block", count, { ...Object.fromEntries(transposed.cursors.map((cursor) => [cursor, blocks.rows * features])), [y]: blocks.rows * targets }, () => {
    transposed.emit();
    if (computed) b.loop("r", blocks.rows, Object.fromEntries(computed.cursors.map((cursor) => [cursor, 1])), computed.emit);
    emitSteps(b, tests.columns.length, type, words);
    emitTrees(b, heaps, lanes, words, rows.output.aggregate === "sum" && !rows.output.baseLast, weights);
    emitResults(b, rows, heaps, treeCount(ensemble), y, blocks, weights);
  });
  context.call(b.finish(), buffers);
}

/** One bit a row for each test: 1 where the row goes right. */
function emitSteps(b: KernelBuilder, count: number, type: VectorType, words: number): void {
  if (count === 0) return;
  const [source, threshold, columns, to] = [b.cursor("s", "sources"), b.cursor("t", "thresholds"), b.cursor("c", "columns"), b.cursor("o", "steps")];
  const { lanes } = type;
  b.loop("p", count, { [source]: 1, [threshold]: 1, [to]: words }, () => {
    const at = b.let("a", b.load(I32, source));
    const bound = b.let("t", b.splat(type, threshold));
    for (let word = 0; word < words; word++) {
      const masks = Array.from({ length: 64 / lanes }, (_, i) => b.compare("lt", b.load(type, columns, word * 64 + i * lanes, at), bound));
      b.store(to, word, b.not(b.op("bitmask", scalar("i64"), masks)));
    }
  });
}

function emitTrees(b: KernelBuilder, heaps: TreeHeaps, lanes: number, words: number, baseFirst: boolean, weights: "f32" | "f64"): void {
  const { depth, targets, treesEach } = heaps;
  const places = 2 ** depth;
  const size = words * 64;
  const width = weights === "f32" ? lanes : Math.max(1, lanes / 2);
  const type = vector(weights, width);
  const [node, leaf, steps, planes] = [b.cursor("n", "nodes"), b.cursor("l", "leaves"), b.cursor("m", "steps"), b.cursor("p", "planes")];
  const [base, sums] = [b.cursor("b", "base"), b.cursor("s", "sums")];
  const id = scalar(heaps.tests.columns.length <= 0xffff ? "u16" : "i32");
  const load = (place: number): Term => {
    const at = b.load(id, node, place);
    return b.let("m", b.load(vector("i64", words), steps, 0, words === 1 ? at : b.shl(at, Math.log2(words))));
  };
  const addLeaves = leafAdder(b, depth, words, weights, { leaf, sums });
  b.loop("k", targets, { [node]: treesEach * places, [leaf]: treesEach * places, [base]: 1, [sums]: size }, () => {
    const start = b.let("b", baseFirst ? b.splat(type, base) : b.constant(type, 0));
    b.loop("r", size / width, { [sums]: width }, () => b.store(sums, 0, start));
    b.loop("t", treesEach, { [node]: places, [leaf]: places }, () => {
      treePlanes(b, depth, words, load).forEach((plane, d) => b.store(planes, d * words, plane));
      addLeaves();
    });
  });
}

/** Adds each row's leaf to its sum. A vector of bytes takes the steps of as many rows, and becomes their places among the leaves. */
function leafAdder(
  b: KernelBuilder,
  depth: number,
  words: number,
  weights: "f32" | "f64",
  cursors: { readonly leaf: string; readonly sums: string },
): () => void {
  const { leaf, sums } = cursors;
  const rows = 4 * b.lanes;
  const elem: Elem = rows === 64 ? "i64" : rows === 32 ? "i32" : "u16";
  const bits = b.cursor("q", "planes", 0, elem);
  const [codes, code] = [b.cursor("c", "codes"), b.cursor("c", "codes")];
  const type = vector("u8", rows);
  return () =>
    b.loop("g", (words * 64) / rows, { [bits]: 1, [sums]: rows }, () => {
      let place: Term | undefined;
      for (let d = 0; d < depth; d++) {
        const steps = b.op("expand", { mask: rows }, [b.load(scalar(elem), bits, (d * words * 64) / rows)]);
        // The step at the root is the highest bit of a leaf's place.
        const weight = b.select(steps, b.constant(type, 2 ** (depth - 1 - d)), b.constant(type, 0));
        place = place ? b.or(place, weight) : weight;
      }
      b.store(codes, 0, place!);
      b.loop("h", rows / 8, { [code]: 8, [sums]: 8 }, () => {
        for (let i = 0; i < 8; i++) {
          const at = b.and(b.load(scalar("u8"), code, i), b.constant(I32, 2 ** depth - 1));
          b.store(sums, i, b.add(b.load(scalar(weights), sums, i), b.load(scalar(weights), leaf, 0, at)));
        }
      });
    });
}

function emitResults(b: KernelBuilder, rows: TreeRows, { targets }: TreeHeaps, trees: number, y: string, blocks: Blocks, weights: "f32" | "f64"): void {
  const size = blockRows(blocks.lanes);
  const [sums, base] = [b.cursor("s", "sums"), b.cursor("b", "base")];
  b.loop("k", targets, { [sums]: size, [base]: 1, [y]: 1 }, () => {
    b.loop("r", blocks.rows, { [sums]: 1, [y]: targets }, () => b.store(y, 0, finish(b, rows.output, trees, b.load(scalar(weights), sums), base)));
  });
}
