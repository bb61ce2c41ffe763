import type { Op } from "../../ir/graph.ts";
import { maxPoolWithIndices, maxUnpool } from "../../ir/ops/window.ts";
import { elementCount, integerRange, isFloat } from "../../ir/types.ts";
import { I32, KernelBuilder, scalar, type Term } from "../../kernel/build.ts";
import { shapeOf } from "../assign-layouts.ts";
import type { LowerContext, Schedule } from "../schedule.ts";
import { convName, windowAxes } from "./conv-geometry.ts";
import { fillAllKernel } from "./fill.ts";
import { haloedInput } from "./haloed-input.ts";
import { loadIndex } from "./indexing.ts";
import { elementConstant, registerOf } from "./scalar-elements.ts";
import { Merger } from "./scatter.ts";

/** Element by element: the greatest of each window and where it stood. Taps in the margin are read but never chosen. */
export const maxPoolWithIndicesSchedule: Schedule = { ops: [maxPoolWithIndices], lower: lowerMaxPoolWithIndices };

/** Zeros, and then element after element where its index says; indices that point nowhere write nothing. */
export const maxUnpoolSchedule: Schedule = { ops: [maxUnpool], lower: lowerMaxUnpool };

function lowerMaxUnpool(op: Op, context: LowerContext): void {
  const [x, indices, y] = [context.operand(op, "x")!, context.operand(op, "indices")!, context.result(op)];
  const [count, size] = [elementCount(x.layout.shape), elementCount(y.layout.shape)];
  const zeros = fillAllKernel(y.layout, 0, context.target, op.loc);
  context.call(zeros, { [zeros.params[0]!.name]: y.buffer });
  if (count === 0 || size === 0) return;
  const b = new KernelBuilder(`max_unpool_${x.layout.elem}_${count}_${size}`, { lanes: 1, mode: "fast", loc: op.loc });
  b.param("updates", x.layout.elem, count, "in");
  b.param("indices", indices.layout.elem, count, "in");
  b.param("y", y.layout.elem, size, "inout");
  const merger = new Merger(b, y.dtype, "none", 1, { update: 0, y: 0 });
  const index = b.cursor("p", "indices");
  const body = (): void => {
    const { at, wasInside } = loadIndex(b, indices.dtype, size, index, 0, false);
    merger.emit(merger.scale === 1 ? at : b.let("x", b.mul(at, b.constant(I32, merger.scale))), wasInside);
  };
  if (count === 1) body();
  else b.loop("n", count, { [index]: 1, [merger.update]: merger.scale }, body);
  context.call(b.finish(), { updates: x.buffer, indices: indices.buffer, y: y.buffer });
}

function lowerMaxPoolWithIndices(op: Op, context: LowerContext): void {
  const axes = windowAxes(op, op.attrs["kernel"] as readonly number[]);
  const [y, indices] = [context.result(op, 0), context.result(op, 1)];
  const { elem } = y.layout;
  const least = isFloat(y.dtype) ? -Infinity : integerRange(y.dtype)[0];
  const x = haloedInput(context, context.operand(op, "x")!, axes, least);
  const [memory, type] = [scalar(elem), registerOf(elem)];

  const b = new KernelBuilder(convName("max_with_indices", op, axes), { lanes: 1, mode: "fast", loc: op.loc });
  b.param("x", elem, x.layout.size, "in");
  b.param("y", elem, y.layout.size, "out");
  b.param("indices", "i64", indices.layout.size, "out");
  const first = axes.reduce((at, axis, i) => at - axis.before * x.layout.strides[i + 2]!, x.layout.offset);
  const [from, to, into] = [b.cursor("i", "x", first), b.cursor("o", "y", y.layout.offset), b.cursor("p", "indices", indices.layout.offset)];
  const [best, where, at] = [b.register("best", type), b.register("where", I32), b.register("at", I32)];
  const word = (value: number): Term => b.constant(I32, value);

  /** Where the tap stands along the axes that have a margin. */
  const along = axes.map((axis) => (axis.before > 0 || axis.after > 0 ? b.register("c", I32) : undefined));
  /** A loop in which `at`, and `coordinate` along its axis, count along. */
  const loop = (stem: string, trips: number, advance: Readonly<Record<string, number>>, step: number, body: () => void, coordinate?: Term, move = 0): void => {
    if (trips === 1) return body();
    b.loop(stem, trips, advance, () => {
      body();
      b.set(at, b.add(at, word(step)));
      if (coordinate) b.set(coordinate, b.add(coordinate, word(move)));
    });
    b.set(at, b.sub(at, word(step * trips)));
    if (coordinate) b.set(coordinate, b.sub(coordinate, word(move * trips)));
  };
  const spatial = shapeOf(op.operands[0]!).slice(2);
  const ordered = op.attrs["columnMajor"] === true ? spatial.toReversed() : [...spatial];
  const dense = ordered.map((_, i) => ordered.slice(i + 1).reduce((n, extent) => n * extent, 1));
  const places = op.attrs["columnMajor"] === true ? dense.toReversed() : dense;

  const taps = (axis: number): void => {
    const window = axes[axis];
    if (window)
      return loop(
        "k",
        window.kernel,
        { [from]: window.dilation * x.layout.strides[axis + 2]! },
        window.dilation * places[axis]!,
        () => taps(axis + 1),
        along[axis],
        window.dilation,
      );
    const value = b.let("v", b.load(memory, from));
    const better = b.compare("gt", value, best);
    const both = (p: Term, q: Term): Term => b.op("and", p.type, [p, q]);
    const either = (p: Term, q: Term): Term => b.op("or", p.type, [p, q]);
    const chosen = either(
      isFloat(y.dtype) ? either(better, both(b.compare("ne", value, value), b.compare("eq", best, best))) : better,
      b.compare("lt", where, word(0)),
    );
    const inside = along.reduce<Term>((all, c, i) => (c ? both(all, both(b.compare("ge", c, word(0)), b.compare("lt", c, word(spatial[i]!)))) : all), chosen);
    const taken = b.let("m", inside);
    b.set(where, b.select(taken, at, where));
    b.set(best, b.select(taken, value, best));
  };
  const outputs = (axis: number): void => {
    const window = axes[axis];
    if (window) {
      const advance = { [from]: window.stride * x.layout.strides[axis + 2]!, [to]: y.layout.strides[axis + 2]!, [into]: indices.layout.strides[axis + 2]! };
      return loop("o", window.out, advance, window.stride * places[axis]!, () => outputs(axis + 1), along[axis], window.stride);
    }
    b.set(best, elementConstant(b, elem, least));
    b.set(where, word(-1));
    taps(0);
    b.storeAs(memory, to, 0, best);
    b.store(into, 0, b.op("convert", scalar("i64"), [where]));
  };
  const [batch, channels] = x.layout.shape as [number, number];
  const plane = spatial.reduce((n, extent) => n * extent, 1);
  const outer = (axis: 0 | 1): Record<string, number> => ({
    [from]: x.layout.strides[axis]!,
    [to]: y.layout.strides[axis]!,
    [into]: indices.layout.strides[axis]!,
  });
  b.set(at, word(-axes.reduce((sum, axis, i) => sum + axis.before * places[i]!, 0)));
  axes.forEach((axis, i) => along[i] && b.set(along[i], word(-axis.before)));
  loop("n", batch, outer(0), channels * plane, () => loop("c", channels, outer(1), plane, () => outputs(0)));
  context.call(b.finish(), { x: x.buffer, y: y.buffer, indices: indices.buffer });
}
