import { int, text } from "../attr.ts";
import { bindDim, boundsOf, dimSymbol } from "../dims.ts";
import { NeoError } from "../../support/errors.ts";
import { defineOp } from "../op-def.ts";
import { isOneElement } from "../region-types.ts";
import { readDim } from "../text/types.ts";
import { tensorType, type Dim, type TensorType } from "../types.ts";
import { copyRun, emptyLike, splitAt, UNCHANGED } from "./elements.ts";
import { axisIn, expect } from "./expect.ts";
import { expectOneScale } from "./gather.ts";

/** A count or place that the data say, brought inside 0 … size. */
function inside(count: ArrayLike<number | bigint>, size: number): number {
  return Math.min(Math.max(Number(count[0]), 0), size);
}

function expectOneInteger(op: string, name: string, type: TensorType): void {
  expect(
    (type.dtype === "i64" || type.dtype === "i32") && isOneElement(type),
    () => `${name} is ${type.dtype} of ${type.shape.length} axes, ${op} wants one integer`,
  );
}

export const span = defineOp({
  name: "span",
  summary: "`length` slices of x along an axis from the place `start` (0) on, both of which the data may decide; no more than there are.",
  operands: ["x", "length", "start?"],
  /** `extent` names the symbol that the extent is, or with "?" in front says what it is. */
  attrs: { axis: int(0), extent: text("n") },
  tolerance: UNCHANGED,
  samples: [
    { x: "5x2xf32", length: "i64 in 3..3" },
    { x: "2x4xi64", length: "1xi32 in 9..9", start: "i32 in 1..1", attrs: { axis: -1 } },
    { x: "3xbool", length: "i64 in -2..-2" },
    { x: "6x3xf32", length: "i64 in 2..2", start: "i64 in 3..3" },
  ],
  infer({ x, length, start }, { axis, extent }) {
    expectOneScale("span", x);
    expectOneInteger("span", "length", length);
    if (start) expectOneInteger("span", "start", start);
    const at = axisIn("span", axis, x.shape.length);
    const high = boundsOf(x.shape[at]!)[1];
    return tensorType(
      x.dtype,
      x.shape.map((dim, i) => (i === at ? spanExtent(extent, high) : dim)),
      x.quant,
    );
  },
  evaluate({ x, length, start }, { axis }, _result, types) {
    const { outer, size, inner } = splitAt(types.x.shape, axisIn("span", axis, types.x.shape.length));
    const first = start ? inside(start, size) : 0;
    const kept = inside(length, size - first);
    const y = emptyLike(x, outer * kept * inner);
    for (let o = 0; o < outer; o++) copyRun(x, (o * size + first) * inner, kept * inner, y, o * kept * inner);
    return y;
  },
});

function spanExtent(extent: string, high: number): Dim {
  return extent.startsWith("?") ? bindDim(readDim(extent), {}) : dimSymbol(extent, 0, high);
}

export const zeroTail = defineOp({
  name: "zeroTail",
  summary: "x with zeros along an axis from the place `length` on.",
  operands: ["x", "length"],
  attrs: { axis: int(0) },
  tolerance: UNCHANGED,
  samples: [
    { x: "5x3xf32", length: "i32 in 2..2" },
    { x: "2x6xi64", length: "i32 in 4..4", attrs: { axis: 1 } },
    { x: "3x2x5xbool", length: "i32 in 0..0", attrs: { axis: 1 } },
    { x: "40xf16", length: "i32 in 99..99" },
  ],
  infer({ x, length }, { axis }) {
    expect(!x.quant, () => "x is quantised, zeroTail wants plain elements");
    expectOneInteger("zeroTail", "length", length);
    axisIn("zeroTail", axis, x.shape.length);
    return x;
  },
  evaluate({ x, length }, { axis }, _result, types) {
    const { outer, size, inner } = splitAt(types.x.shape, axisIn("zeroTail", axis, types.x.shape.length));
    const kept = inside(length, size);
    const y = emptyLike(x, outer * size * inner);
    for (let o = 0; o < outer; o++) copyRun(x, o * size * inner, kept * inner, y, o * size * inner);
    return y;
  },
});

/** Lengths are counted in an i32. */
const MOST_LENGTH = 2 ** 31 - 1;

/** The caller said that a value is at most so long, and in this run it is longer. */
export function tooLong(value: string, found: number, most: number): NeoError {
  return new NeoError({
    code: "NEO1058",
    message: `${value} is longer in this run than its bound allows`,
    notes: [{ where: value, text: `is ${found >= MOST_LENGTH ? "very" : found} long, at most ${most} were planned` }],
    hint: `give other data, or compile with a higher bound: \`--bound ${value}=N\``,
  });
}

export const limit = defineOp({
  name: "limit",
  summary: "A length, `most` at most. A greater one ends the run with an error that names `value`; code goes on with `most`, and the session says it.",
  operands: ["length"],
  attrs: { most: int(), value: text() },
  samples: [{ length: "i64 in 3..3", attrs: { most: 5, value: "x" } }],
  tolerance: UNCHANGED,
  pure: false,
  infer({ length }, { most }) {
    expectOneInteger("limit", "length", length);
    expect(most >= 0, () => `most is ${most}, wanted 0 or more`);
    return length;
  },
  evaluate({ length }, { most, value }) {
    const found = Number(length[0]);
    if (found > most) throw tooLong(value, found, most);
    return length;
  },
});
