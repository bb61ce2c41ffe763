import { bool, int, text } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { boundsOf, countOf, dimSymbol } from "../dims.ts";
import { defineOp, type Execute } from "../op-def.ts";
import type { Data, Tensor } from "../tensor.ts";
import { elementCount, tensorType, type StaticType } from "../types.ts";
import { copyRun, emptyLike, splitAt, stridesOf, UNCHANGED } from "./elements.ts";
import { axisIn, expect, expectDtype, expectRank } from "./expect.ts";
import { expectOneScale } from "./gather.ts";
import { compareElements } from "./sorting.ts";

/**
 * Ops whose result is as long as the data says. `extent` names that length, a symbol from 0 to as many elements as there are:
 * two ops with one name claim one length.
 */
const extent = text("n");

export const nonZero = defineOp({
  name: "nonZero",
  summary: "Places of the elements that are not zero, in row-major order: one column each, one row an axis.",
  operands: ["x"],
  attrs: { extent },
  tolerance: UNCHANGED,
  samples: [{ x: "3x4xf32" }, { x: "5xbool" }, { x: "2x2x2xi64" }],
  infer({ x }, attrs) {
    expect(x.dtype !== "string" && !x.quant, () => "x is string or quantised, nonZero wants plain numbers");
    return tensorType("i64", [x.shape.length, dimSymbol(attrs.extent, 0, boundsOf(countOf(x.shape))[1])]);
  },
  evaluate: ({ x }, _attrs, _result, types) => placesOf(x, types.x.shape),
  execute: ([x]) => {
    const places = placesOf(x!.data, x!.type.shape);
    const rank = x!.type.shape.length;
    return [of("i64", [rank, rank === 0 ? countNonZero(x!.data) : places.length / rank], BigInt64Array.from(places, BigInt))];
  },
});

function countNonZero(x: Data): number {
  let count = 0;
  for (let i = 0; i < x.length; i++) if (Number(x[i]) !== 0) count++;
  return count;
}

function placesOf(x: Data, shape: readonly number[]): Float64Array {
  const count = countNonZero(x);
  const strides = stridesOf(shape);
  const places = new Float64Array(shape.length * count);
  for (let i = 0, column = 0; i < x.length; i++) {
    if (Number(x[i]) === 0) continue;
    for (let axis = 0; axis < shape.length; axis++) places[axis * count + column] = Math.floor(i / strides[axis]!) % shape[axis]!;
    column++;
  }
  return places;
}

export const unique = defineOp({
  name: "unique",
  summary:
    "Distinct slices along an axis (or elements of the flattened x), ascending or as they first came; where each first stood, which one each slice of x is, how many of each. NaNs are one.",
  operands: ["x"],
  results: ["values", "indices", "inverse", "counts"],
  attrs: { flat: bool(true), axis: int(0), sorted: bool(true), extent },
  tolerance: UNCHANGED,
  samples: [
    { x: "6xf32" },
    { x: "2x4xi64", attrs: { sorted: false } },
    { x: "4x2xf32", attrs: { flat: false } },
    { x: "2x3x2xbool", attrs: { flat: false, axis: 1 } },
  ],
  infer({ x }, { flat, axis, extent: name }) {
    expectOneScale("unique", x);
    const at = flat ? 0 : axisIn("unique", axis, x.shape.length);
    const shape = flat ? [countOf(x.shape)] : x.shape;
    const count = dimSymbol(name, 0, boundsOf(shape[at]!)[1]);
    const values = tensorType(
      x.dtype,
      shape.map((dim, i) => (i === at ? count : dim)),
      x.quant,
    );
    return [values, tensorType("i64", [count]), tensorType("i64", [shape[at]!]), tensorType("i64", [count])];
  },
  evaluate: ({ x }, attrs, _result, types) => ({ results: distinct(x, types.x, attrs).map((part) => part.data) }),
  execute: ([x], attrs) => distinct(x!.data, x!.type, attrs as { flat: boolean; axis: number; sorted: boolean }),
});

