import { bool, int, ints, oneOf } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import type { Data } from "../tensor.ts";
import { elementCount, isWide, tensorType, type Dim } from "../types.ts";
import { evenOffsets, splitAt, stridesOf, tableOf, take, toDoubles, UNCHANGED } from "./elements.ts";
import { axesIn, axisIn, expect, expectDtype, expectNumbers } from "./expect.ts";
import { reduceLines, reduceWideLines } from "./reduce-lines.ts";

export const reduce = defineOp({
  name: "reduce",
  summary: "Elements along the axes made one: sum, mean, product, extremes, norms. No axes: each element alone. Whole numbers stay whole.",
  operands: ["x"],
  attrs: {
    kind: oneOf("sum", "mean", "prod", "min", "max", "l1", "l2", "logSum", "logSumExp", "sumSquare", "any", "all"),
    axes: ints(),
    keepDims: bool(true),
  },
  samples: [
    { x: "2x3x4xf32", attrs: { kind: "sum", axes: [1] } },
    { x: "2x3x4xf32", attrs: { kind: "mean", axes: [0, 2], keepDims: false } },
    { x: "5xf32", attrs: { kind: "logSumExp", axes: [0] } },
    { x: "3x5xf32", attrs: { kind: "l2", axes: [-1] } },
    { x: "3x5xf32", attrs: { kind: "l1", axes: [0, 1], keepDims: false } },
    { x: "3x2xi64", attrs: { kind: "prod", axes: [0] } },
    { x: "3x0xf32", attrs: { kind: "max", axes: [1] } },
    { x: "3x3xu8", attrs: { kind: "min", axes: [0] } },
    { x: "3x2xbool", attrs: { kind: "any", axes: [1] } },
    { x: "2x2xf32", attrs: { kind: "sumSquare", axes: [] } },
  ],
  infer({ x }, { kind, axes, keepDims }) {
    const reduced = axesIn("reduce", axes, x.shape.length);
    const shape = reducedShape(x.shape, reduced, keepDims);
    if (kind === "any" || kind === "all") expectDtype("reduce", "x", x, "bool");
    else if (kind === "min" || kind === "max") {
      expect(
        x.dtype !== "string" && (x.quant?.axis === undefined || x.quant.scale.length === 1),
        () => "x is string or quantised along an axis, reduce wants numbers of one scale",
      );
      return tensorType(x.dtype, shape, x.quant);
    } else {
      expectNumbers("reduce", "x", x);
      expect(x.dtype !== "bool", () => `x is bool, reduce of ${kind} wants numbers`);
    }
    return tensorType(x.dtype, shape);
  },
  evaluate({ x }, { kind, axes }, _result, types) {
    const { rows, length } = lines(x, types.x.shape, axesIn("reduce", axes, types.x.shape.length));
    const count = length === 0 ? elementCount(types.x.shape.filter((_, i) => !axesIn("reduce", axes, types.x.shape.length).includes(i))) : rows.length / length;
    if (isWide(types.x.dtype)) return reduceWideLines(kind, rows as BigInt64Array, count, length, types.x.dtype);
    return reduceLines(kind, toDoubles(rows), count, length, types.x.dtype);
  },
  macs: ({ x }) => elementCount(x.shape),
});

function reducedShape(shape: readonly Dim[], axes: readonly number[], keepDims: boolean): readonly Dim[] {
  return shape.flatMap((dim, i) => (!axes.includes(i) ? [dim] : keepDims ? [1] : []));
}

/** x with the reduced axes last, so that each result has `length` elements in a row. */
function lines(x: Data, shape: readonly number[], axes: readonly number[]): { readonly rows: Data; readonly length: number } {
  const order = [...shape.keys()].filter((i) => !axes.includes(i)).concat(axes);
  const length = axes.reduce((n, axis) => n * shape[axis]!, 1);
  if (order.every((axis, i) => axis === i)) return { rows: x, length };
  const strides = stridesOf(shape);
  return { rows: take(x, tableOf(order.map((axis) => evenOffsets(shape[axis]!, strides[axis]!)))), length };
}

export const argReduce = defineOp({
  name: "argReduce",
  summary: "Index of the greatest or least element along an axis; the first of equals, or the last. A NaN is both.",
  operands: ["x"],
  attrs: { kind: oneOf("max", "min"), axis: int(), keepDims: bool(true), lastIndex: bool(false) },
  tolerance: UNCHANGED,
  samples: [
    { x: "3x4xf32", attrs: { axis: 1 } },
    { x: "3x4x2xf32", attrs: { kind: "min", axis: 0, keepDims: false, lastIndex: true } },
    { x: "5xi64", attrs: { axis: -1 } },
  ],
  infer({ x }, { axis, keepDims }) {
    expect(x.dtype !== "string", () => "x is string, argReduce wants numbers");
    const at = axisIn("argReduce", axis, x.shape.length);
    expect(x.shape[at] !== 0, () => `axis ${at} of x is empty, argReduce wants elements`);
    return tensorType("i64", reducedShape(x.shape, [at], keepDims));
  },
  evaluate({ x }, { kind, axis, lastIndex }, result, types) {
    const { size, inner } = splitAt(types.x.shape, axisIn("argReduce", axis, types.x.shape.length));
    const data: ArrayLike<number | bigint> = x;
    const y = new Float64Array(elementCount(result.shape));
    for (let i = 0; i < y.length; i++) {
      const start = Math.floor(i / inner) * size * inner + (i % inner);
      let best = 0;
      for (let j = 1; j < size; j++) {
        const [value, held] = [data[start + j * inner]!, data[start + best * inner]!];
        const better = kind === "max" ? value > held : value < held;
        if (held === held && (better || value !== value || (lastIndex && value === held))) best = j;
      }
      y[i] = best;
    }
    return y;
  },
});

export const cumulative = defineOp({
  name: "cumulative",
  summary: "Running sum or product along an axis, with or without the element itself, from the front or the end.",
  operands: ["x"],
  attrs: { kind: oneOf("sum", "prod"), axis: int(), exclusive: bool(false), reverse: bool(false) },
  samples: [
    { x: "2x5xf32", attrs: { axis: 1 } },
    { x: "3x2x2xf32", attrs: { axis: 0, exclusive: true, reverse: true } },
    { x: "4xi64", attrs: { kind: "prod", axis: -1, exclusive: true } },
  ],
  infer({ x }, { axis }) {
    expectNumbers("cumulative", "x", x);
    expect(x.dtype !== "bool", () => "x is bool, cumulative wants numbers");
    axisIn("cumulative", axis, x.shape.length);
    return tensorType(x.dtype, x.shape);
  },
  evaluate({ x }, { kind, axis, exclusive, reverse }, _result, types) {
    const { outer, size, inner } = splitAt(types.x.shape, axisIn("cumulative", axis, types.x.shape.length));
    // number or bigint: one kind in x, y and the running value. Sums of f32 run in doubles.
    const wide = isWide(types.x.dtype);
    const data = (wide ? x : toDoubles(x)) as Float64Array;
    const y = data.slice();
    const neutral = (wide ? (kind === "sum" ? 0n : 1n) : kind === "sum" ? 0 : 1) as number;
    for (let line = 0; line < outer * inner; line++) {
      const start = Math.floor(line / inner) * size * inner + (line % inner);
      let total = neutral;
      for (let j = 0; j < size; j++) {
        const at = start + (reverse ? size - 1 - j : j) * inner;
        const next = kind === "sum" ? total + data[at]! : total * data[at]!;
        y[at] = exclusive ? total : next;
        total = next;
      }
    }
    return y;
  },
});
