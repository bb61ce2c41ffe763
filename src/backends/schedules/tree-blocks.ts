/**
 * Trees over blocks of rows, by bits: each distinct test becomes one bit a row, a tree is a network of choices between those
 * bits, and what comes out is looked up among its leaves. The work of a tree is the same whatever its rows are.
 *
 * A vector has as many bytes as rows of a group, and bit k of byte j stands for place j of group k: eight groups are a whole block.
 */
import { treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { declareBlockLeaves } from "./tree-block-leaves.ts";
import { rangeIn } from "./tree-columns.ts";
import type { TreeHeaps } from "./tree-heaps.ts";
import { rowKeys } from "./tree-keys.ts";
import { finish } from "./tree-leaves.ts";
import { treePlanes } from "./tree-mux.ts";
import type { RankedTests } from "./tree-ranks.ts";
import type { TreeRows } from "./tree-rows.ts";

/** Where blocks lie: each `rows` rows behind the one before. */
export interface Blocks {
  /** f32 lanes of the vectors: a group is four times as many rows. */
  readonly lanes: number;
  readonly groups: number;
  readonly first: number;
  readonly count: number;
  /** As many of a block are there. */
  readonly rows: number;
}

export const MOST_GROUPS = 8;

/** A byte tells so many thresholds apart. */
export const MOST_THRESHOLDS = 255;

export function groupRows(lanes: number): number {
  return 4 * lanes;
}

/** Keys of neighbouring columns lie in different sets of a cache. */
const STAGGER = 64;

export function lowerTreeBlocks(context: LowerContext, ensemble: TreeEnsemble, ranked: RankedTests, heaps: TreeHeaps, rows: TreeRows, blocks: Blocks): void {
  const { lanes, groups, first, count } = blocks;
  const { elem, features } = rows;
  const { depth, targets, treesEach, tests } = heaps;
  const bytes = groupRows(lanes);
  const size = groups * bytes;
  const stride = size + STAGGER;
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
  space("steps", "i64", (tests.columns.length * bytes) / 8);
  space("planes", "i64", (depth * bytes) / 8);
  space("sums", weights, targets * size);
  const sources = ranked.keys.map((key) => key * stride);
  table("tests", "i32", sources, rangeIn(sources));
  table(
    "bounds",
    "i8",
    Int8Array.from(ranked.ranks, (rank) => rank + 1 + LOWEST),
  );
  const narrow = tests.columns.length <= 0xffff;
  table("nodes", narrow ? "u16" : "i32", narrow ? Uint16Array.from(heaps.nodes) : heaps.nodes, rangeIn(heaps.nodes));
  table("base", weights, ensemble.base);
  const leaves = declareBlockLeaves(b, buffers, context, heaps, { lanes, groups });
  table("places", "u16", leaves.places, rangeIn(leaves.places));
  const place = b.cursor("r", "places");
  const keys = rowKeys(
    b,
    buffers,
    context,
    ensemble,
    ranked,
    { elem, features, firstRow: first },
    {
      elem: "i8",
      size: ranked.units.length * ranked.directions.length * stride,
      stride,
      of: (rank) => b.add(rank, b.constant(I32, LOWEST)),
      lowest: MOST_THRESHOLDS + LOWEST,
      place: () => b.load(scalar("u16"), place),
    },
  );

  const y = b.cursor("y", "y", first * targets);
  const moves = (factor: number): Record<string, number> => Object.fromEntries(keys.cursors.map((cursor) => [cursor, factor * features]));
  b.loop("block", count, { ...moves(blocks.rows), [y]: blocks.rows * targets }, () => {
    b.loop("r", blocks.rows, { ...moves(1), [place]: 1 }, keys.emit);
    emitSteps(b, tests.columns.length, bytes, groups);
    emitTrees(b, heaps, leaves, bytes, size, rows.output.aggregate === "sum" && !rows.output.baseLast, weights);
    emitResults(b, rows, heaps, treeCount(ensemble), y, blocks.rows, size, weights);
  });
  context.call(b.finish(), buffers);
}

/** Keys are signed bytes, which all vectors can compare. */
const LOWEST = -128;

/** One bit a row for each test: 1 where the row goes right. */
function emitSteps(b: KernelBuilder, count: number, bytes: number, groups: number): void {
  const [test, bound, keys, to] = [b.cursor("t", "tests"), b.cursor("b", "bounds"), b.cursor("k", "keys"), b.cursor("o", "steps", 0, "u8")];
  const [type, key] = [vector("u8", bytes), vector("i8", bytes)];
  b.loop("p", count, { [test]: 1, [bound]: 1, [to]: bytes }, () => {
    const at = b.let("a", b.load(I32, test));
    const above = b.let("b", b.splat(key, bound));
    let steps: Term | undefined;
    for (let group = 0; group < groups; group++) {
      const goesRight = b.compare("lt", b.load(key, keys, group * bytes, at), above);
      const bit = b.select(goesRight, b.constant(type, 2 ** group), b.constant(type, 0));
      steps = steps ? b.or(steps, bit) : bit;
    }
    b.store(to, 0, steps!);
  });
}

function emitTrees(
  b: KernelBuilder,
  heaps: TreeHeaps,
  leaves: ReturnType<typeof declareBlockLeaves>,
  bytes: number,
  size: number,
  baseFirst: boolean,
  weights: "f32" | "f64",
): void {
  const { depth, targets, treesEach } = heaps;
  const words = bytes / 8;
  const width = weights === "f32" ? b.lanes : Math.max(1, b.lanes / 2);
  const type = vector(weights, width);
  const [node, steps, planes] = [b.cursor("n", "nodes"), b.cursor("m", "steps"), b.cursor("p", "planes")];
  const [base, start] = [b.cursor("b", "base"), b.cursor("s", "sums")];
  const id = scalar(heaps.tests.columns.length <= 0xffff ? "u16" : "i32");
  const load = (place: number): Term => {
    const at = b.load(id, node, place);
    return b.let("m", b.load(vector("i64", words), steps, 0, b.shl(at, Math.log2(words))));
  };
  const tree = { [node]: 2 ** depth, [leaves.leaf]: leaves.each };
  b.loop("k", targets, { [node]: treesEach * 2 ** depth, [leaves.leaf]: treesEach * leaves.each, [base]: 1, [start]: size, [leaves.sums]: size }, () => {
    const first = b.let("b", baseFirst ? b.splat(type, base) : b.constant(type, 0));
    b.loop("r", size / width, { [start]: width }, () => b.store(start, 0, first));
    b.loop("t", treesEach, tree, () => {
      treePlanes(b, depth, words, load).forEach((plane, d) => b.store(planes, d * words, plane));
      leaves.emit();
    });
  });
}

function emitResults(
  b: KernelBuilder,
  rows: TreeRows,
  { targets }: TreeHeaps,
  trees: number,
  y: string,
  count: number,
  size: number,
  weights: "f32" | "f64",
): void {
  const [sums, base] = [b.cursor("s", "sums"), b.cursor("b", "base")];
  b.loop("k", targets, { [sums]: size, [base]: 1, [y]: 1 }, () => {
    b.loop("r", count, { [sums]: 1, [y]: targets }, () => b.store(y, 0, finish(b, rows.output, trees, b.load(scalar(weights), sums), base)));
  });
}
