import { bool, float, int, ints, oneOf } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import type { Data } from "../tensor.ts";
import { elementCount, equalShapes, tensorType, type TensorType } from "../types.ts";
import { emptyLike, place, splitAt, toDoubles, UNCHANGED } from "./elements.ts";
import { expect, expectDtype, expectExtents, expectFloat, expectIndices, expectLength, expectNumbers, expectRank, expectShape, knownShape } from "./expect.ts";
import { expectOneScale } from "./gather.ts";
import { sampleGrid } from "./grid-sample.ts";
import { averageWindows, greatestInWindows, normWindows } from "./pool-loops.ts";
import { alignRegions } from "./roi-align.ts";
import { slidingAxes, slidingExtents, type Sliding, type SlidingAttrs } from "./window-geometry.ts";

const sliding = { kernel: ints(), strides: ints([]), pads: ints([]), dilations: ints([]), ceilMode: bool(false) };
type PoolAttrs = SlidingAttrs & { readonly kernel: readonly number[]; readonly ceilMode: boolean };

export const pool = defineOp({
  name: "pool",
  summary:
    "Greatest, mean or p-norm of each window of x[N,C,...]. ceilMode keeps a last window that is not full; a mean counts padding if asked, never what lies beyond it.",
  operands: ["x"],
  attrs: { kind: oneOf("max", "average", "lp"), ...sliding, countIncludePad: bool(false), p: int(2) },
  samples: [
    { x: "1x2x7x6xf32", attrs: { kind: "max", kernel: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] } },
    { x: "2x3x5x5xf32", attrs: { kind: "average", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } },
    { x: "1x1x6x6xf32", attrs: { kind: "average", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0], ceilMode: true, countIncludePad: true } },
    { x: "1x2x9xf32", attrs: { kind: "max", kernel: [2], strides: [3], dilations: [3], ceilMode: true } },
    { x: "1x2x3x4x3xf32", attrs: { kind: "lp", kernel: [2, 2, 2], p: 2 } },
    { x: "1x1x4x4xf32", attrs: { kind: "lp", kernel: [2, 2], strides: [2, 2], p: 3 } },
    { x: "1x1x5x5xu8", attrs: { kind: "max", kernel: [2, 2], strides: [2, 2] } },
  ],
  infer({ x }, attrs) {
    if (attrs.kind !== "max") expectFloat("pool", "x", x);
    expect(attrs.p > 0, () => `p is ${attrs.p}, pool wants 1 or more`);
    return pooledType("pool", x, attrs);
  },
  evaluate({ x }, attrs, result, types) {
    const axes = slidingAxes("pool", types.x, attrs.kernel, attrs, attrs.ceilMode);
    const planes = result.shape[0]! * result.shape[1]!;
    if (attrs.kind === "max") return greatestInWindows(x, planes, axes, result.dtype).values;
    return attrs.kind === "average" ? averageWindows(toDoubles(x), planes, axes, attrs.countIncludePad) : normWindows(toDoubles(x), planes, axes, attrs.p);
  },
  macs: (_types, attrs, result) => elementCount(result.shape) * elementCount(attrs.kernel),
});

function pooledType(op: string, x: TensorType, attrs: PoolAttrs): TensorType {
  expectRank(op, "x", x, 3, 5);
  expect(x.dtype !== "string", () => `x is string, ${op} wants numbers`);
  expectOneScale(op, x);
  expectLength(op, "kernel", attrs.kernel, x.shape.length - 2);
  return tensorType(x.dtype, [...x.shape.slice(0, 2), ...slidingExtents(op, x, attrs.kernel, attrs, attrs.ceilMode)], x.quant);
}

