import type { Op } from "../../ir/graph.ts";
import { broadcast, concat, pad, reverse, roll, slice, transpose } from "../../ir/ops/movement.ts";
import { shapeOf } from "../assign-layouts.ts";
import { storedNumber } from "../constant-data.ts";
import type { LowerContext, Place, Schedule, Wish } from "../schedule.ts";
import { transferKernel, type Transfer } from "./copy.ts";
import { fillPartsKernel } from "./fill.ts";
import { broadcastView, permutedView, slicedView, wholeView, type View } from "./view.ts";

/** Images pass through: each reader and writer of the others takes the layout it finds. */
const FLOWS: Wish = { kind: "any", loose: true };
const flows = (op: Op): { operands: Wish[]; results: Wish[] } => ({ operands: op.operands.map(() => FLOWS), results: [FLOWS] });

export function lowerTransfers(op: Op, context: LowerContext, from: Place, transfers: readonly Transfer[]): void {
  const [first, ...rest] = transfers.filter(({ shape }) => !shape.includes(0));
  if (!first) return;
  const kernel = transferKernel(`${op.name}_${from.layout.elem}_${shapeOf(op.result).join("x") || "scalar"}`, [first, ...rest], context.target, op.loc);
  context.call(kernel, { x: from.buffer, y: context.result(op).buffer });
}

export const transposeSchedule: Schedule = {
  ops: [transpose],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    lowerTransfers(op, context, x, [{ shape: y.layout.shape, from: permutedView(x.layout, op.attrs["perm"] as readonly number[]), to: wholeView(y.layout) }]);
  },
};

export const broadcastSchedule: Schedule = {
  ops: [broadcast],
  wishes: flows,
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    lowerTransfers(op, context, x, [{ shape: y.layout.shape, from: broadcastView(x.layout, y.layout.shape), to: wholeView(y.layout) }]);
  },
};

export const sliceSchedule: Schedule = {
  ops: [slice],
  wishes: flows,
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const from = slicedView(x.layout, op.attrs["starts"] as readonly number[], op.attrs["steps"] as readonly number[]);
    lowerTransfers(op, context, x, [{ shape: y.layout.shape, from, to: wholeView(y.layout) }]);
  },
};

export const reverseSchedule: Schedule = {
  ops: [reverse],
  wishes: flows,
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = y.layout;
    const turned = normalAxes(op.attrs["axes"] as readonly number[], shape.length);
    const from = slicedView(
      x.layout,
      shape.map((dim, axis) => (turned.includes(axis) ? dim - 1 : 0)),
      shape.map((_, axis) => (turned.includes(axis) ? -1 : 1)),
    );
    lowerTransfers(op, context, x, [{ shape, from, to: wholeView(y.layout) }]);
  },
};

export const concatSchedule: Schedule = {
  ops: [concat],
  wishes: flows,
  lower(op, context) {
    const y = context.result(op);
    const [axis] = normalAxes([op.attrs["axis"] as number], y.layout.shape.length);
    let start = 0;
    for (const x of context.variadic(op)) {
      const { shape } = x.layout;
      lowerTransfers(op, context, x, [
        {
          shape,
          from: wholeView(x.layout),
          to: slicedView(
            y.layout,
            shape.map((_, a) => (a === axis ? start : 0)),
          ),
        },
      ]);
      start += shape[axis!]!;
    }
  },
};

/** A run of indices along an axis of the result and where its elements come from. */
export interface Run {
  readonly to: number;
  readonly count: number;
  readonly from: number;
  readonly step: number;
}

/** Affine runs of source(i) for i in 0 … count - 1. */
export function runsOf(count: number, source: (i: number) => number): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < count;) {
    const from = source(i);
    const step = i + 1 < count ? source(i + 1) - from : 1;
    const usable = step === 1 || step === -1 || step === 0;
    let length = 1;
    while (usable && i + length < count && source(i + length) === from + length * step) length++;
    runs.push({ to: i, count: length, from, step: usable ? step : 1 });
    i += length;
  }
  return runs;
}

