import type { KernelBuilder } from "../../kernel/build.ts";
import type { ReductionLoop } from "./contraction.ts";
import type { Tile } from "./tile.ts";

/** A loop of the reduction as it is printed: its steps in `a` and in the weights. */
interface WalkLoop {
  readonly stem: string;
  readonly trips: number;
  readonly a: number;
  readonly w: number;
}

/** Weights are packed in panels of `width` columns, or lie where the unpacked ones do. */
export interface Panel {
  readonly width: number;
  readonly direct: boolean;
}

/** What a walk does at each step: offsets from its two cursors, and which set of accumulators takes the products. */
export type WalkStep = (aOffset: number, wOffset: number, set: number) => void;

export interface WalkCursors {
  readonly a: string;
  readonly w: string;
  /** Over weights to come, and how many tiles share their fetching. */
  readonly ahead?: { readonly cursor: string; readonly tiles: number } | undefined;
}

/** Elements of a cache line. */
const CACHE_LINE = 16;
/** Loops of so few trips are too short to fetch in each. */
const SHORT_LOOP = 16;

/** The loops of one segment of a reduction, and where in them weights to come are fetched. */
export class ReductionWalk {
  private readonly loops: readonly WalkLoop[];
  private readonly tile: Tile;
  private readonly width: number;
  /** Fetches stand in the innermost loop, or in the one round it where that is short. */
  private readonly fetchLevel: number;

  constructor(loops: readonly ReductionLoop[], panel: Panel, tile: Tile) {
    this.loops = printedLoops(loops, panel);
    this.tile = tile;
    this.width = panel.width;
    const innermost = this.loops.length - 1;
    this.fetchLevel = innermost > 0 && this.loops[innermost]!.trips <= SHORT_LOOP ? innermost - 1 : innermost;
  }

  /** Elements that one pass fetches when `tiles` passes share the next panel. */
  fetchShare(tiles: number): number {
    return this.fetchStep(tiles) * this.fetches();
  }

  /** `launder`: neighbouring steps read the same elements of `a`, which the compiler mustn't keep in registers. */
  emit(b: KernelBuilder, cursors: WalkCursors, launder: boolean, step: WalkStep): void {
    this.level(b, 0, cursors, launder, step);
  }

  private level(b: KernelBuilder, level: number, cursors: WalkCursors, launder: boolean, step: WalkStep): void {
    const loop = this.loops[level]!;
    if (level === this.loops.length - 1) return this.innermost(b, loop, cursors, launder, step);
    b.loop(loop.stem, loop.trips, { [cursors.a]: loop.a, [cursors.w]: loop.w, ...this.fetchMove(level, cursors) }, () => {
      if (level === this.fetchLevel) this.fetch(b, cursors);
      this.level(b, level + 1, cursors, launder, step);
    });
  }

  private innermost(b: KernelBuilder, loop: WalkLoop, cursors: WalkCursors, launder: boolean, step: WalkStep): void {
    const per = this.stepsAtOnce(loop);
    const trips = Math.floor(loop.trips / per);
    const steps = (from: number, count: number): void => {
      for (let u = 0; u < count; u++) {
        if (u > 0 && launder) b.launder(cursors.a);
        step((from + u) * loop.a, (from + u) * loop.w, u % this.tile.sets);
      }
    };
    if (trips > 1) {
      b.loop(loop.stem, trips, { [cursors.a]: per * loop.a, [cursors.w]: per * loop.w, ...this.fetchMove(this.loops.length - 1, cursors) }, () => {
        if (this.fetchLevel === this.loops.length - 1) this.fetch(b, cursors);
        steps(0, per);
      });
    } else steps(0, per);
    if (trips * per < loop.trips) steps(trips * per, loop.trips - trips * per);
  }

  private stepsAtOnce(loop: WalkLoop): number {
    const { whole, unroll, most } = this.tile;
    if (loop.trips <= whole) return loop.trips;
    // One iteration and a rest stand in a row, as if the loop were written out.
    return loop.trips < 2 * unroll && loop.trips > most ? 1 : unroll;
  }

  /** In the loop of the fetches their cursor moves by one of them, in loops round it by all inside. */
  private fetchMove(level: number, { ahead }: WalkCursors): Readonly<Record<string, number>> {
    if (!ahead || level > this.fetchLevel) return {};
    return { [ahead.cursor]: this.fetchStep(ahead.tiles) * this.loops.slice(level + 1, this.fetchLevel + 1).reduce((n, loop) => n * this.iterations(loop), 1) };
  }

  private fetch(b: KernelBuilder, { ahead }: WalkCursors): void {
    if (!ahead) return;
    for (let line = 0; line < this.fetchStep(ahead.tiles); line += CACHE_LINE) b.prefetch(ahead.cursor, line);
  }

  private fetches(): number {
    return this.loops.slice(0, this.fetchLevel + 1).reduce((n, loop) => n * this.iterations(loop), 1);
  }

  private iterations(loop: WalkLoop): number {
    return loop === this.loops.at(-1) ? Math.floor(loop.trips / this.stepsAtOnce(loop)) : loop.trips;
  }

  private fetchStep(tiles: number): number {
    const panel = this.loops.reduce((n, loop) => n * loop.trips, this.width);
    return Math.ceil(panel / (this.fetches() * tiles));
  }
}

/** Loops that walk on where their inner loop ends become one; those of one trip vanish. */
function printedLoops(loops: readonly ReductionLoop[], panel: Panel): WalkLoop[] {
  const printed: WalkLoop[] = [];
  let { width } = panel;
  for (const loop of loops.toReversed()) {
    const w = panel.direct ? loop.source : width;
    width *= loop.trips;
    const inner = printed[0];
    if (loop.trips === 1 && loops.length > 1) continue;
    if (inner && loop.a === inner.a * inner.trips && w === inner.w * inner.trips) printed[0] = { ...inner, trips: inner.trips * loop.trips };
    else printed.unshift({ stem: loop.stem, trips: loop.trips, a: loop.a, w });
  }
  return printed.length ? printed : [{ stem: "c", trips: 1, a: 0, w: 0 }];
}
