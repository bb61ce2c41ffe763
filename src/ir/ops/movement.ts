import { int, ints, float, oneOf } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { countOf, dimOf } from "../dims.ts";
import { defineOp } from "../op-def.ts";
import type { Data } from "../tensor.ts";
import { tensorType, type Dim, type Quantisation, type TensorType } from "../types.ts";
import { broadcastTable, copyRun, elementFor, emptyLike, evenOffsets, place, splitAt, stridesOf, tableOf, take, UNCHANGED } from "./elements.ts";
import { axesIn, axisIn, expect, expectExtents, expectLength, knownExtent, knownShape, safeCount } from "./expect.ts";

/** Quantisation of a moved tensor whose quantised axis went to `axis`; undefined: that axis is not whole any more. */
function movedQuant(op: string, x: TensorType, newAxis: (axis: number) => number | undefined): Quantisation | undefined {
  if (x.quant?.axis === undefined || x.quant.scale.length === 1) return x.quant;
  const axis = newAxis(x.quant.axis);
  expect(axis !== undefined, () => `x is quantised along axis ${x.quant!.axis}, ${op} wants one scale or another axis`);
  return { ...x.quant, axis };
}

const unchangedAxis = (from: readonly Dim[], to: readonly Dim[]) => (axis: number) => (from[axis] === to[axis] ? axis : undefined);

export const reshape = defineOp({
  name: "reshape",
  summary: "The same elements in row-major order under another shape; one extent may be -1, what the others leave.",
  operands: ["x"],
  attrs: { shape: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "2x3xf32", attrs: { shape: [3, 2] } },
    { x: "2x3x4xi64", attrs: { shape: [6, 4] } },
    { x: "1xbool", attrs: { shape: [] } },
    { x: "2x6xf32", attrs: { shape: [-1, 1, 3] } },
  ],
  infer({ x }, { shape }) {
    const result = fillShape(x.shape, shape);
    return tensorType(x.dtype, result, movedQuant("reshape", x, keptAxis(x.shape, result)));
  },
  evaluate: ({ x }) => x,
});

/** Puts what is left of `from` in the place of -1. */
function fillShape(from: readonly Dim[], shape: readonly number[]): readonly Dim[] {
  const given = shape.filter((_, i) => i !== shape.indexOf(-1));
  expectExtents("reshape", "shape", given);
  const wanted = safeCount("reshape", given);
  const count = countOf(from);
  const rest = given.length === shape.length ? 1 : dimOf("floorDiv", count, wanted);
  const fits = typeof count === "number" ? dimOf("mul", rest, wanted) === count : given.length < shape.length && dimOf("mod", count, wanted) === 0;
  expect(fits, () => `x is ${shapeText(from)}, which does not fit into ${shapeText(shape)}`);
  return shape.map((dim) => (dim === -1 ? rest : dim));
}

/** The axis of `to` that has the elements of an axis of `from`: same extent, same elements behind it. */
function keptAxis(from: readonly Dim[], to: readonly Dim[]) {
  const behind = (shape: readonly Dim[], axis: number): number => shape.slice(axis + 1).reduce((n: number, dim) => n * Number(dim), 1);
  return (axis: number): number | undefined => {
    const found = to.findIndex((dim, i) => dim === from[axis] && behind(to, i) === behind(from, axis));
    return found < 0 ? undefined : found;
  };
}

export const transpose = defineOp({
  name: "transpose",
  summary: "Axis i of the result is axis perm[i] of x.",
  operands: ["x"],
  attrs: { perm: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "2x3xf32", attrs: { perm: [1, 0] } },
    { x: "2x3x4x5xf32", attrs: { perm: [0, 3, 1, 2] } },
    { x: "3x1x2xi64", attrs: { perm: [2, 0, 1] } },
    { x: "f32", attrs: { perm: [] } },
  ],
  infer({ x }, { perm }) {
    expectLength("transpose", "perm", perm, x.shape.length);
    expect(
      [...perm].sort((a, b) => a - b).every((axis, i) => axis === i),
      () => `perm is ${perm.join(", ")}, transpose wants each axis below ${perm.length} once`,
    );
    return tensorType(
      x.dtype,
      perm.map((axis) => x.shape[axis]!),
      movedQuant("transpose", x, (axis) => perm.indexOf(axis)),
    );
  },
  evaluate({ x }, { perm }, result, types) {
    const strides = stridesOf(types.x.shape);
    return take(x, tableOf(perm.map((axis, i) => evenOffsets(result.shape[i]!, strides[axis]!))));
  },
});

