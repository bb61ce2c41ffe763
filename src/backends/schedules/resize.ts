import type { Op } from "../../ir/graph.ts";
import { isBlended, resize } from "../../ir/ops/resize.ts";
import { axisTaps, nearestPixels, sourceCoordinates, type ResizeAttrs } from "../../ir/ops/resize-axis.ts";
import { BITS, elementCount, isFloat, type DType } from "../../ir/types.ts";
import { shapeOf } from "../assign-layouts.ts";
import { storedNumber } from "../constant-data.ts";
import { plainLayout, SLACK, type Layout } from "../layout.ts";
import type { LowerContext, Place, Schedule, Wish } from "../schedule.ts";
import { transferKernel, type Transfer } from "./copy.ts";
import { fillPartsKernel } from "./fill.ts";
import { nearestKernel } from "./resize-nearest.ts";
import { tapsKernel, type TappedAxis } from "./resize-taps.ts";
import { slicedView, wholeView, type View } from "./view.ts";

const FLOWS: Wish = { kind: "any", loose: true };

/** Everything about places and weights is known at compile time. */
export const resizeSchedule: Schedule = {
  ops: [resize],
  wishes(op) {
    const [x, y] = [shapeOf(op.operands[0]!), shapeOf(op.result)];
    return x[1] === y[1] && op.attrs["coordinates"] !== "tfCropAndResize" ? { operands: [FLOWS], results: [FLOWS] } : { operands: [], results: [] };
  },
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    const attrs = op.attrs as unknown as ResizeAttrs & { readonly extrapolation: number };
    const { shape } = x.layout;
    const places = shape.map((count, axis) => sourceCoordinates(axis, count, y.layout.shape[axis]!, attrs));
    if (attrs.mode === "nearest")
      lowerNearest(
        op,
        context,
        places.map((place, axis) => nearestPixels(place.at, shape[axis]!, attrs, attrs.scales[axis]!)),
      );
    else
      lowerTaps(
        op,
        context,
        x,
        y,
        places.flatMap((place, axis) =>
          place.at.length === shape[axis] && place.at.every((at, i) => at === i)
            ? []
            : [{ axis, taps: axisTaps(place.at, shape[axis]!, attrs, attrs.scales[axis]!) }],
        ),
      );
    const parts = places.flatMap((place, axis) => (place.outside ? outsideParts(y.layout, axis, place.outside) : []));
    if (parts.length > 0) context.call(fillPartsKernel(parts, storedNumber(attrs.extrapolation, y.dtype), context.target, op.loc), { y: y.buffer });
  },
};

/** Whole rows of the result that lie outside of x along an axis. */
function outsideParts(layout: Layout, axis: number, outside: readonly boolean[]): { shape: readonly number[]; to: View }[] {
  const parts: { shape: readonly number[]; to: View }[] = [];
  for (let i = 0; i < outside.length;) {
    let end = i;
    while (end < outside.length && outside[end]) end++;
    if (end > i)
      parts.push({
        shape: layout.shape.map((dim, a) => (a === axis ? end - i : dim)),
        to: slicedView(
          layout,
          layout.shape.map((_, a) => (a === axis ? i : 0)),
        ),
      });
    i = Math.max(end, i + 1);
  }
  return parts;
}

/** Evenly spaced and evenly repeated pixels are copies of slices; the others are looked up. */
function lowerNearest(op: Op, context: LowerContext, pixels: readonly Int32Array[]): void {
  const [x, y] = [context.operand(op, "x")!, context.result(op)];
  const name = `resize_nearest_${y.layout.elem}_${x.layout.shape.join("x")}_to_${y.layout.shape.join("x")}`;
  const transfer = repeatedTransfer(x.layout, y.layout, pixels);
  if (transfer) return context.call(transferKernel(name, [transfer], context.target, op.loc), { x: x.buffer, y: y.buffer });
  const { kernel, tables } = nearestKernel(name, x.layout, y.layout, pixels, context.target, op.loc);
  context.call(kernel, { x: x.buffer, y: y.buffer, ...Object.fromEntries(tables.map(({ param, data }) => [param, context.weights("i32", data)])) });
}

