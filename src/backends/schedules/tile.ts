import { vectorsLive } from "../../target/pressure.ts";
import type { TargetProfile } from "../../target/profile.ts";

/** `count` pieces of `size`, the first at `start`. */
export interface Cut {
  readonly start: number;
  readonly size: number;
  readonly count: number;
}

/** `n` cut into the fewest pieces of at most `max`, as equal as can be: of one size, or of two that differ by one. */
export function cutEvenly(n: number, max: number): Cut[] {
  const pieces = Math.ceil(n / max);
  const size = Math.ceil(n / pieces);
  const smaller = size * pieces - n;
  const cuts = [{ start: 0, size, count: pieces - smaller }];
  if (smaller > 0) cuts.push({ start: size * (pieces - smaller), size: size - 1, count: smaller });
  return cuts;
}

/** What a tile is chosen for. */
export interface TileProblem {
  readonly rows: number;
  readonly cols: number;
  /** Vectors of output columns; tiles take multiples of `quantum`. */
  readonly units: number;
  readonly quantum: number;
  /** Length of the reduction. */
  readonly k: number;
  /** The only width to consider. */
  readonly nv?: number | undefined;
}

/** Registers hold `rows * cols` pixels times `nv` vectors, `sets` times over for different parts of the reduction. */
export interface Tile {
  readonly rows: number;
  readonly cols: number;
  readonly nv: number;
  readonly sets: number;
  /** Steps of the reduction in one iteration of its innermost loop; loops of at most `whole` steps are written out. */
  readonly unroll: number;
  readonly whole: number;
  /** More steps in a row than this do not fit into the registers. */
  readonly most: number;
}

/** Cycles from the operands of a multiply-add to its result. */
const FMA_LATENCY = 4;
/** Reductions of so few steps, the taps of a small kernel, aren't worth a loop. */
const SHORT_LOOP = 7;
/** Taller tiles of few vectors gain nothing, and compilers lose track of their registers. */
const MOST_PIXELS = 16;
/** Entering and leaving the reduction: the branch that is mispredicted at its end, and the first loads. */
const TILE_CYCLES = 12;

/**
 * The tile with the fewest estimated cycles: a step of the reduction is bound by multiply-adds, by loads, or by the latency of an
 * accumulator; a tile also pays for its stores and for entering and leaving the reduction.
 */
export function chooseTile(problem: TileProblem, target: TargetProfile): Tile {
  let best: Tile | undefined;
  let bestCycles = Infinity;
  for (let nv = problem.quantum; nv <= Math.min(problem.units, 8 * problem.quantum); nv += problem.quantum) {
    if (problem.nv !== undefined && nv !== problem.nv) continue;
    for (let rows = 1; rows <= Math.min(problem.rows, MOST_PIXELS) && fits(rows, nv, target); rows++) {
      for (let cols = 1; cols <= problem.cols && rows * cols <= MOST_PIXELS && fits(rows * cols, nv, target); cols++) {
        const tile = withSets({ rows, cols, nv }, problem, target);
        const cycles = tileCycles(problem, tile, target) * (isPreferred(rows * cols, nv, target) ? 0.98 : 1) * (rows > 1 ? 1.01 : 1);
        if (cycles < bestCycles) [best, bestCycles] = [tile, cycles];
      }
    }
  }
  return best ?? { rows: 1, cols: 1, nv: problem.quantum, sets: 1, unroll: 1, whole: 1, most: 1 };
}

function isPreferred(mr: number, nv: number, target: TargetProfile): boolean {
  return target.tiles.some(([pixels, vectors]) => vectors === nv && pixels === mr);
}

/** A tile of one pixel reads its weights straight from memory into the multiply-add. */
function fits(mr: number, nv: number, target: TargetProfile): boolean {
  return registersUsed(mr, nv, 1, 1, target) <= target.registers;
}

/** Compilers that hoist loads keep the operands of all unrolled steps alive. */
export function registersUsed(mr: number, nv: number, sets: number, unroll: number, target: TargetProfile): number {
  const product = target.fma === "no" ? 1 : 0;
  if (target.pressure === "hoist") return vectorsLive(mr, nv, target) + (sets - 1) * mr * nv + (unroll - 1) * (mr + nv);
  return mr === 1 ? sets * nv + 2 + product : vectorsLive(mr, nv, target) + (sets - 1) * mr * nv;
}

function withSets(shape: { rows: number; cols: number; nv: number }, problem: TileProblem, target: TargetProfile): Tile {
  const mr = shape.rows * shape.cols;
  const wanted = Math.ceil((FMA_LATENCY * target.fmaPerCycle) / (mr * shape.nv));
  let sets = 1;
  while (sets * 2 <= wanted && sets * 4 <= problem.k && registersUsed(mr, shape.nv, sets * 2, sets * 2, target) <= target.registers) sets *= 2;
  let unroll = Math.max(sets, target.unrollK);
  while (unroll > sets && registersUsed(mr, shape.nv, sets, unroll, target) > target.registers) unroll = Math.max(sets, unroll >> 1);
  let most = unroll;
  while (most < SHORT_LOOP && registersUsed(mr, shape.nv, sets, most + 1, target) <= target.registers) most++;
  return { ...shape, sets, unroll, most, whole: target.pressure === "hoist" ? unroll : Math.max(SHORT_LOOP, 2 * unroll) };
}

function tileCycles(problem: TileProblem, tile: Tile, target: TargetProfile): number {
  let cycles = 0;
  for (const group of cutEvenly(problem.units / problem.quantum, tile.nv / problem.quantum)) {
    const nv = group.size * problem.quantum;
    for (const row of cutEvenly(problem.rows, tile.rows)) {
      for (const col of cutEvenly(problem.cols, tile.cols)) {
        const mr = row.size * col.size;
        const step = Math.max((mr * nv) / target.fmaPerCycle, (mr + nv) / target.loadsPerCycle, FMA_LATENCY / tile.sets);
        cycles += group.count * row.count * col.count * (step * problem.k + 1.5 * mr * nv + TILE_CYCLES);
      }
    }
  }
  return cycles;
}
