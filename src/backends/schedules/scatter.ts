import type { Op } from "../../ir/graph.ts";
import { scatterElements, scatterNd } from "../../ir/ops/scatter.ts";
import { elementCount, isFloat, type DType } from "../../ir/types.ts";
import { vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import { declare, kernelOf, pointsOf, times } from "./gather.ts";
import { emitRun, loadIndex, unitOfRun } from "./indexing.ts";
import { compareIntegers } from "./integer-expressions.ts";
import { lowerTransfers, normalAxes } from "./movement.ts";
import { emitNest } from "./nest.ts";
import { loadElement, memoryElem, normalise, storeCursor, storeElement } from "./storage.ts";
import { boxesOf, wholeView } from "./view.ts";

type Reduction = "none" | "add" | "mul" | "min" | "max";

/** The old element and the update as registers of the dtype. */
function merge(b: KernelBuilder, dtype: DType, how: Exclude<Reduction, "none">, old: Term, update: Term): Term {
  switch (how) {
    case "add":
      return normalise(b, dtype, b.let("m", b.add(old, update)));
    case "mul":
      return normalise(b, dtype, b.let("m", b.mul(old, update)));
    default: {
      const order = how === "min" ? "lt" : "gt";
      if (!isFloat(dtype))
        return b.select(compareIntegers(order)({ b, args: [update, old], attrs: {}, from: [dtype], to: dtype, type: old.type }), update, old);
      return b.select(b.compare("ne", update, update), update, how === "min" ? b.pmin(old, update) : b.pmax(old, update));
    }
  }
}

/** y starts as x, and may lie where x does; then runs of updates are merged into it, one after the other. */
function copyInput(op: Op, context: LowerContext, x: Place, y: Place): void {
  if (x.buffer === y.buffer) return;
  lowerTransfers(op, context, x, [{ shape: y.layout.shape, from: wholeView(x.layout), to: wholeView(y.layout) }]);
}

/** How a run of elements of parameter `updates` is merged into `y`: as bits if it just replaces, else in registers of the dtype. */
export class Merger {
  private readonly b: KernelBuilder;
  private readonly dtype: DType;
  private readonly how: Reduction;
  private readonly unit: ReturnType<typeof unitOfRun>;
  private readonly cursors: readonly [update: string, old: string, to: string];
  /** Units of an element. */
  readonly scale: number;
  readonly update: string;
  readonly all: readonly string[];

  constructor(b: KernelBuilder, dtype: DType, how: Reduction, run: number, bases: { readonly update: number; readonly y: number }) {
    this.b = b;
    this.dtype = dtype;
    this.how = how;
    const elem = memoryElem(dtype);
    const words = unitOfRun(elem, run, b.lanes);
    this.unit =
      how !== "none"
        ? { elem, count: run, lanes: (elem === "f32" || elem === "i32") && run % b.lanes === 0 ? b.lanes : 1 }
        : words.elem === "i32"
          ? words
          : { elem: words.elem, count: words.count, lanes: 1 };
    this.scale = this.unit.count / run;
    const scaled = (base: number): number => base * this.scale;
    this.cursors = [
      b.cursor("u", "updates", scaled(bases.update), this.unit.elem),
      b.cursor("i", "y", scaled(bases.y), this.unit.elem),
      how === "none" ? b.cursor("o", "y", scaled(bases.y), this.unit.elem) : storeCursor(b, "o", "y", bases.y, dtype),
    ];
    this.update = this.cursors[0];
    this.all = this.cursors;
  }

  /** Merges at `at` (in units); where `wasInside` is 0 everything stays. */
  emit(at: Term | undefined, wasInside: Term): void {
    const { b, dtype, how, unit } = this;
    const [update, old, to] = this.cursors;
    emitRun(b, unit, this.cursors, (lanes, offset) => {
      const kept = lanes > 1 ? b.op("splatScalar", vector("i32", lanes), [wasInside]) : wasInside;
      const isInside = b.compare("ne", kept, b.constant(kept.type, 0));
      if (how === "none") {
        const type = vector(unit.elem, lanes);
        const [before, after] = [b.let("p", b.load(type, old, offset, at)), b.let("u", b.load(type, update, offset))];
        return b.storeAs(type, to, offset, b.select(isInside, after, before), at);
      }
      const before = b.let("p", loadElement(b, dtype, lanes, old, offset, at ? { index: at } : {}));
      const after = b.let("u", loadElement(b, dtype, lanes, update, offset));
      storeElement(b, dtype, lanes, to, offset, b.let("m", b.select(isInside, b.let("m", merge(b, dtype, how, before, after)), before)), at);
    });
  }
}

export const scatterElementsSchedule: Schedule = {
  ops: [scatterElements],
  lower(op, context) {
    const [x, indices, updates, y] = [context.operand(op, "x")!, context.operand(op, "indices")!, context.operand(op, "updates")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    copyInput(op, context, x, y);
    if (elementCount(indices.layout.shape) === 0) return;
    const { shape, strides } = y.layout;
    const [axis] = normalAxes([op.attrs["axis"] as number], shape.length) as [number];
    const how = op.attrs["reduction"] as Reduction;
    const b = kernelOf(op, context, `${shape.join("x")}_axis${axis}_${indices.layout.shape.join("x")}${how === "none" ? "" : `_${how}`}`);
    declare(b, { indices, updates, y }, ["y"], "inout");
    const merged = { layout: y.layout, axes: shape.map((_, a) => (a === axis ? { axis: -1, start: 0, step: 0 } : { axis: a, start: 0, step: 1 })) };
    for (const box of boxesOf(indices.layout.shape, [wholeView(indices.layout), wholeView(updates.layout), merged])) {
      const merger = new Merger(b, y.dtype, how, 1, { update: box.bases[1]!, y: box.bases[2]! });
      const at = b.cursor("k", "indices", box.bases[0]!);
      const scaled = (n: number): number => n * merger.scale;
      const dims = box.dims.map(({ trips, steps: [k, u, to] }) => ({ trips, steps: [k!, scaled(u!), scaled(to!), scaled(to!)] }));
      emitNest(b, dims, [at, ...merger.all], () => {
        const index = loadIndex(b, indices.dtype, shape[axis]!, at);
        merger.emit(times(b, index.at, scaled(strides[axis]!)), b.let("w", index.wasInside));
      });
    }
    context.call(b.finish(), { indices: indices.buffer, updates: updates.buffer, y: y.buffer });
  },
};

export const scatterNdSchedule: Schedule = {
  ops: [scatterNd],
  lower(op, context) {
    const [x, indices, updates, y] = [context.operand(op, "x")!, context.operand(op, "indices")!, context.operand(op, "updates")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    copyInput(op, context, x, y);
    const points = pointsOf(y.layout.shape, indices.layout.shape, 0);
    if (points.count === 0) return;
    const how = op.attrs["reduction"] as Reduction;
    const b = kernelOf(op, context, `${y.layout.shape.join("x")}_${indices.layout.shape.join("x")}${how === "none" ? "" : `_${how}`}`);
    declare(b, { indices, updates, y }, ["y"], "inout");
    const merger = new Merger(b, y.dtype, how, points.run, { update: 0, y: 0 });
    const at = b.cursor("k", "indices");
    emitNest(b, [{ trips: points.count, steps: [points.depth, points.run * merger.scale] }], [at, merger.update], () => {
      let [sum, inside]: (Term | undefined)[] = [undefined, undefined];
      points.extents.forEach((extent, d) => {
        const index = loadIndex(b, indices.dtype, extent, at, d);
        const term = times(b, index.at, points.strides[d]! * merger.scale);
        sum = sum ? b.let("x", b.add(sum, term)) : term;
        inside = b.let("w", inside ? b.op("and", index.wasInside.type, [inside, index.wasInside]) : index.wasInside);
      });
      merger.emit(sum, inside ?? b.constant({ elem: "i32", lanes: 1 }, 1));
    });
    context.call(b.finish(), { indices: indices.buffer, updates: updates.buffer, y: y.buffer });
  },
};