/** Pixel i is start + floor(i / times) * step along every axis. */
function repeatedTransfer(from: Layout, to: Layout, pixels: readonly Int32Array[]): Transfer | undefined {
  const shape: number[] = [];
  const views = { from: [] as View["axes"][number][], to: [] as View["axes"][number][] };
  for (const [axis, list] of pixels.entries()) {
    const start = list[0]!;
    const next = list.findIndex((pixel) => pixel !== start);
    const times = next < 0 ? list.length : next;
    const step = next < 0 ? 0 : list[times]! - start;
    if (list.length % times !== 0 || list.some((pixel, i) => pixel !== start + Math.floor(i / times) * step)) return undefined;
    if (times > 1 && (from.block?.axis === axis || to.block?.axis === axis)) return undefined;
    shape.push(list.length / times);
    views.from.push({ axis, start, step });
    views.to.push({ axis, start: 0, step: times });
    if (times === 1) continue;
    shape.push(times);
    views.from.push({ axis: -1, start: 0, step: 0 });
    views.to.push({ axis, start: 0, step: 1 });
  }
  return { shape, from: { layout: from, axes: views.from }, to: { layout: to, axes: views.to } };
}

/** All axes at once between pixels, else one after the other. Integers are summed exactly in f32 where that can be, else in f64, and rounded at the end. */
function lowerTaps(op: Op, context: LowerContext, x: Place, y: Place, passes: readonly TappedAxis[]): void {
  if (passes.length === 0) {
    const transfer: Transfer = { shape: y.layout.shape, from: wholeView(x.layout), to: wholeView(y.layout) };
    return context.call(transferKernel(`copy_${y.layout.elem}_${y.layout.shape.join("x")}`, [transfer], context.target, op.loc), { x: x.buffer, y: y.buffer });
  }
  const middle = middleOf(
    y.dtype,
    passes.map(({ taps }) => taps.weights),
  );
  let from = x;
  const steps = isBlended(op) ? [passes] : passes.map((pass) => [pass]);
  steps.forEach((axes, i) => {
    const isLast = i === steps.length - 1;
    const shape = from.layout.shape.map((dim, a) => {
      const tapped = axes.find(({ axis }) => axis === a);
      return tapped ? tapped.taps.pixels.length / tapped.taps.width : dim;
    });
    const layout = isLast ? y.layout : layoutLike(y.layout, middle, shape);
    const to: Place = isLast ? y : { buffer: context.scratch(layout.elem, layout.size), layout, dtype: middle };
    const { kernel, tables } = tapsKernel(op, from, to, axes, middle, context.target);
    const constants = tables.flatMap(({ pixels, weights }, k) => [
      [`pixels${k}`, context.weights("i32", pixels)] as const,
      [`weights${k}`, context.weights(middle, weights)] as const,
    ]);
    context.call(kernel, { x: from.buffer, y: to.buffer, ...Object.fromEntries(constants) });
    from = to;
  });
}

/** What sums are held in. Weights in few binary places, as those of a doubling, keep those of small integers exact in f32. */
function middleOf(dtype: DType, weights: readonly Float64Array[]): "f32" | "f64" {
  if (isFloat(dtype)) return dtype === "f64" ? "f64" : "f32";
  const places = weights.map((list) => {
    const count = Array.from({ length: 12 }, (_, places) => places).find((places) => list.every((weight) => Number.isInteger(weight * 2 ** places)));
    return 1 + (count ?? Infinity);
  });
  return BITS[dtype] + 1 + places.reduce((n, count) => n + count, 0) <= 24 ? "f32" : "f64";
}

/** Another shape and element in the order of `like`: channels innermost or not; no halo. */
function layoutLike(like: Layout, elem: "f32" | "f64", shape: readonly number[]): Layout {
  if (!like.block && (shape.length < 3 || like.strides[1] !== 1 || like.strides.at(-1) === 1)) return plainLayout(elem, shape);
  const pixel = like.block ? like.block.size : like.strides.at(-1)!;
  const strides = new Array<number>(shape.length).fill(1);
  let size = pixel;
  for (let axis = shape.length - 1; axis >= 2; axis--) {
    strides[axis] = size;
    size *= shape[axis]!;
  }
  const blocks = like.block ? Math.ceil(shape[1]! / pixel) : 1;
  strides[0] = size * blocks;
  return {
    elem,
    shape,
    strides,
    ...(like.block ? { block: { axis: 1, size: pixel, stride: size } } : {}),
    offset: 0,
    halo: shape.map(() => [0, 0] as const),
    fill: 0,
    size: size * blocks * shape[0]! + SLACK,
  };
}
