import type { Op } from "../../ir/graph.ts";
import { gather, gatherElements, gatherNd } from "../../ir/ops/gather.ts";
import type { Data } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/types.ts";
import { I32, KernelBuilder, type Term } from "../../kernel/build.ts";
import { lanesOf } from "../../target/profile.ts";
import { denseStrides, plainLayout } from "../layout.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import { copyRun, loadIndex, unitOfRun } from "./indexing.ts";
import { lowerTransfers, normalAxes, runsOf, transfersOf } from "./movement.ts";
import { emitNest } from "./nest.ts";
import { boxesOf, mergeDims, wholeView } from "./view.ts";

/** Indices known at compile time that are at most so many slices are copied as slices. */
const MOST_SLICES = 8;

export const gatherSchedule: Schedule = {
  ops: [gather],
  lower(op, context) {
    const [x, indices, y] = [context.operand(op, "x")!, context.operand(op, "indices")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    const [axis] = normalAxes([op.attrs["axis"] as number], x.layout.shape.length) as [number];
    if (indices.constant && gatherSlices(op, context, x, indices.constant, axis)) return;
    const { shape } = x.layout;
    const [outer, inner] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis + 1))];
    const picks = elementCount(indices.layout.shape);
    const b = kernelOf(op, context, `${shape.join("x")}_axis${axis}_${picks}`);
    declare(b, { x, indices, y });
    const unit = unitOfRun(x.layout.elem, inner, b.lanes);
    const [from, at, to] = [b.cursor("i", "x", 0, unit.elem), b.cursor("k", "indices"), b.cursor("o", "y", 0, unit.elem)];
    emitNest(
      b,
      mergeDims([
        { trips: outer, steps: [shape[axis]! * unit.count, 0, picks * unit.count] },
        { trips: picks, steps: [0, 1, unit.count] },
      ]),
      [from, at, to],
      () => {
        const index = loadIndex(b, indices.dtype, shape[axis]!, at);
        copyRun(b, unit, from, to, times(b, index.at, unit.count));
      },
    );
    context.call(b.finish(), { x: x.buffer, indices: indices.buffer, y: y.buffer });
  },
};

function gatherSlices(op: Op, context: LowerContext, x: Place, indices: Data, axis: number): boolean {
  const { shape } = x.layout;
  const picks = Array.from(indices as ArrayLike<number | bigint>, (index) => {
    const at = Number(index) < 0 ? Number(index) + shape[axis]! : Number(index);
    return Math.min(Math.max(at, 0), shape[axis]! - 1);
  });
  const runs = runsOf(picks.length, (i) => picks[i]!);
  if (runs.length > MOST_SLICES) return false;
  const y = context.result(op);
  const flat: Place = {
    ...y,
    layout: { ...plainLayout(y.layout.elem, [...shape.slice(0, axis), picks.length, ...shape.slice(axis + 1)], 0), size: y.layout.size },
  };
  lowerTransfers(
    op,
    context,
    x,
    transfersOf(
      x,
      flat,
      shape.map((dim, a) => (a === axis ? runs : [{ to: 0, count: dim, from: 0, step: 1 }])),
    ),
  );
  return true;
}