export const broadcast = defineOp({
  name: "broadcast",
  summary: "x repeated along new leading axes and axes of extent 1 until it has the shape.",
  operands: ["x"],
  attrs: { shape: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "3x1xf32", attrs: { shape: [2, 3, 4] } },
    { x: "i64", attrs: { shape: [2, 2] } },
    { x: "1x2xbool", attrs: { shape: [3, 2] } },
  ],
  infer({ x }, { shape }) {
    expectExtents("broadcast", "shape", shape);
    const extra = shape.length - x.shape.length;
    expect(
      extra >= 0 && x.shape.every((dim, i) => dim === 1 || dim === shape[i + extra]),
      () => `x is ${shapeText(x.shape)}, which does not broadcast to ${shapeText(shape)}`,
    );
    return tensorType(
      x.dtype,
      shape,
      movedQuant("broadcast", x, (axis) => axis + extra),
    );
  },
  evaluate: ({ x }, _attrs, result, types) => take(x, broadcastTable(types.x.shape, result.shape)),
});

export const slice = defineOp({
  name: "slice",
  summary: "Element i along axis a is x's element starts[a] + i * steps[a]; there are sizes[a] of them; -1: all there are, from 0 on.",
  operands: ["x"],
  attrs: { starts: ints(), sizes: ints(), steps: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "5x4xf32", attrs: { starts: [1, 0], sizes: [3, 2], steps: [1, 2] } },
    { x: "5x4xf32", attrs: { starts: [4, 3], sizes: [3, 4], steps: [-2, -1] } },
    { x: "7xi64", attrs: { starts: [2], sizes: [0], steps: [1] } },
    { x: "2x3x3xbool", attrs: { starts: [0, 1, 2], sizes: [2, 1, 1], steps: [1, 1, 1] } },
    { x: "2x3xf32", attrs: { starts: [0, 1], sizes: [-1, 2], steps: [1, 1] } },
  ],
  infer({ x }, { starts, sizes: given, steps }) {
    const rank = x.shape.length;
    expectLength("slice", "starts", starts, rank);
    expectLength("slice", "sizes", given, rank);
    expectLength("slice", "steps", steps, rank);
    const isWhole = (axis: number): boolean => given[axis] === -1 && starts[axis] === 0 && steps[axis] === 1;
    expectExtents(
      "slice",
      "sizes",
      given.filter((_, axis) => !isWhole(axis)),
    );
    const sizes = given.map((size, axis) => (isWhole(axis) ? x.shape[axis]! : size));
    sizes.forEach((size, i) => {
      const dim = x.shape[i]!;
      if (isWhole(i) || typeof size !== "number") return;
      if (size === 0 || (starts[i] === 0 && steps[i] === 1 && size === dim)) return;
      const [first, last] = [starts[i]!, starts[i]! + (size - 1) * steps[i]!];
      const extent = knownExtent("slice", "x", dim);
      expect(
        first >= 0 && last >= 0 && first < extent && last < extent,
        () => `axis ${i} of x has ${extent} elements, slice wants ${first} to ${last} of them`,
      );
    });
    return tensorType(x.dtype, sizes, movedQuant("slice", x, unchangedAxis(x.shape, sizes)));
  },
  evaluate({ x }, { starts, steps }, result, types) {
    const strides = stridesOf(types.x.shape);
    return take(x, tableOf(result.shape.map((size, i) => evenOffsets(size, steps[i]! * strides[i]!, starts[i]! * strides[i]!))));
  },
});