export const maxPoolWithIndices = defineOp({
  name: "maxPoolWithIndices",
  summary:
    "pool of max, and where in the whole of x each element stood, counted row-major or with the first spatial axis fastest; -1 where a window holds nothing.",
  operands: ["x"],
  results: ["y", "indices"],
  attrs: { ...sliding, columnMajor: bool(false) },
  tolerance: UNCHANGED,
  samples: [
    { x: "1x2x5x5xf32", attrs: { kernel: [2, 3], strides: [2, 1], pads: [0, 1, 0, 1] } },
    { x: "2x1x4x3xf32", attrs: { kernel: [2, 2], columnMajor: true } },
    { x: "1x1x8xf32", attrs: { kernel: [3], strides: [2], ceilMode: true } },
  ],
  infer({ x }, attrs) {
    const y = pooledType("maxPoolWithIndices", x, attrs);
    return [y, tensorType("i64", y.shape)];
  },
  evaluate({ x }, attrs, result, types) {
    const axes = slidingAxes("maxPoolWithIndices", types.x, attrs.kernel, attrs, attrs.ceilMode);
    const { values, indices } = greatestInWindows(x, result.shape[0]! * result.shape[1]!, axes, result.dtype);
    return { results: [values, attrs.columnMajor ? indices.map((at) => columnMajor(at, axes)) : indices] };
  },
});

/** The same place when the first spatial axis counts fastest. */
function columnMajor(at: number, axes: readonly Sliding[]): number {
  const plane = axes.reduce((n, axis) => n * axis.in, 1);
  if (at < 0) return at;
  let rest = at % plane;
  let inside = 0;
  for (const axis of axes.toReversed()) {
    inside = inside * axis.in + (rest % axis.in);
    rest = Math.floor(rest / axis.in);
  }
  return at - (at % plane) + inside;
}

export const maxUnpool = defineOp({
  name: "maxUnpool",
  summary: "Zeros of `shape`, and the elements of x where the indices, counted row-major over the whole of it, point.",
  operands: ["x", "indices"],
  attrs: { shape: ints() },
  tolerance: UNCHANGED,
  samples: [{ x: "1x1x2x2xf32", indices: "1x1x2x2xi64 in 0..15", attrs: { shape: [1, 1, 4, 4] } }],
  infer({ x, indices }, { shape }) {
    expectIndices("maxUnpool", "indices", indices);
    expectNumbers("maxUnpool", "x", x);
    expectShape("maxUnpool", "indices", indices, x.shape);
    expectExtents("maxUnpool", "shape", shape);
    expectLength("maxUnpool", "shape", shape, x.shape.length);
    return tensorType(x.dtype, shape);
  },
  evaluate({ x, indices }, _attrs, result) {
    const y: Data = emptyLike(x, elementCount(result.shape));
    const inside = toDoubles(indices);
    // An index that points nowhere writes to no element of a typed array.
    return place(
      x,
      y,
      Int32Array.from(inside, (at) => (at >= 0 && at < y.length ? at : -1)),
    );
  },
});

export const lrn = defineOp({
  name: "lrn",
  summary: "x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels) ^ beta.",
  operands: ["x"],
  attrs: { size: int(), alpha: float(1e-4), beta: float(0.75), bias: float(1) },
  samples: [
    { x: "2x5x3x2xf32", attrs: { size: 3, alpha: 0.1 } },
    { x: "1x4x6xf32", attrs: { size: 4, alpha: 0.5, beta: 0.5, bias: 2 } },
  ],
  infer({ x }, { size }) {
    expectFloat("lrn", "x", x);
    expectRank("lrn", "x", x, 2, Infinity);
    expect(size > 0, () => `size is ${size}, lrn wants 1 or more`);
    return tensorType(x.dtype, x.shape);
  },
  evaluate({ x }, { size, alpha, beta, bias }, result) {
    const { outer, size: channels, inner } = splitAt(result.shape, 1);
    const data = toDoubles(x);
    const y = new Float64Array(data.length);
    const [before, behind] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
    for (let o = 0; o < outer; o++) {
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < inner; i++) {
          let squares = 0;
          for (let k = Math.max(0, c - before); k <= Math.min(channels - 1, c + behind); k++) squares += data[(o * channels + k) * inner + i]! ** 2;
          const at = (o * channels + c) * inner + i;
          y[at] = data[at]! / (bias + (alpha / size) * squares) ** beta;
        }
      }
    }
    return y;
  },
  macs: ({ x }, { size }) => elementCount(x.shape) * size,
});

