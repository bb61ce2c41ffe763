/** Movement ops whose shape holds several symbols. They live until `bound-extents`, which writes all shapes as numbers. */
import { ints, texts } from "../attr.ts";
import { broadcastShapes, shapeText } from "../broadcast.ts";
import { bindDim, countOf, equalDims } from "../dims.ts";
import { defineOp } from "../op-def.ts";
import { readDim } from "../text/types.ts";
import { elementCount, tensorType, type Dim } from "../types.ts";
import { broadcastTable, copyRun, emptyLike, stridesOf, take, UNCHANGED } from "./elements.ts";
import { expect } from "./expect.ts";
import { expectOneScale } from "./gather.ts";

/** The extents that an attribute holds as text. */
export function extentsIn(texts: readonly string[]): readonly Dim[] {
  return texts.map((text) => bindDim(readDim(text), {}));
}

export const reshapeSymbolic = defineOp({
  name: "reshapeSymbolic",
  summary: "The same elements in row-major order under another shape, whose extents are texts: numbers, or symbols that the inputs of a run decide.",
  operands: ["x"],
  attrs: { shape: texts() },
  tolerance: UNCHANGED,
  samples: [{ x: "2x3xf32", attrs: { shape: ["3", "2"] } }],
  infer({ x }, { shape }) {
    expectOneScale("reshapeSymbolic", x);
    const result = extentsIn(shape);
    const isOpen = [...x.shape, ...result].some((dim) => typeof dim !== "number");
    expect(isOpen || equalDims(countOf(x.shape), countOf(result)), () => `x is ${shapeText(x.shape)}, which does not fit into ${shapeText(result)}`);
    return tensorType(x.dtype, result, x.quant);
  },
  evaluate: ({ x }) => x,
});

export const broadcastSymbolic = defineOp({
  name: "broadcastSymbolic",
  summary: "x repeated along new leading axes and axes of extent 1 until it has the shape, whose extents are texts as those of reshapeSymbolic.",
  operands: ["x"],
  attrs: { shape: texts() },
  tolerance: UNCHANGED,
  samples: [{ x: "3x1xf32", attrs: { shape: ["2", "3", "4"] } }],
  infer({ x }, { shape }) {
    expectOneScale("broadcastSymbolic", x);
    const result = extentsIn(shape);
    const joined = broadcastShapes(x.shape, result);
    expect(
      joined.length === result.length && joined.every((dim, i) => typeof dim !== "number" || typeof result[i] !== "number" || dim === result[i]),
      () => `x is ${shapeText(x.shape)}, which does not broadcast to ${shapeText(result)}`,
    );
    return tensorType(x.dtype, result, x.quant);
  },
  evaluate: ({ x }, _attrs, result, types) => take(x, broadcastTable(types.x.shape, result.shape)),
});

export const stretch = defineOp({
  name: "stretch",
  summary: "x in the corner of a tensor of the shape, zeros (or empty texts) behind its ends; what lies outside of the shape is cut off.",
  operands: ["x"],
  attrs: { shape: ints() },
  tolerance: UNCHANGED,
  samples: [
    { x: "2x3xf32", attrs: { shape: [4, 3] } },
    { x: "2x3xi64", attrs: { shape: [2, 5] } },
    { x: "4x3xf32", attrs: { shape: [2, 4] } },
    { x: "3xbool", attrs: { shape: [3] } },
  ],
  infer({ x }, { shape }) {
    expectOneScale("stretch", x);
    expect(x.shape.length === shape.length, () => `x is ${shapeText(x.shape)}, which has another rank than ${shapeText(shape)}`);
    return tensorType(x.dtype, shape, x.quant);
  },
  evaluate({ x }, { shape }, _result, types) {
    const from = types.x.shape;
    const y = emptyLike(x, elementCount(shape));
    const [near, far] = [stridesOf(from), stridesOf(shape)];
    const both = shape.map((dim, axis) => Math.min(dim, from[axis]!));
    if (both.includes(0)) return y;
    const run = both.at(-1) ?? 1;
    const copy = (axis: number, at: number, to: number): void => {
      if (axis >= both.length - 1) return copyRun(x, at, run, y, to);
      for (let i = 0; i < both[axis]!; i++) copy(axis + 1, at + i * near[axis]!, to + i * far[axis]!);
    };
    copy(0, 0, 0);
    return y;
  },
});
