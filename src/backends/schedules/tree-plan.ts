import type { TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import { columnVector, type VectorType } from "./tree-block-columns.ts";
import { blockRows, type Blocks } from "./tree-blocks.ts";
import type { TreeHeaps } from "./tree-heaps.ts";
import type { PlainTests } from "./tree-tests.ts";

/** A deeper tree has too many places to be worth completing. */
export const DEEPEST_HEAP = 8;

/** Rows that are run in one way. */
export type RowPart = { readonly kind: "walk"; readonly first: number; readonly count: number } | ({ readonly kind: "blocks" } & Blocks);

/**
 * Which rows are walked and which go through blocks: what costs least by estimate. A last block begins early enough to be whole, so
 * that some rows are computed twice, to the same bits.
 */
export function divideRows(target: TargetProfile, plain: PlainTests, heaps: TreeHeaps | undefined, elem: "f32" | "f64", rows: number): readonly RowPart[] {
  const lanes = heaps && blockLanes(target, heaps, rows);
  if (!heaps || lanes === undefined) return [{ kind: "walk", first: 0, count: rows }];
  const size = blockRows(lanes);
  const least = leastRows(target, plain, heaps, columnVector(elem, lanes), blockRows(lanes));
  if (rows < size) return rows < least ? [{ kind: "walk", first: 0, count: rows }] : [{ kind: "blocks", lanes, first: 0, count: 1, rows }];
  const whole = Math.floor(rows / size);
  const rest = rows - whole * size;
  const parts: RowPart[] = [{ kind: "blocks", lanes, first: 0, count: whole, rows: size }];
  if (rest > 0)
    parts.push(rest < least ? { kind: "walk", first: rows - rest, count: rest } : { kind: "blocks", lanes, first: rows - size, count: 1, rows: size });
  return parts;
}

/** Vectors of four lanes at least, that compare exactly: those of 32-bit ARM take numbers near zero for zero. */
export function hasWideVectors(target: TargetProfile): boolean {
  return lanesOf(target) >= 4 && target.arch !== "armv7";
}

/** True where completing the trees makes them at most twice as large: walking by place is then faster than by index. */
export function isDense(ensemble: TreeEnsemble, { nodes }: TreeHeaps): boolean {
  return nodes.length <= 2 * (ensemble.leafNodes.length + 8);
}

/** Lanes of the widest blocks that rows fill. Their steps may be twice as large as the second cache: fewer, larger blocks make up for that. */
function blockLanes(target: TargetProfile, heaps: TreeHeaps, rows: number): number | undefined {
  if (!hasWideVectors(target)) return undefined;
  let lanes = lanesOf(target);
  const stepBytes = (): number => (heaps.tests.columns.length * blockRows(lanes)) / 8;
  while (lanes > 4 && (rows < blockRows(lanes) || stepBytes() > 2 * target.l2Bytes)) lanes /= 2;
  return lanes;
}

/** As many rows as cost by walks what a block costs. Costs are counted in vector instructions; what a step of a walk costs was measured against them. */
function leastRows(target: TargetProfile, plain: PlainTests, heaps: TreeHeaps, { lanes }: VectorType, size: number): number {
  const trees = heaps.targets * heaps.treesEach;
  const isFar = heaps.nodes.length * NODE_BYTES > target.l2Bytes;
  const walk = trees * heaps.depth * STEP_COST[target.kind] * (isFar ? 1.5 : 1) + plain.columns.count;
  const steps = heaps.tests.columns.length * (size / lanes + 4);
  const choices = trees * (2 * 2 ** heaps.depth + 4 * size);
  return Math.ceil((steps + choices + (plain.columns.count * size) / lanes) / walk);
}

/** A column, a threshold and a leaf. */
const NODE_BYTES = 10;
const STEP_COST = { native: 7, wasm: 5 } as const;
