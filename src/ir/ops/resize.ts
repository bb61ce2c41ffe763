import { bool, float, floats, ints, oneOf } from "../attr.ts";
import type { Op } from "../graph.ts";
import { defineOp } from "../op-def.ts";
import { shapeText } from "../broadcast.ts";
import { boundsOf, dimOf } from "../dims.ts";
import { elementCount, integerRange, isFloat, tensorType, type Dim } from "../types.ts";
import { roundHalfEven } from "./arithmetic.ts";
import { splitAt, stridesOf, tableOf, take } from "./elements.ts";
import { expect, expectExtents, expectLength } from "./expect.ts";
import { expectOneScale } from "./gather.ts";
import { centred } from "./requantise.ts";
import { axisTaps, isBetweenPixels, nearestPixels, sourceCoordinates, type AxisTaps, type ResizeAttrs } from "./resize-axis.ts";

export const resize = defineOp({
  name: "resize",
  summary:
    "x sampled anew along every axis, ONNX Resize-19: element i of an axis lies at i / scale of x, as `coordinates` words it. Integers less their zero point get the nearest, halfway the even one.",
  operands: ["x"],
  attrs: {
    /** The whole of the result's shape; -1: what the scale makes of x. */
    shape: ints(),
    /** One an axis, as the file gives it or else result / x: it need not be their exact ratio. */
    scales: floats(),
    mode: oneOf("nearest", "linear", "cubic"),
    coordinates: oneOf("halfPixel", "asymmetric", "alignCorners", "pytorchHalfPixel", "halfPixelSymmetric", "tfHalfPixelForNn", "tfCropAndResize"),
    /** simple: down if it makes x longer, else up. */
    nearest: oneOf("roundPreferFloor", "roundPreferCeil", "floor", "ceil", "simple"),
    cubicA: float(-0.75),
    /** Pixels outside weigh nothing, instead of being the edge. */
    excludeOutside: bool(false),
    /** Filters grow with what is left out, when x becomes shorter. */
    antialias: bool(false),
    /** tfCropAndResize: what stands where the region leaves x. */
    extrapolation: float(0),
    /** tfCropAndResize: the region's starts along every axis, then its ends, 0 to 1. */
    roi: floats([]),
  },
  samples: [
    { x: "1x2x3x4xf32", attrs: { shape: [1, 2, 6, 8], scales: [1, 1, 2, 2], coordinates: "asymmetric", nearest: "floor" } },
    { x: "1x1x5x4xf32", attrs: { shape: [1, 1, 3, 7], scales: [1, 1, 0.6, 1.75], mode: "linear" } },
    { x: "1x1x4x4xf32", attrs: { shape: [1, 1, 7, 7], scales: [1, 1, 1.75, 1.75], mode: "linear", coordinates: "alignCorners" } },
    { x: "1x1x4x5xf32", attrs: { shape: [1, 1, 8, 3], scales: [1, 1, 2, 0.6], mode: "cubic", coordinates: "pytorchHalfPixel", excludeOutside: true } },
    { x: "2x6xf32", attrs: { shape: [2, 3], scales: [1, 0.5], mode: "linear", antialias: true } },
    { x: "1x8xf32", attrs: { shape: [1, 3], scales: [1, 0.4], mode: "cubic", antialias: true, coordinates: "halfPixelSymmetric" } },
    {
      x: "1x4x4xf32",
      attrs: { shape: [1, 3, 3], scales: [1, 0.75, 0.75], mode: "linear", coordinates: "tfCropAndResize", roi: [0, 0.2, 0.4, 1, 0.8, 1.3], extrapolation: 10 },
    },
    { x: "3x2xi64", attrs: { shape: [5, 2], scales: [5 / 3, 1], coordinates: "tfHalfPixelForNn", nearest: "roundPreferCeil" } },
    { x: "3x4xu8", attrs: { shape: [2, 6], scales: [2 / 3, 1.5], mode: "linear" } },
  ],
  infer({ x }, attrs) {
    const { shape } = x;
    expectLength("resize", "shape", attrs.shape, shape.length);
    expectLength("resize", "scales", attrs.scales, shape.length);
    expectExtents(
      "resize",
      "shape",
      attrs.shape.filter((dim) => dim !== -1),
    );
    expect(
      attrs.scales.every((scale) => scale > 0 && Number.isFinite(scale)),
      () => `scales are ${attrs.scales.join(", ")}, resize wants them above 0`,
    );
    expect(
      shape.every((dim, i) => boundsOf(dim)[1] > 0 || attrs.shape[i] === 0),
      () => "x is empty, resize wants elements to read",
    );
    if (attrs.coordinates === "tfCropAndResize") expectLength("resize", "roi", attrs.roi, 2 * shape.length);
    if (attrs.mode !== "nearest") expect(x.dtype !== "string", () => "x is string, resize wants numbers");
    else expect(!attrs.antialias, () => "mode is nearest, resize wants linear or cubic to antialias");
    expectOneScale("resize", x);
    return tensorType(
      x.dtype,
      attrs.shape.map((dim, i) => (dim === -1 ? scaledExtent(shape[i]!, attrs.scales[i]!) : dim)),
      x.quant,
    );
  },
  evaluate({ x }, attrs, result, types) {
    const from = types.x.shape;
    const places = from.map((count, axis) => sourceCoordinates(axis, count, result.shape[axis]!, attrs));
    const strides = stridesOf(from);
    if (attrs.mode === "nearest" && places.every((place) => !place.outside))
      return take(
        x,
        tableOf(places.map((place, axis) => nearestPixels(place.at, from[axis]!, attrs, attrs.scales[axis]!).map((pixel) => pixel * strides[axis]!))),
      );
    const axes = places.flatMap(({ at }, axis) =>
      isIdentity(at, from[axis]!, attrs.mode === "nearest") ? [] : [{ axis, taps: axisTaps(at, from[axis]!, attrs, attrs.scales[axis]!) }],
    );
    let data = centred(x, types.x);
    const shape = [...from];
    if (isFloat(result.dtype) && isBetweenPixels(attrs)) {
      data = blend(data, from, result.shape, axes, result.dtype === "f64" ? (sum) => sum : Math.fround);
      shape.splice(0, shape.length, ...result.shape);
    } else
      for (const { axis, taps } of axes) {
        data = resample(data, shape, axis, taps);
        shape[axis] = result.shape[axis]!;
      }
    places.forEach((place, axis) => place.outside && fillOutside(data, shape, axis, place.outside, attrs.extrapolation));
    return isFloat(result.dtype) ? data : saturate(data, result.quant?.zeroPoint[0] ?? 0, integerRange(result.dtype));
  },
  macs: ({ x }, attrs, result) => (attrs.mode === "nearest" ? 0 : elementCount(result.shape) * 2 * x.shape.filter((dim, i) => dim !== result.shape[i]).length),
});

