import type { Op } from "../../ir/graph.ts";
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

/**
 * One axis resampled: y[i] = sum of weights[i, t] * x[pixels[i, t]]. Parameters x, y, pixels (addresses in x) and weights.
 * Vectors run along what lies together in both, if that is not the axis.
 */
export function tapsKernel(
  op: Op,
  x: Place,
  y: Place,
  axis: number,
  taps: AxisTaps,
  target: TargetProfile,
): { readonly kernel: Kernel; readonly tables: { readonly pixels: Int32Array; readonly weights: Float32Array | Float64Array } } {
  const { width } = taps;
  const middle = x.dtype === "f64" || y.dtype === "f64" || !isFloat(y.dtype) ? "f64" : "f32";
  const b = new KernelBuilder(
    `resize_${op.attrs["mode"] as string}_${x.dtype}_${y.dtype}_${x.layout.shape.join("x")}_to_${y.layout.shape[axis]!}_axis${axis}`,
    { lanes: lanesOf(target), mode: "fast", loc: op.loc },
  );
  const tables = {
    pixels: taps.pixels.map((pixel) => pixel * x.layout.strides[axis]!),
    weights: middle === "f64" ? taps.weights.slice() : Float32Array.from(taps.weights),
  };
  b.param("x", x.layout.elem, x.layout.size, "in");
  b.param("y", y.layout.elem, y.layout.size, "out");
  b.param("pixels", "i32", tables.pixels.length, "in", [tables.pixels.reduce((a, c) => Math.min(a, c)), tables.pixels.reduce((a, c) => Math.max(a, c))]);
  b.param("weights", middle, tables.weights.length, "in");

  const { shape } = y.layout;
  const nowhere = { axis: -1, start: 0, step: 0 };
  const table = (elem: "i32" | "f32" | "f64"): View => ({
    layout: { ...tableOf(elem, taps.pixels.length), strides: [width] },
    axes: shape.map((_, a) => (a === axis ? { axis: 0, start: 0, step: 1 } : nowhere)),
  });
  const views: View[] = [
    { layout: x.layout, axes: shape.map((_, a) => (a === axis ? nowhere : { axis: a, start: 0, step: 1 })) },
    wholeView(y.layout),
    table("i32"),
    table(middle),
  ];
  const scalarOnly = middle === "f64" || !hasVectors(x.dtype);
  const padded = axis === 1 || scalarOnly ? undefined : paddedShape(shape, y.layout, views.slice(0, 2), b.lanes);
  for (const box of boxesOf(padded ?? shape, views)) {
    const dims = mergeDims(sortDims(box.dims, 1));
    const inner = dims.at(-1);
    const isVector = b.lanes > 1 && !scalarOnly && isRun(inner) && inner!.trips >= b.lanes;
    const cursors = box.bases.map((base, k) => (k === 1 ? storeCursor(b, "o", "y", base, y.dtype) : b.cursor("i", ["x", "y", "pixels", "weights"][k]!, base)));
    const [from, to, pixels, weights] = cursors as [string, string, string, string];
    const element = (lanes: number, offset: number): void => {
      const type = registerType(middle, lanes);
      const sum = Array.from({ length: width }, (_, t) => t).reduce<Term | undefined>((total, t) => {
        const at = b.let("p", b.load(I32, pixels, t));
        const value = castRegister(b, b.let("v", loadElement(b, x.dtype, lanes, from, offset, { index: at })), x.dtype, middle, type);
        const weight = b.splat(type, weights, t);
        return b.let("s", total ? b.madd(value, weight, total) : b.mul(value, weight));
      }, undefined)!;
      storeElement(b, y.dtype, lanes, to, offset, rounded(b, sum, middle, y, lanes));
    };
    const outer = isVector ? dims.slice(0, -1) : dims;
    emitNest(b, outer, cursors, () => {
      if (!isVector) return element(1, 0);
      const whole = Math.floor(inner!.trips / b.lanes);
      emitNest(b, [{ trips: whole, steps: inner!.steps.map((step) => step * b.lanes) }], cursors, () => element(b.lanes, 0));
      if (inner!.trips % b.lanes > 0) element(b.lanes, inner!.trips - b.lanes);
    });
  }
  return { kernel: b.finish(), tables };
}

function isRun(dim: Dim | undefined): boolean {
  return dim !== undefined && dim.steps[0] === 1 && dim.steps[1] === 1 && dim.steps[2] === 0;
}

function rounded(b: KernelBuilder, sum: Term, middle: "f32" | "f64", y: Place, lanes: number): Term {
  if (isFloat(y.dtype)) return castRegister(b, sum, middle, y.dtype, registerType(y.dtype, lanes));
  const [low, high] = integerRange(y.dtype);
  const whole = b.op("nearest", sum.type, [sum]);
  const bounded = b.let("s", b.pmin(b.pmax(whole, b.constant(sum.type, low)), b.constant(sum.type, high)));
  return castRegister(b, bounded, middle, y.dtype, registerType(y.dtype, lanes));
}

function tableOf(elem: "i32" | "f32" | "f64", length: number): Layout {
  return { elem, shape: [length], strides: [1], offset: 0, halo: [[0, 0]], fill: 0, size: length };
}