function distinct(x: Data, type: StaticType, attrs: { readonly flat: boolean; readonly axis: number; readonly sorted: boolean }): readonly Tensor[] {
  const shape = attrs.flat ? [elementCount(type.shape)] : type.shape;
  const at = attrs.flat ? 0 : axisIn("unique", attrs.axis, shape.length);
  const { outer, size, inner } = splitAt(shape, at);
  const compare = (a: number, b: number): number => {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const order = compareElements(x[(o * size + a) * inner + i]!, x[(o * size + b) * inner + i]!);
        if (order !== 0) return order;
      }
    }
    return 0;
  };
  // Stable, so the first of each run of equals is the one that came first.
  const order = Array.from({ length: size }, (_, i) => i).sort(compare);
  const groups: number[][] = [];
  for (const i of order) {
    const last = groups.at(-1);
    if (last && compare(last[0]!, i) === 0) last.push(i);
    else groups.push([i]);
  }
  if (!attrs.sorted) groups.sort((a, b) => a[0]! - b[0]!);
  const inverse = new BigInt64Array(size);
  groups.forEach((group, g) => group.forEach((i) => (inverse[i] = BigInt(g))));
  const [firsts, counts] = [groups.map((group) => group[0]!), groups.map((group) => group.length)];
  return [
    { type: { ...type, shape: shape.map((dim, i) => (i === at ? groups.length : dim)) }, data: pickSlices(x, outer, size, inner, firsts) },
    of("i64", [groups.length], BigInt64Array.from(firsts, BigInt)),
    of("i64", [size], inverse),
    of("i64", [groups.length], BigInt64Array.from(counts, BigInt)),
  ];
}

function of(dtype: "i64", shape: readonly number[], data: Data): Tensor {
  return { type: { dtype, shape }, data };
}

function pickSlices(x: Data, outer: number, size: number, inner: number, picks: readonly number[]): Data {
  const y = emptyLike(x, outer * picks.length * inner);
  for (let o = 0, to = 0; o < outer; o++) for (const pick of picks) copyRun(x, (o * size + pick) * inner, inner, y, to++ * inner);
  return y;
}

export const compress = defineOp({
  name: "compress",
  summary: "Slices along an axis (or elements of the flattened x) where condition holds; what it has no entry for is left out.",
  operands: ["x", "condition"],
  attrs: { flat: bool(false), axis: int(0), extent },
  tolerance: UNCHANGED,
  samples: [
    { x: "4x2xf32", condition: "4xbool" },
    { x: "2x3xi64", condition: "2xbool", attrs: { axis: 1 } },
    { x: "2x3xf32", condition: "5xbool", attrs: { flat: true } },
  ],
  infer({ x, condition }, { flat, axis, extent: name }) {
    expectOneScale("compress", x);
    expectDtype("compress", "condition", condition, "bool");
    expectRank("compress", "condition", condition, 1);
    const shape = flat ? [countOf(x.shape)] : x.shape;
    const at = flat ? 0 : axisIn("compress", axis, x.shape.length);
    const [given, there] = [boundsOf(condition.shape[0]!)[0], boundsOf(shape[at]!)[1]];
    expect(given <= there, () => `condition is ${shapeText(condition.shape)}, compress wants no more than the ${there} there are`);
    const high = Math.min(boundsOf(condition.shape[0]!)[1], there);
    return tensorType(
      x.dtype,
      shape.map((dim, i) => (i === at ? dimSymbol(name, 0, high) : dim)),
      x.quant,
    );
  },
  evaluate: ({ x, condition }, attrs, _result, types) => compressed(x, condition, types.x, attrs).data,
  execute: (([x, condition], attrs) => [compressed(x!.data, condition!.data, x!.type, attrs as { flat: boolean; axis: number })]) satisfies Execute,
});

function compressed(x: Data, condition: Data, type: StaticType, attrs: { readonly flat: boolean; readonly axis: number }): Tensor {
  const shape = attrs.flat ? [elementCount(type.shape)] : type.shape;
  const at = attrs.flat ? 0 : axisIn("compress", attrs.axis, shape.length);
  const { outer, size, inner } = splitAt(shape, at);
  const picks = Array.from(condition as ArrayLike<number>).flatMap((holds, i) => (holds ? [i] : []));
  return { type: { ...type, shape: shape.map((dim, i) => (i === at ? picks.length : dim)) }, data: pickSlices(x, outer, size, inner, picks) };
}
