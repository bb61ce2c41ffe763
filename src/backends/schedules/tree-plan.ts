import type { TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import { looksUpBytes } from "./tree-block-leaves.ts";
import { groupRows, MOST_GROUPS, type Blocks } from "./tree-blocks.ts";
import type { TreeHeaps } from "./tree-heaps.ts";
import { PIVOTS, type RankedTests } from "./tree-ranks.ts";

/** A deeper tree has too many places to be worth completing. */
export const DEEPEST_HEAP = 8;

/** Rows that are run in one way. */
export type RowPart = { readonly kind: "walk"; readonly first: number; readonly count: number } | ({ readonly kind: "blocks" } & Blocks);

/**
 * Which rows are walked and which go through blocks: what costs least by estimate. A last block begins early enough to be whole, so
 * that some rows are computed twice, to the same bits.
 */
export function divideRows(target: TargetProfile, ranked: RankedTests | undefined, heaps: TreeHeaps | undefined, rows: number): readonly RowPart[] {
  if (!ranked || !heaps || !hasWideVectors(target)) return [{ kind: "walk", first: 0, count: rows }];
  const lanes = blockLanes(target, heaps);
  const most = MOST_GROUPS * groupRows(lanes);
  const blocksOf = (first: number, count: number, of: number): RowPart[] => {
    const groups = Math.ceil(of / groupRows(lanes));
    const isWorth = blockCost(target, ranked, heaps, lanes, groups, of) < of * walkCost(target, ranked, heaps);
    return [isWorth ? { kind: "blocks", lanes, groups, first, count, rows: of } : { kind: "walk", first, count: count * of }];
  };
  if (rows <= most) return blocksOf(0, 1, rows);
  const whole = Math.floor(rows / most);
  const rest = rows - whole * most;
  const parts = blocksOf(0, whole, most);
  if (parts[0]!.kind === "walk") return [{ kind: "walk", first: 0, count: rows }];
  if (rest === 0) return parts;
  const [last] = blocksOf(whole * most, 1, rest);
  return [...parts, last!];
}

/** Vectors of four lanes at least, that compare exactly: those of 32-bit ARM take numbers near zero for zero. */
export function hasWideVectors(target: TargetProfile): boolean {
  return lanesOf(target) >= 4 && target.arch !== "armv7";
}

/** True where completing the trees makes them at most twice as large: walking by place is then faster than by index. */
export function isDense(ensemble: TreeEnsemble, { nodes }: TreeHeaps): boolean {
  return nodes.length <= 2 * (ensemble.leafNodes.length + 8);
}

/** Steps of the widest blocks may be twice as large as the second cache: fewer, larger blocks make up for that. */
function blockLanes(target: TargetProfile, heaps: TreeHeaps): number {
  let lanes = lanesOf(target);
  while (lanes > 4 && heaps.tests.columns.length * groupRows(lanes) > 2 * target.l2Bytes) lanes /= 2;
  return lanes;
}

/** Costs are counted in instructions: those of blocks as they are, those of a walk by what they were measured to take beside them. */
function keyCost({ units }: RankedTests, lanes: number): number {
  return units.reduce((sum, { levels }) => sum + 8 + levels * (4 + (2 * PIVOTS) / lanes), 0);
}

function walkCost(target: TargetProfile, ranked: RankedTests, heaps: TreeHeaps): number {
  const isFar = heaps.nodes.length * NODE_BYTES > target.l2Bytes;
  return heaps.targets * heaps.treesEach * heaps.depth * STEP_COST[target.kind] * (isFar ? 1.15 : 1) + keyCost(ranked, lanesOf(target));
}

function blockCost(target: TargetProfile, ranked: RankedTests, heaps: TreeHeaps, lanes: number, groups: number, rows: number): number {
  const { depth } = heaps;
  const trees = heaps.targets * heaps.treesEach;
  const leaf = looksUpBytes(target, heaps) ? 3 * depth + 12 * Math.max(1, 2 ** (depth - 4)) + 20 : 3 * depth + 6 * groupRows(lanes);
  return rows * keyCost(ranked, lanes) + heaps.tests.columns.length * (6 + 3 * groups) + trees * (7 * 2 ** depth + groups * leaf);
}

/** A word and a leaf. */
const NODE_BYTES = 6;
const STEP_COST = { native: 7, wasm: 7 } as const;