export const gatherElementsSchedule: Schedule = {
  ops: [gatherElements],
  lower(op, context) {
    const [x, indices, y] = [context.operand(op, "x")!, context.operand(op, "indices")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    const { shape, strides, elem } = x.layout;
    const [axis] = normalAxes([op.attrs["axis"] as number], shape.length) as [number];
    const b = kernelOf(op, context, `${shape.join("x")}_axis${axis}_${indices.layout.shape.join("x")}`);
    declare(b, { x, indices, y });
    const picked = { layout: x.layout, axes: shape.map((_, a) => (a === axis ? { axis: -1, start: 0, step: 0 } : { axis: a, start: 0, step: 1 })) };
    const unit = { ...unitOfRun(elem, 1, 1), lanes: 1 };
    for (const box of boxesOf(indices.layout.shape, [picked, wholeView(indices.layout), wholeView(y.layout)])) {
      const scaled = (n: number): number => n * unit.count;
      const [from, at, to] = [
        b.cursor("i", "x", scaled(box.bases[0]!), unit.elem),
        b.cursor("k", "indices", box.bases[1]!),
        b.cursor("o", "y", scaled(box.bases[2]!), unit.elem),
      ];
      const dims = mergeDims(box.dims.map(({ trips, steps }) => ({ trips, steps: [scaled(steps[0]!), steps[1]!, scaled(steps[2]!)] })));
      emitNest(b, dims, [from, at, to], () => {
        const index = loadIndex(b, indices.dtype, shape[axis]!, at);
        copyRun(b, unit, from, to, times(b, index.at, scaled(strides[axis]!)));
      });
    }
    context.call(b.finish(), { x: x.buffer, indices: indices.buffer, y: y.buffer });
  },
};

export const gatherNdSchedule: Schedule = {
  ops: [gatherNd],
  lower(op, context) {
    const [x, indices, y] = [context.operand(op, "x")!, context.operand(op, "indices")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    const batchDims = op.attrs["batchDims"] as number;
    const points = pointsOf(x.layout.shape, indices.layout.shape, batchDims);
    const b = kernelOf(op, context, `${x.layout.shape.join("x")}_${indices.layout.shape.join("x")}${batchDims ? `_batch${batchDims}` : ""}`);
    declare(b, { x, indices, y });
    const unit = unitOfRun(x.layout.elem, points.run, b.lanes);
    const [from, at, to] = [b.cursor("i", "x", 0, unit.elem), b.cursor("k", "indices"), b.cursor("o", "y", 0, unit.elem)];
    const perRun = (n: number): number => (n / points.run) * unit.count;
    emitNest(
      b,
      [
        { trips: points.batches, steps: [perRun(points.batchSize), points.count * points.depth, points.count * unit.count] },
        { trips: points.count, steps: [0, points.depth, unit.count] },
      ],
      [from, at, to],
      () => {
        const index = points.extents.reduce<Term | undefined>((sum, extent, d) => {
          const term = times(b, loadIndex(b, indices.dtype, extent, at, d).at, perRun(points.strides[d]!));
          return sum ? b.let("x", b.add(sum, term)) : term;
        }, undefined);
        copyRun(b, unit, from, to, index);
      },
    );
    context.call(b.finish(), { x: x.buffer, indices: indices.buffer, y: y.buffer });
  },
};

/** Tuples of `depth` indices that point at runs of elements. Strides count in elements. */
interface Points {
  readonly batches: number;
  readonly batchSize: number;
  readonly count: number;
  readonly depth: number;
  readonly extents: readonly number[];
  readonly strides: readonly number[];
  readonly run: number;
}

export function pointsOf(shape: readonly number[], indexShape: readonly number[], batchDims: number): Points {
  const depth = indexShape.at(-1)!;
  const strides = denseStrides(shape);
  return {
    batches: elementCount(shape.slice(0, batchDims)),
    batchSize: elementCount(shape.slice(batchDims)),
    count: elementCount(indexShape.slice(batchDims, -1)),
    depth,
    extents: shape.slice(batchDims, batchDims + depth),
    strides: strides.slice(batchDims, batchDims + depth),
    run: elementCount(shape.slice(batchDims + depth)),
  };
}

export function times(b: KernelBuilder, index: Term, factor: number): Term {
  return factor === 1 ? index : b.let("x", b.mul(index, b.constant(I32, factor)));
}

export function kernelOf(op: Op, context: LowerContext, words: string): KernelBuilder {
  return new KernelBuilder(`${op.name}_${op.results[0]!.type.dtype}_${words}`, { lanes: lanesOf(context.target), mode: "fast", loc: op.loc });
}

export function declare(b: KernelBuilder, places: Readonly<Record<string, Place>>, written: readonly string[] = ["y"], access: "out" | "inout" = "out"): void {
  for (const [name, place] of Object.entries(places)) b.param(name, place.layout.elem, place.layout.size, written.includes(name) ? access : "in");
}