export const roiAlign = defineOp({
  name: "roiAlign",
  summary:
    "Each region (x1, y1, x2, y2) of the image batchIndices names, cut into height times width bins; the mean of samples between pixels, or the greatest of their weighted corners.",
  operands: ["x", "rois", "batchIndices"],
  attrs: {
    kind: oneOf("average", "max"),
    height: int(1),
    width: int(1),
    /** Samples a bin has along each axis; 0: as many as it has pixels, rounded up. */
    samplingRatio: int(0),
    spatialScale: float(1),
    /** Pixel centres lie at halves; false also makes regions at least one pixel wide. */
    halfPixel: bool(true),
  },
  samples: [
    { x: "1x2x6x6xf32", rois: "3x4xf32 in 0..5", batchIndices: "3xi64 in 0..0", attrs: { height: 2, width: 3, samplingRatio: 2 } },
    {
      x: "2x1x5x4xf32",
      rois: "2x4xf32 in 0..4",
      batchIndices: "2xi64 in 0..1",
      attrs: { kind: "max", height: 2, width: 2, spatialScale: 0.5, halfPixel: false },
    },
    { x: "1x2x5x6xf32", rois: "4x4xf32 in -30..40", batchIndices: "4xi64 in 0..0", attrs: { height: 2, width: 2 } },
  ],
  infer({ x, rois, batchIndices }, attrs) {
    expectFloat("roiAlign", "x", x);
    expectRank("roiAlign", "x", x, 4);
    expectDtype("roiAlign", "rois", rois, x.dtype);
    expectRank("roiAlign", "rois", rois, 2);
    expect(rois.shape[1] === 4, () => `rois is ${shapeText(rois.shape)}, roiAlign wants rows of 4`);
    expectIndices("roiAlign", "batchIndices", batchIndices);
    expectShape("roiAlign", "batchIndices", batchIndices, rois.shape.slice(0, 1));
    knownShape("roiAlign", "x", x);
    expectExtents("roiAlign", "height and width", [attrs.height, attrs.width], 1);
    return tensorType(x.dtype, [rois.shape[0]!, x.shape[1]!, attrs.height, attrs.width]);
  },
  evaluate: ({ x, rois, batchIndices }, attrs, _result, types) => alignRegions(toDoubles(x), toDoubles(rois), toDoubles(batchIndices), types.x.shape, attrs),
});

export const gridSample = defineOp({
  name: "gridSample",
  summary: "x[N,C,...] read at the places grid[N,...,axes] names, the last spatial axis first, from -1 to 1 across the image.",
  operands: ["x", "grid"],
  attrs: { mode: oneOf("linear", "nearest", "cubic"), padding: oneOf("zeros", "border", "reflection"), alignCorners: bool(false) },
  samples: [
    { x: "1x2x4x5xf32", grid: "1x3x2x2xf32" },
    { x: "2x1x4x4xf32", grid: "2x3x3x2xf32 in -1.5..1.5", attrs: { mode: "cubic", padding: "border" } },
    { x: "1x1x3x4xf32", grid: "1x5x2x2xf32 in -2..2", attrs: { padding: "reflection", alignCorners: true } },
    { x: "1x1x3x3x3xf32", grid: "1x2x2x2x3xf32", attrs: { mode: "nearest" } },
  ],
  infer({ x, grid }) {
    expectRank("gridSample", "x", x, 3, 5);
    expectRank("gridSample", "grid", grid, x.shape.length);
    expectNumbers("gridSample", "x", x);
    expectFloat("gridSample", "grid", grid);
    const fits = equalShapes(grid.shape.slice(0, 1), x.shape.slice(0, 1)) && grid.shape.at(-1) === x.shape.length - 2;
    expect(fits, () => `grid is ${shapeText(grid.shape)}, gridSample wants the batch of x in front and ${x.shape.length - 2} numbers a place behind`);
    const space = knownShape("gridSample", "x", x).slice(2);
    expect(
      space.every((count) => count > 0),
      () => `x is ${shapeText(x.shape)}, gridSample wants pixels`,
    );
    return tensorType(x.dtype, [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)]);
  },
  evaluate: ({ x, grid }, attrs, _result, types) => sampleGrid(toDoubles(x), toDoubles(grid), types.x.shape, types.grid, attrs),
});
