import type { Elem } from "../../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import { chooseTile, cutEvenly, type Cut, type Tile } from "./tile.ts";
import type { Activation } from "./epilogue.ts";
import type { Requantise } from "./requantise.ts";

/**
 * y[pixel, column] = act(Σk a[pixel, k] * w[k, column] + bias[column] + residual[pixel, column]), everything at affine addresses:
 * convolutions, linear layers and matrix products are this record with different numbers. All steps are in elements.
 */
export interface Contraction {
  /** Beginning of the kernel's name: operation, dtype and shape words. */
  readonly name: string;
  readonly loc: readonly string[];
  /** Of the accumulators, and of both operands as they are addressed. */
  readonly elem: Elem;
  /** Each i32 of both operands is two i16, whose products are added: half as many steps of the reduction. */
  readonly pairs?: boolean;
  /** The result is stored in another dtype, by these rules. */
  readonly requantise?: Requantise | undefined;
  /** Lanes of the vectors that run along columns. */
  readonly lanes: number;
  readonly a: { readonly size: number; readonly base: number };
  readonly y: ColumnSide;
  readonly residual?: ColumnSide;
  /** Loops round everything, outermost first: groups, batches, depth. */
  readonly outer: readonly OuterAxis[];
  readonly rows: Axis;
  readonly cols: Axis;
  readonly columns: number;
  /** Elements of the unpacked weights from one column to the next. */
  readonly columnSource: number;
  /** True: nothing behind the last column may be written. False: columns are padded to whole blocks. */
  readonly exact: boolean;
  readonly hasBias: boolean;
  readonly reduction: readonly Segment[];
  /** Second operand as it lies in memory, columns next to each other: read without packing. */
  readonly direct?: { readonly size: number; readonly base: number };
  readonly activation: Activation;
  /** Neighbouring steps of the innermost reduction loop read the same elements of `a`: keep the compiler from holding them all in registers. */
  readonly overlapping: boolean;
}

/** An operand addressed by column: `block` columns lie next to each other (Infinity: all), blocks are `stride` apart. */
export interface ColumnSide {
  readonly size: number;
  readonly base: number;
  readonly block: number;
  readonly stride: number;
}

export interface Axis {
  readonly trips: number;
  readonly a: number;
  readonly y: number;
  readonly residual: number;
}

/** `source`: step in the unpacked weights; where it isn't 0 each iteration has weights (and with `bias` a bias) of its own. */
export interface OuterAxis extends Axis {
  readonly stem: string;
  readonly source: number;
  readonly bias: number;
}

/** Loops of the reduction, outermost first, over part of it. */
export interface Segment {
  readonly a: number;
  readonly source: number;
  readonly loops: readonly ReductionLoop[];
}

export interface ReductionLoop {
  readonly stem: string;
  readonly trips: number;
  readonly a: number;
  readonly source: number;
}

/** `groups` groups of `nv` vectors of columns, from vector `unit` on. `partial`: valid lanes of the very last vector. */
export interface ColumnSection {
  readonly unit: number;
  readonly nv: number;
  readonly groups: number;
  readonly partial?: number;
}

/** f32 and i32 fill vectors; other elements go one by one. */
export function columnLanes(elem: Elem, target: TargetProfile): number {
  return elem === "f32" || elem === "i32" ? lanesOf(target) : 1;
}

/** The machine as products of such elements see it: integers are multiplied and added by two instructions. */
export function multiplier(elem: Elem, target: TargetProfile): TargetProfile {
  return elem === "f32" || elem === "f64" ? target : { ...target, fma: "no" };
}

/** How a contraction is cut into tiles, and where packed weights lie. */
export interface Plan {
  readonly tile: Tile;
  readonly sections: readonly ColumnSection[];
  readonly rowCuts: readonly Cut[];
  readonly colCuts: readonly Cut[];
  readonly kBlocks: readonly (readonly Segment[])[];
  readonly order: "groups-outer" | "pixels-outer";
  /** Weights of the next group are fetched while tiles of this one run; each tile fetches its share of them. */
  readonly fetchAhead: boolean;
  /** Vectors of columns, padding included. */
  readonly units: number;
}

/** Layers whose weights stay in the first-level cache together are walked pixel by pixel. */
const PIXELS_OUTER_BYTES = 24 * 1024;