/** Every combination of one run an axis. */
export function transfersOf(x: Place, y: Place, runs: readonly (readonly Run[])[]): Transfer[] {
  const combinations = runs.reduce<Run[][]>((sets, axis) => sets.flatMap((set) => axis.map((run) => [...set, run])), [[]]);
  return combinations.map((set) => ({
    shape: set.map((run) => run.count),
    from: slicedView(
      x.layout,
      set.map((run) => run.from),
      set.map((run) => run.step),
    ),
    to: slicedView(
      y.layout,
      set.map((run) => run.to),
    ),
  }));
}

export const rollSchedule: Schedule = {
  ops: [roll],
  wishes: flows,
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = y.layout;
    const axes = normalAxes(op.attrs["axes"] as readonly number[], shape.length);
    const shiftOf = (axis: number): number => (axes.includes(axis) ? (op.attrs["shifts"] as readonly number[])[axes.indexOf(axis)]! : 0);
    lowerTransfers(
      op,
      context,
      x,
      transfersOf(
        x,
        y,
        shape.map((count, axis) => runsOf(count, (i) => wrapped(i - shiftOf(axis), count))),
      ),
    );
  },
};

/** Where the element at `at`, outside of 0 to count - 1 too, comes from. */
const SOURCES = {
  edge: (at: number, count: number): number => Math.min(Math.max(at, 0), count - 1),
  wrap: wrapped,
  reflect(at: number, count: number): number {
    const inside = wrapped(at, Math.max(1, 2 * (count - 1)));
    return inside < count ? inside : 2 * (count - 1) - inside;
  },
} as const;

export const padSchedule: Schedule = {
  ops: [pad],
  wishes: flows,
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const low = op.attrs["low"] as readonly number[];
    const mode = op.attrs["mode"] as "constant" | keyof typeof SOURCES;
    const { shape } = x.layout;
    if (mode !== "constant") {
      const source = SOURCES[mode];
      return lowerTransfers(
        op,
        context,
        x,
        transfersOf(
          x,
          y,
          y.layout.shape.map((count, axis) => runsOf(count, (i) => source(i - low[axis]!, shape[axis]!))),
        ),
      );
    }
    const parts = marginParts(shape, y, low);
    const quant = op.result.type.quant;
    const value = op.attrs["value"] as number;
    const stored = storedNumber(quant ? Math.round(value / quant.scale[0]!) + quant.zeroPoint[0]! : value, y.dtype);
    if (parts.length > 0) context.call(fillPartsKernel(parts, stored, context.target, op.loc), { y: y.buffer });
    lowerTransfers(op, context, x, [{ shape, from: wholeView(x.layout), to: slicedView(y.layout, low) }]);
  },
};

/** The margin in slabs: along each axis what lies before and behind, inside along the axes before it, whole along those after it. */
function marginParts(inside: readonly number[], y: Place, low: readonly number[]): { shape: readonly number[]; to: View }[] {
  const whole = y.layout.shape;
  return whole.flatMap((dim, axis) => {
    const slab = (start: number, count: number) => ({
      shape: whole.map((n, a) => (a === axis ? count : a < axis ? inside[a]! : n)),
      to: slicedView(
        y.layout,
        whole.map((_, a) => (a === axis ? start : a < axis ? low[a]! : 0)),
      ),
    });
    const end = low[axis]! + inside[axis]!;
    return [slab(0, low[axis]!), slab(end, dim - end)].filter((part) => !part.shape.includes(0));
  });
}

function wrapped(at: number, count: number): number {
  return ((at % count) + count) % count;
}

export function normalAxes(axes: readonly number[], rank: number): number[] {
  return axes.map((axis) => (axis < 0 ? axis + rank : axis));
}