/** floor(scale * extent) in f32, as files say it; of an extent with symbols whole multiples and whole parts only. */
function scaledExtent(dim: Dim, scale: number): Dim {
  if (typeof dim === "number") return Math.floor(Math.fround(Math.fround(scale) * dim));
  if (Number.isInteger(scale)) return dimOf("mul", dim, scale);
  expect(Number.isInteger(1 / scale), () => `an extent of x is ${shapeText([dim])} and its scale ${scale}, resize wants a whole multiple or part`);
  return dimOf("floorDiv", dim, 1 / scale);
}

/** Reals resampled in one step: `blend` says how. */
export function isBlended(op: Op): boolean {
  return isFloat(op.result.type.dtype) && isBetweenPixels(op.attrs as unknown as ResizeAttrs);
}

interface Tapped {
  readonly axis: number;
  readonly taps: AxisTaps;
}

/**
 * Sums over the corners round each place, the last axis first. Each product and sum is rounded, in ONNX Runtime's order: where places
 * lie halfway, a quantiser behind it goes by the last bit.
 */
function blend(x: Float64Array, from: readonly number[], shape: readonly number[], axes: readonly Tapped[], round: (sum: number) => number): Float64Array {
  const strides = stridesOf(from);
  const inner = axes.reduceRight<Corners>(
    (corners, { axis, taps }) =>
      (place) =>
        [0, 1].flatMap((t) => {
          const i = 2 * place[axis]! + t;
          const [at, weight] = [taps.pixels[i]! * strides[axis]!, round(taps.weights[i]!)];
          return corners(place).map((corner) => ({ at: corner.at + at, weight: corner.weight === undefined ? weight : round(corner.weight * weight) }));
        }),
    () => [{ at: 0, weight: undefined }],
  );
  const untouched = from.map((_, a) => (axes.some(({ axis }) => axis === a) ? 0 : strides[a]!));
  const place = shape.map(() => 0);
  const y = new Float64Array(elementCount(shape));
  for (let o = 0; o < y.length; o++) {
    const start = place.reduce((sum, i, a) => sum + i * untouched[a]!, 0);
    let sum: number | undefined;
    for (const { at, weight } of inner(place)) {
      const term = round((weight ?? 1) * x[start + at]!);
      sum = sum === undefined ? term : round(sum + term);
    }
    y[o] = sum!;
    for (let a = shape.length - 1; a >= 0 && ++place[a]! === shape[a]; a--) place[a] = 0;
  }
  return y;
}

type Corners = (place: readonly number[]) => readonly { readonly at: number; readonly weight: number | undefined }[];

function isIdentity(at: Float64Array, count: number, isNearest: boolean): boolean {
  return !isNearest && at.length === count && at.every((place, i) => place === i);
}

/** One axis made of weighted sums along it. */
function resample(data: Float64Array, shape: readonly number[], axis: number, { pixels, weights, width }: AxisTaps): Float64Array {
  const { outer, size, inner } = splitAt(shape, axis);
  const count = pixels.length / width;
  const y = new Float64Array(outer * count * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const to = (o * count + i) * inner;
      for (let t = i * width; t < (i + 1) * width; t++) {
        const weight = weights[t]!;
        if (weight === 0) continue;
        const from = (o * size + pixels[t]!) * inner;
        for (let j = 0; j < inner; j++) y[to + j]! += weight * data[from + j]!;
      }
    }
  }
  return y;
}

function fillOutside(data: Float64Array, shape: readonly number[], axis: number, outside: readonly boolean[], value: number): void {
  const { outer, size, inner } = splitAt(shape, axis);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < size; i++) if (outside[i]) data.fill(value, (o * size + i) * inner, (o * size + i + 1) * inner);
  }
}

function saturate(data: Float64Array, zero: number, [low, high]: readonly [number, number]): Float64Array {
  return data.map((value) => Math.min(Math.max(roundHalfEven(value) + zero, low), high));
}