/** `nv` prescribes the width of column groups, for contractions that share packed weights. */
export function planContraction(c: Contraction, machine: TargetProfile, nv?: number): Plan {
  const target = multiplier(c.elem, machine);
  const quantum = Number.isFinite(c.y.block) ? c.y.block / c.lanes : 1;
  const units = Math.ceil(c.columns / (c.lanes * quantum)) * quantum;
  const k = reductionLength(c.reduction);
  const tile = chooseTile({ rows: c.rows.trips, cols: c.cols.trips, units, quantum, k: Math.max(k, 1), nv }, target);
  const weightBytes = k * units * c.lanes * 4;
  const order = weightBytes <= PIXELS_OUTER_BYTES ? "pixels-outer" : "groups-outer";
  return {
    tile,
    sections: columnSections(c, units, quantum, tile.nv),
    rowCuts: cutEvenly(c.rows.trips, tile.rows),
    colCuts: cutEvenly(c.cols.trips, tile.cols),
    kBlocks: blockReduction(c, tile.nv, k, target),
    order,
    fetchAhead: target.prefetch && order === "groups-outer" && !c.direct,
    units,
  };
}

/** Share of the second-level cache that one group's weights, and all pixels' inputs, of a block of the reduction may take. */
const WEIGHT_SHARE = 1 / 4;
const INPUT_SHARE = 1 / 2;
/** Each block reads and writes the partial sums again, so blocks are no shorter than this, and no more than so many. */
const SHORTEST_BLOCK = 128;
const MOST_BLOCKS = 6;

/**
 * Long reductions over blocks of channels, which lie pages apart, are cut so that what all tiles read again stays in the caches and
 * the translations of its addresses at hand; partial sums wait in the result. Reductions over neighbouring elements stream as they
 * are. Not where the result ends within a vector: sums of columns that don't exist have no place there.
 */
function blockReduction(c: Contraction, nv: number, k: number, target: TargetProfile): readonly (readonly Segment[])[] {
  const [main, ...rest] = c.reduction;
  const outermost = main?.loops[0];
  if (!main || c.requantise || outermost?.stem !== "cb" || (c.exact && c.columns % c.lanes !== 0)) return [c.reduction];
  const pixels = c.rows.trips * c.cols.trips;
  const weights = (target.l2Bytes * WEIGHT_SHARE) / (nv * c.lanes * 4);
  const inputs = (target.l2Bytes * INPUT_SHARE) / (pixels * 4);
  const longest = Math.max(SHORTEST_BLOCK, k / MOST_BLOCKS, Math.min(weights, inputs));
  if (pixels <= 8 || k <= longest) return [c.reduction];
  const perTrip = main.loops.slice(1).reduce((n, loop) => n * loop.trips, 1);
  const blocks = cutEvenly(outermost.trips, Math.max(1, Math.floor(longest / perTrip))).flatMap((cut) =>
    Array.from({ length: cut.count }, (_, i): Segment[] => {
      const start = cut.start + i * cut.size;
      return [
        { a: main.a + start * outermost.a, source: main.source + start * outermost.source, loops: [{ ...outermost, trips: cut.size }, ...main.loops.slice(1)] },
      ];
    }),
  );
  blocks.at(-1)!.push(...rest);
  return blocks;
}

function columnSections(c: Contraction, units: number, quantum: number, nv: number): ColumnSection[] {
  const sections: ColumnSection[] = cutEvenly(units / quantum, nv / quantum).map((cut) => ({
    unit: cut.start * quantum,
    nv: cut.size * quantum,
    groups: cut.count,
  }));
  const partial = c.columns % c.lanes;
  if (!c.exact || partial === 0) return sections;
  const last = sections.pop()!;
  if (last.groups > 1) sections.push({ ...last, groups: last.groups - 1 });
  sections.push({ unit: last.unit + (last.groups - 1) * last.nv, nv: last.nv, groups: 1, partial });
  return sections;
}

export function reductionLength(segments: readonly Segment[]): number {
  return segments.reduce((sum, s) => sum + s.loops.reduce((n, l) => n * l.trips, 1), 0);
}

/** Address of a column relative to the side's base. */
export function columnOffset(side: ColumnSide, column: number): number {
  return Number.isFinite(side.block) ? Math.floor(column / side.block) * side.stride + (column % side.block) : column;
}
