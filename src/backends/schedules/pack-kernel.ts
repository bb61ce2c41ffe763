import { KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { reductionLength, type ColumnSection, type Contraction, type Plan, type ReductionLoop } from "./contraction.ts";
import { elementConstant } from "./scalar-elements.ts";
import { panelLayout } from "./weight-panels.ts";

/** Copies weights that are known only at run time into panels, times `scale`. Parameters: weights, bias where there is one, panels. */
export function packKernel(c: Contraction, plan: Plan, sizes: { readonly weights: number; readonly bias?: number }, scale = 1): Kernel {
  const b = new KernelBuilder(`pack_${c.name}_nv${plan.tile.nv}`, { lanes: c.lanes, mode: "fast", loc: c.loc });
  const layout = panelLayout(c, plan);
  const element = scalar(c.elem);
  b.param("weights", c.elem, sizes.weights, "in");
  if (sizes.bias !== undefined) b.param("bias", c.elem, sizes.bias, "in");
  b.param("panels", c.elem, layout.size, "out");

  const loop = (stem: string, trips: number, advance: Readonly<Record<string, number>>, body: () => void): void =>
    trips === 1 ? body() : b.loop(stem, trips, advance, body);
  /** Loops over the outer axes that have something of their own; each iteration writes `pitch` elements. */
  const sets = (along: "bias" | "source", from: string, to: readonly string[], pitch: number, body: () => void): void => {
    let size = pitch;
    let nest = body;
    for (const axis of c.outer.filter((a) => a[along] !== 0).toReversed()) {
      const [inside, step] = [nest, size];
      nest = () => loop(axis.stem, axis.trips, { [from]: axis[along], ...Object.fromEntries(to.map((cursor) => [cursor, step])) }, inside);
      size *= axis.trips;
    }
    nest();
  };
  const zeros = (to: string, from: number, count: number): void => {
    for (let q = 0; q < count; q++) b.storeAs(element, to, from + q, elementConstant(b, c.elem, 0));
  };

  if (c.hasBias) {
    const to = b.cursor("d", "panels");
    const from = sizes.bias === undefined ? undefined : b.cursor("s", "bias");
    sets("bias", from ?? to, [to], layout.biasRow, () => {
      const count = from ? c.columns : 0;
      if (from) loop("n", count, { [from]: 1, [to]: 1 }, () => b.storeAs(element, to, 0, b.load(element, from)));
      zeros(to, count, layout.biasRow - count);
    });
  }

  /** `groups` groups from vector `unit` on, with `valid` columns each; the rest of each panel is 0. */
  const section = (part: ColumnSection, start: number, block: number, valid: number): void => {
    const width = part.nv * c.lanes;
    const steps = reductionLength(plan.kBlocks[block]!);
    let at = layout.panelStart + start;
    for (const segment of plan.kBlocks[block]!) {
      const to = b.cursor("o", "panels", at);
      const from = b.cursor("i", "weights", segment.source + part.unit * c.lanes * c.columnSource);
      const walk = (loops: readonly ReductionLoop[]): void => {
        const [first, ...rest] = loops;
        if (first) loop(first.stem, first.trips, { [from]: first.source, [to]: rest.reduce((n, l) => n * l.trips, width) }, () => walk(rest));
        else copyStep(from, to, width, valid);
      };
      sets("source", from, [to], layout.setSize, () =>
        loop("g", part.groups, { [from]: width * c.columnSource, [to]: width * steps }, () => walk(segment.loops)),
      );
      at += width * segment.loops.reduce((n, l) => n * l.trips, 1);
    }
  };
  const scaled = (value: Term): Term => (scale === 1 ? value : b.mul(value, b.constant(value.type, scale)));
  const copyStep = (from: string, to: string, width: number, valid: number): void => {
    const type = vector(c.elem, c.lanes);
    const whole = c.columnSource === 1 ? Math.floor(valid / c.lanes) * c.lanes : 0;
    for (let q = 0; q < whole; q += c.lanes) b.storeAs(type, to, q, scaled(b.load(type, from, q)));
    for (let q = whole; q < valid; q++) b.storeAs(element, to, q, scaled(b.load(element, from, q * c.columnSource)));
    zeros(to, valid, width - valid);
  };

  plan.kBlocks.forEach((_, block) =>
    plan.sections.forEach((part, s) => {
      const width = part.nv * c.lanes;
      const size = width * reductionLength(plan.kBlocks[block]!);
      const start = layout.starts[block]![s]!;
      const last = part.groups - 1;
      const end = (part.unit + part.groups * part.nv) * c.lanes;
      if (end <= c.columns) return section(part, start, block, width);
      if (last > 0) section({ ...part, groups: last }, start, block, width);
      section({ ...part, unit: part.unit + last * part.nv, groups: 1 }, start + last * size, block, Math.max(0, c.columns - (end - width)));
    }),
  );
  return b.finish();
}
