import { bool, int } from "../attr.ts";
import { defineOp } from "../op-def.ts";
import type { Data } from "../tensor.ts";
import { tensorType, type StaticType } from "../types.ts";
import { emptyLike, type Movable, splitAt, UNCHANGED } from "./elements.ts";
import { expectOneScale } from "./gather.ts";
import { axisIn, expect } from "./expect.ts";

/** Ascending, NaNs last, so greatest; 0 and -0 are equal. */
export function compareElements(a: number | bigint | string, b: number | bigint | string): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(a !== a) - Number(b !== b);
}

export const topK = defineOp({
  name: "topK",
  summary: "The k greatest (or least) elements along an axis in order, and where they stood; of equals the one that stood first. NaN is greatest.",
  operands: ["x"],
  results: ["values", "indices"],
  attrs: {
    k: int(),
    axis: int(-1),
    largest: bool(true),
    /** False: any order will do. */
    sorted: bool(true),
  },
  tolerance: UNCHANGED,
  samples: [
    { x: "3x6xf32", attrs: { k: 2 } },
    { x: "5x2x3xf32", attrs: { k: 3, axis: 0, largest: false } },
    { x: "7xi64", attrs: { k: 7 } },
    { x: "2x4xf32", attrs: { k: 1, sorted: false } },
  ],
  infer({ x }, { k, axis }) {
    const at = axisIn("topK", axis, x.shape.length);
    const extent = x.shape[at]!;
    expect(
      k >= 0 && (typeof extent !== "number" || k <= extent),
      () => `k is ${k} and axis ${at} of x has ${String(extent)} elements, topK wants no more than there are`,
    );
    expectOneScale("topK", x);
    const shape = x.shape.map((dim, i) => (i === at ? k : dim));
    return [tensorType(x.dtype, shape, x.quant), tensorType("i64", shape)];
  },
  evaluate: ({ x }, { k, axis, largest }, _result, types) => sortLines(x, types.x, axis, k, largest),
});

export const sort = defineOp({
  name: "sort",
  summary: "The elements along an axis in order, and where they stood; equals keep their order. NaN is greatest.",
  operands: ["x"],
  results: ["values", "indices"],
  attrs: { axis: int(-1), descending: bool(false) },
  tolerance: UNCHANGED,
  samples: [{ x: "3x5xf32" }, { x: "4x3xi64", attrs: { axis: 0, descending: true } }],
  infer({ x }, { axis }) {
    axisIn("sort", axis, x.shape.length);
    expectOneScale("sort", x);
    return [tensorType(x.dtype, x.shape, x.quant), tensorType("i64", x.shape)];
  },
  evaluate: ({ x }, { axis, descending }, _result, types) => sortLines(x, types.x, axis, types.x.shape.at(axis)!, descending),
});

/** The first k of each line along an axis in their order, with their places in x. */
function sortLines(x: Data, { shape }: StaticType, axis: number, k: number, descending: boolean): { results: readonly (Data | Float64Array)[] } {
  const { outer, size, inner } = splitAt(shape, axisIn("sort", axis, shape.length));
  const values = emptyLike(x, outer * k * inner);
  const indices = new Float64Array(outer * k * inner);
  const [from, to] = [x as ArrayLike<number | bigint | string>, values as Movable];
  for (let line = 0; line < outer * inner; line++) {
    const [o, i] = [Math.floor(line / inner), line % inner];
    const element = (at: number): number | bigint | string => from[(o * size + at) * inner + i]!;
    // sort is stable, so equals stay in the order they stood in.
    const order = Array.from({ length: size }, (_, at) => at).sort((a, b) =>
      descending ? compareElements(element(b), element(a)) : compareElements(element(a), element(b)),
    );
    for (let j = 0; j < k; j++) {
      const place = (o * k + j) * inner + i;
      to[place] = element(order[j]!);
      indices[place] = order[j]!;
    }
  }
  return { results: [values, indices] };
}