export const pad = defineOp({
  name: "pad",
  summary: "low[a] elements before and high[a] behind axis a: a value, the mirror image without the edge, the edge, or x again from its other end.",
  operands: ["x"],
  attrs: { low: ints(), high: ints(), mode: oneOf("constant", "reflect", "edge", "wrap"), value: float(0) },
  tolerance: UNCHANGED,
  samples: [
    { x: "2x3xf32", attrs: { low: [1, 0], high: [0, 2] } },
    { x: "4x3xf32", attrs: { low: [2, 1], high: [3, 2], mode: "reflect" } },
    { x: "3x2xi64", attrs: { low: [1, 2], high: [1, 0], mode: "edge" } },
    { x: "3xi32", attrs: { low: [4], high: [1], mode: "wrap" } },
    { x: "1x2x2x3xf32", attrs: { low: [0, 0, 1, 1], high: [0, 0, 1, 1], value: -1.5 } },
  ],
  infer({ x }, { low, high, mode }) {
    expectLength("pad", "low", low, x.shape.length);
    expectLength("pad", "high", high, x.shape.length);
    expectExtents("pad", "low", low);
    expectExtents("pad", "high", high);
    const shape = x.shape.map((dim, i) => dimOf("add", dim, low[i]! + high[i]!));
    x.shape.forEach((dim, i) => expect(mode === "constant" || dim !== 0 || shape[i] === 0, () => `axis ${i} of x is empty, pad wants elements to repeat`));
    safeCount(
      "pad",
      shape.filter((dim) => typeof dim === "number"),
    );
    return tensorType(x.dtype, shape, movedQuant("pad", x, unchangedAxis(x.shape, shape)));
  },
  evaluate({ x }, { low, mode, value }, result, types) {
    const strides = stridesOf(mode === "constant" ? result.shape : types.x.shape);
    if (mode === "constant") {
      const inside = tableOf(types.x.shape.map((count, i) => evenOffsets(count, strides[i]!, low[i]! * strides[i]!)));
      const y = emptyLike(x, safeCount("pad", result.shape)) as unknown as { fill(v: unknown): Data };
      return place(x, y.fill(elementFor(result.dtype, storedValue(types.x, value))), inside);
    }
    const offsets = types.x.shape.map((count, i) => evenOffsets(result.shape[i]!, 1, -low[i]!).map((at) => SOURCES[mode](at, count) * strides[i]!));
    return take(x, tableOf(offsets));
  },
});

/** Where the element at `at`, outside of 0 to count - 1 too, comes from. */
const SOURCES = {
  edge: (at: number, count: number): number => Math.min(Math.max(at, 0), count - 1),
  wrap: (at: number, count: number): number => ((at % count) + count) % count,
  reflect(at: number, count: number): number {
    const period = Math.max(1, 2 * (count - 1));
    const inside = ((at % period) + period) % period;
    return inside < count ? inside : period - inside;
  },
} as const;

/** A real number as it stands in a tensor of this type. */
function storedValue({ quant }: TensorType, value: number): number {
  return quant ? Math.round(value / quant.scale[0]!) + quant.zeroPoint[0]! : value;
}

