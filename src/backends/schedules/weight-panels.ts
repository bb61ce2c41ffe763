import type { Contraction, Plan, Segment } from "./contraction.ts";
import { reductionLength } from "./contraction.ts";

/**
 * Packed weights of a contraction: first the biases, padded to whole vectors, then panels in the order in which the kernel reads
 * them: [weight set][block of the reduction][section][group][step of the reduction][nv * lanes]. A contraction whose outer axes
 * have weights of their own has one bias row and one weight set per iteration.
 */
export interface PanelLayout {
  readonly biasRow: number;
  readonly panelStart: number;
  /** Elements of one weight set. */
  readonly setSize: number;
  readonly size: number;
  /** Start of the first panel by block and section, relative to the weight set. */
  readonly starts: readonly (readonly number[])[];
}

/** Panels begin on a multiple of this many elements. */
const ALIGN = 16;

export function panelLayout(c: Contraction, plan: Plan): PanelLayout {
  const biasRow = c.hasBias ? plan.units * c.lanes : 0;
  const panelStart = Math.ceil((biasRow * tripsOf(c, "bias")) / ALIGN) * ALIGN;
  let at = 0;
  const starts = plan.kBlocks.map((block) =>
    plan.sections.map((section) => {
      const start = at;
      at += section.groups * section.nv * c.lanes * reductionLength(block);
      return start;
    }),
  );
  return { biasRow, panelStart, setSize: at, size: panelStart + at * tripsOf(c, "source"), starts };
}

/** Iterations of the outer axes that move along biases or weights. */
function tripsOf(c: Contraction, along: "bias" | "source"): number {
  return c.outer.reduce((n, axis) => (axis[along] === 0 ? n : n * axis.trips), 1);
}

/** Elements from one iteration of outer axis `index` to the next, in units of whole bias rows or weight sets. */
export function outerPitch(c: Contraction, index: number, along: "bias" | "source"): number {
  if (c.outer[index]![along] === 0) return 0;
  return c.outer.slice(index + 1).reduce((n, axis) => (axis[along] === 0 ? n : n * axis.trips), 1);
}

/** Fills `to` with biases and panels. What stands for padded columns stays 0. */
export function packPanels(c: Contraction, plan: Plan, weights: ArrayLike<number>, bias: ArrayLike<number> | undefined, to: { [index: number]: number }): void {
  const layout = panelLayout(c, plan);
  if (bias && c.hasBias) {
    offsetsOf(c, "bias").forEach((from, row) => {
      for (let n = 0; n < c.columns; n++) to[row * layout.biasRow + n] = bias[from + n]!;
    });
  }
  let at = layout.panelStart;
  for (const set of offsetsOf(c, "source")) {
    for (const block of plan.kBlocks) {
      const steps = block.flatMap(sourcesOf);
      for (const section of plan.sections) {
        const width = section.nv * c.lanes;
        for (let group = 0; group < section.groups; group++) {
          const first = (section.unit + group * section.nv) * c.lanes;
          const valid = Math.min(width, c.columns - first);
          for (const source of steps) {
            for (let q = 0; q < valid; q++) to[at + q] = weights[set + source + (first + q) * c.columnSource]!;
            at += width;
          }
        }
      }
    }
  }
}

function offsetsOf(c: Contraction, along: "bias" | "source"): number[] {
  return c.outer.reduce<number[]>(
    (offsets, axis) => (axis[along] === 0 ? offsets : offsets.flatMap((o) => Array.from({ length: axis.trips }, (_, i) => o + i * axis[along]))),
    [0],
  );
}

/** Offsets in the unpacked weights of every step of a segment, in order. */
function sourcesOf(segment: Segment): number[] {
  return segment.loops.reduce<number[]>(
    (offsets, loop) => offsets.flatMap((o) => Array.from({ length: loop.trips }, (_, i) => o + i * loop.source)),
    [segment.source],
  );
}
