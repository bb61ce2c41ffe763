import type { Op } from "../../ir/graph.ts";
import { isBlended } from "../../ir/ops/resize.ts";
import type { AxisTaps } from "../../ir/ops/resize-axis.ts";
import { integerRange, isFloat } from "../../ir/types.ts";
import { I32, KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import type { Place } from "../schedule.ts";
import { castRegister } from "./cast-expressions.ts";
import { emitNest } from "./nest.ts";
import { hasVectors, loadElement, registerType, storeCursor, storeElement } from "./storage.ts";
import { boxesOf, mergeDims, paddedShape, sortDims, wholeView, type Dim, type View } from "./view.ts";

/** What is read for each place of an axis. */
export interface TappedAxis {
  readonly axis: number;
  readonly taps: AxisTaps;
}

/** Pixels as addresses in x, and weights, of one axis. */
interface TapTables {
  readonly pixels: Int32Array;
  readonly weights: Float32Array | Float64Array;
}

/**
 * Axes resampled: y[i] = sum of weights * x[pixels] over all taps of all axes, those of the last axis first, in `middle`; integers less
 * their zero point. Parameters x, y, pixels0, weights0, pixels1, … Vectors run along what lies together in both, if that is none of
 * the axes. Kernels of integers, and of f32 between two pixels, give the same bits in every executor.
 */
export function tapsKernel(
  op: Op,
  x: Place,
  y: Place,
  axes: readonly TappedAxis[],
  middle: "f32" | "f64",
  target: TargetProfile,
): { readonly kernel: Kernel; readonly tables: readonly TapTables[] } {
  const zero = op.result.type.quant?.zeroPoint[0] ?? 0;
  const words = axes.map(({ axis }) => `_axis${axis}to${y.layout.shape[axis]!}`).join("");
  const b = new KernelBuilder(`resize_${op.attrs["mode"] as string}_${x.dtype}_${y.dtype}_${x.layout.shape.join("x")}${words}`, {
    lanes: lanesOf(target),
    mode: isBlended(op) || !isFloat(op.result.type.dtype) ? "exact" : "fast",
    loc: op.loc,
  });
  const tables = axes.map(({ axis, taps }): TapTables => ({
    pixels: taps.pixels.map((pixel) => pixel * x.layout.strides[axis]!),
    weights: middle === "f64" ? taps.weights.slice() : Float32Array.from(taps.weights),
  }));
  b.param("x", x.layout.elem, x.layout.size, "in");
  b.param("y", y.layout.elem, y.layout.size, "out");
  tables.forEach(({ pixels, weights }, k) => {
    b.param(`pixels${k}`, "i32", pixels.length, "in", [pixels.reduce((a, c) => Math.min(a, c)), pixels.reduce((a, c) => Math.max(a, c))]);
    b.param(`weights${k}`, middle, weights.length, "in");
  });

  const { shape } = y.layout;
  const nowhere = { axis: -1, start: 0, step: 0 };
  const table = (elem: "i32" | "f32" | "f64", { axis, taps }: TappedAxis): View => ({
    layout: { ...tableOf(elem, taps.pixels.length), strides: [taps.width] },
    axes: shape.map((_, a) => (a === axis ? { axis: 0, start: 0, step: 1 } : nowhere)),
  });
  const isTapped = (a: number): boolean => axes.some(({ axis }) => axis === a);
  const views: View[] = [
    { layout: x.layout, axes: shape.map((_, a) => (isTapped(a) ? nowhere : { axis: a, start: 0, step: 1 })) },
    wholeView(y.layout),
    ...axes.flatMap((one) => [table("i32", one), table(middle, one)]),
  ];
  const names = ["x", "y", ...axes.flatMap((_, k) => [`pixels${k}`, `weights${k}`])];
  const scalarOnly = middle === "f64" || !hasVectors(x.dtype);
  const padded = isTapped(1) || scalarOnly ? undefined : paddedShape(shape, y.layout, views.slice(0, 2), b.lanes);
  for (const box of boxesOf(padded ?? shape, views)) {
    const dims = mergeDims(sortDims(box.dims, 1));
    const inner = dims.at(-1);
    const isVector = b.lanes > 1 && !scalarOnly && isRun(inner) && inner!.trips >= b.lanes;
    const cursors = box.bases.map((base, k) => (k === 1 ? storeCursor(b, "o", "y", base, y.dtype) : b.cursor("i", names[k]!, base)));
    const [from, to] = cursors as [string, string];
    const element = (corners: readonly Corner[], lanes: number, offset: number): void => {
      const type = registerType(middle, lanes);
      const sum = corners.reduce<Term | undefined>((total, { at, weight }) => {
        const stored = castRegister(b, b.let("v", loadElement(b, x.dtype, lanes, from, offset, { index: at })), x.dtype, middle, type);
        const value = zero !== 0 && !isFloat(x.dtype) ? b.let("v", b.sub(stored, b.constant(type, zero))) : stored;
        return b.let("s", total ? b.madd(value, weight, total) : b.mul(value, weight));
      }, undefined)!;
      storeElement(b, y.dtype, lanes, to, offset, rounded(b, sum, middle, y, zero, lanes));
    };
    emitNest(b, isVector ? dims.slice(0, -1) : dims, cursors, () => {
      const corners = cornersOf(b, axes, cursors.slice(2), registerType(middle, isVector ? b.lanes : 1));
      if (!isVector) return element(corners, 1, 0);
      const whole = Math.floor(inner!.trips / b.lanes);
      emitNest(b, [{ trips: whole, steps: inner!.steps.map((step) => step * b.lanes) }], cursors, () => element(corners, b.lanes, 0));
      if (inner!.trips % b.lanes > 0) element(corners, b.lanes, inner!.trips - b.lanes);
    });
  }
  return { kernel: b.finish(), tables };
}

interface Corner {
  readonly at: Term;
  readonly weight: Term;
}

/** One of each combination of taps: the sum of their addresses and the product of their weights, the last axis in front. */
function cornersOf(b: KernelBuilder, axes: readonly TappedAxis[], cursors: readonly string[], type: ReturnType<typeof registerType>): readonly Corner[] {
  return axes.reduceRight<readonly Corner[]>((inner, { taps }, k) => {
    const [pixels, weights] = [cursors[2 * k]!, cursors[2 * k + 1]!];
    return Array.from({ length: taps.width }, (_, t) => t).flatMap((t) => {
      const [at, weight] = [b.let("p", b.load(I32, pixels, t)), b.let("w", b.splat(type, weights, t))];
      if (inner.length === 0) return [{ at, weight }];
      return inner.map((corner) => ({ at: b.let("p", b.add(corner.at, at)), weight: b.let("w", b.mul(corner.weight, weight)) }));
    });
  }, []);
}

function isRun(dim: Dim | undefined): boolean {
  return dim !== undefined && dim.steps[0] === 1 && dim.steps[1] === 1 && dim.steps.slice(2).every((step) => step === 0);
}

function rounded(b: KernelBuilder, sum: Term, middle: "f32" | "f64", y: Place, zero: number, lanes: number): Term {
  if (isFloat(y.dtype)) return castRegister(b, sum, middle, y.dtype, registerType(y.dtype, lanes));
  const [low, high] = integerRange(y.dtype);
  const nearest = b.op("nearest", sum.type, [sum]);
  const whole = zero === 0 ? nearest : b.add(nearest, b.constant(sum.type, zero));
  const bounded = b.let("s", b.pmin(b.pmax(whole, b.constant(sum.type, low)), b.constant(sum.type, high)));
  return castRegister(b, bounded, middle, y.dtype, registerType(y.dtype, lanes));
}

function tableOf(elem: "i32" | "f32" | "f64", length: number): Layout {
  return { elem, shape: [length], strides: [1], offset: 0, halo: [[0, 0]], fill: 0, size: length };
}