export const concat = defineOp({
  name: "concat",
  summary: "The operands one after another along an axis.",
  operands: ["xs*"],
  attrs: { axis: int() },
  tolerance: UNCHANGED,
  samples: [
    { xs: ["2x3xf32", "2x1xf32", "2x2xf32"], attrs: { axis: 1 } },
    { xs: ["1x2xi64", "3x2xi64"], attrs: { axis: 0 } },
    { xs: ["2x2x2xbool", "2x2x0xbool"], attrs: { axis: -1 } },
  ],
  infer({ xs }, { axis }) {
    const first = xs[0];
    expect(first !== undefined, () => "there is no operand, concat wants one or more");
    const at = axisIn("concat", axis, first.shape.length);
    for (const [i, x] of xs.entries()) {
      expect(x.dtype === first.dtype, () => `operand ${i} is ${x.dtype}, concat wants ${first.dtype} like the first`);
      expect(
        JSON.stringify(x.quant ?? null) === JSON.stringify(first.quant ?? null),
        () => `operand ${i} is quantised otherwise than the first, concat wants them alike`,
      );
      const fits = x.shape.length === first.shape.length && x.shape.every((dim, a) => a === at || JSON.stringify(dim) === JSON.stringify(first.shape[a]));
      expect(fits, () => `operand ${i} is ${shapeText(x.shape)}, concat along axis ${at} wants it to agree with ${shapeText(first.shape)}`);
    }
    const total = xs.map((x) => x.shape[at]!).reduce((a, b) => dimOf("add", a, b));
    expect(xs.length === 1 || first.quant?.axis !== at, () => `operands are quantised along axis ${at}, concat wants another axis`);
    return tensorType(
      first.dtype,
      first.shape.map((dim, a) => (a === at ? total : dim)),
      first.quant,
    );
  },
  evaluate({ xs }, { axis }, result, types) {
    const { outer, size, inner } = splitAt(result.shape, axis < 0 ? axis + result.shape.length : axis);
    const y = emptyLike(xs[0]!, outer * size * inner);
    let before = 0;
    xs.forEach((x, i) => {
      const run = outer === 0 ? 0 : safeCount("concat", types.xs[i]!.shape) / outer;
      for (let o = 0; o < outer; o++) copyRun(x, o * run, run, y, o * size * inner + before);
      before += run;
    });
    return y;
  },
});

export const reverse = defineOp({
  name: "reverse",
  summary: "x with the order along the axes turned round.",
  operands: ["x"],
  attrs: { axes: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "3x2xf32", attrs: { axes: [0] } },
    { x: "2x3x4xi64", attrs: { axes: [-1, 0] } },
  ],
  infer({ x }, { axes }) {
    const turned = axesIn("reverse", axes, x.shape.length);
    return tensorType(
      x.dtype,
      x.shape,
      movedQuant("reverse", x, (axis) => (turned.includes(axis) ? undefined : axis)),
    );
  },
  evaluate({ x }, { axes }, result) {
    const strides = stridesOf(result.shape);
    const turned = axesIn("reverse", axes, result.shape.length);
    return take(
      x,
      tableOf(
        result.shape.map((count, i) => (turned.includes(i) ? evenOffsets(count, -strides[i]!, (count - 1) * strides[i]!) : evenOffsets(count, strides[i]!))),
      ),
    );
  },
});

export const roll = defineOp({
  name: "roll",
  summary: "x moved by shifts[i] places along axes[i]; what leaves at the end comes back at the front.",
  operands: ["x"],
  attrs: { shifts: ints(), axes: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "5xf32", attrs: { shifts: [2], axes: [0] } },
    { x: "3x4xi64", attrs: { shifts: [-1, 7], axes: [0, 1] } },
  ],
  infer({ x }, { shifts, axes }) {
    axesIn("roll", axes, x.shape.length);
    expectLength("roll", "shifts", shifts, axes.length);
    axes.forEach((axis) => knownExtent("roll", "x", x.shape.at(axis)));
    return tensorType(
      x.dtype,
      x.shape,
      movedQuant("roll", x, (axis) => (axes.some((a) => axisIn("roll", a, x.shape.length) === axis) ? undefined : axis)),
    );
  },
  evaluate({ x }, { shifts, axes }, result) {
    const shape = knownShape("roll", "x", result);
    const strides = stridesOf(shape);
    const offsets = shape.map((count, i) => {
      const shift = shifts[axes.findIndex((axis) => axisIn("roll", axis, shape.length) === i)] ?? 0;
      return evenOffsets(count, 1, -shift).map((at) => SOURCES.wrap(at, count) * strides[i]!);
    });
    return take(x, tableOf(offsets));
  },
});
