import { bool, text } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { boundsOf, dimOf, dimSymbol, equalDims } from "../dims.ts";
import { defineOp } from "../op-def.ts";
import { tensorType, type TensorType } from "../types.ts";
import { UNCHANGED } from "./elements.ts";
import { expect, expectDtype, expectRank } from "./expect.ts";

/**
 * Boxes are [batch, box, 4], scores [batch, class, box]. For each batch and class the boxes with a score above the least one are
 * taken from the highest score on, of equals the first; a box that overlaps one taken before by more than `iou` is left out. Every
 * step rounds to f32, so that all executors decide alike.
 */
export const nonMaxSuppression = defineOp({
  name: "nonMaxSuppression",
  summary:
    "Per batch and class the boxes of highest score that overlap none taken before by more than iou, at most `most`: rows of batch, class, box. Boxes are two corners, or with `center` centre and size.",
  operands: ["boxes", "scores", "most", "iou?", "least?"],
  attrs: { center: bool(false), extent: text("n") },
  tolerance: UNCHANGED,
  samples: [
    { boxes: "1x6x4xf32 in 0..4", scores: "1x1x6xf32 in 0..1", most: "i64 in 3..3", iou: "f32 in 0.1..0.2", least: "f32 in 0.2..0.3" },
    { boxes: "2x9x4xf32 in 0..6", scores: "2x3x9xf32 in 0..1", most: "1xi64 in 4..4", iou: "1xf32 in 0..0" },
    { boxes: "1x7x4xf32 in 1..3", scores: "1x2x7xf32 in 0..1", most: "i64 in 9..9", iou: "f32 in 0.3..0.5", attrs: { center: true } },
    { boxes: "1x5x4xf32 in 0..4", scores: "1x2x5xf32 in 0..1", most: "i64 in 0..0" },
  ],
  infer({ boxes, scores, most, iou, least }, { extent }) {
    for (const [name, type] of [["boxes", boxes] as const, ["scores", scores] as const]) {
      expectDtype("nonMaxSuppression", name, type, "f32");
      expectRank("nonMaxSuppression", name, type, 3);
    }
    expect(boxes.shape[2] === 4, () => `boxes are ${shapeText(boxes.shape)}, nonMaxSuppression wants 4 numbers each`);
    expect(
      equalDims(boxes.shape[0]!, scores.shape[0]!) && equalDims(boxes.shape[1]!, scores.shape[2]!),
      () => `scores are ${shapeText(scores.shape)}, which doesn't fit boxes of ${shapeText(boxes.shape)}`,
    );
    expectOne("most", most, "i64");
    if (iou) expectOne("iou", iou, "f32");
    if (least) expectOne("least", least, "f32");
    const all = dimOf("mul", dimOf("mul", scores.shape[0]!, scores.shape[1]!), scores.shape[2]!);
    return tensorType("i64", [dimSymbol(extent, 0, boundsOf(all)[1]), 3]);
  },
  evaluate({ boxes, scores, most, iou, least }, { center }, _result, types) {
    const [batches, classes, count] = types.scores.shape as [number, number, number];
    const limits = { most: Number(most[0]), iou: iou ? iou[0]! : 0, least: least ? least[0]! : -Infinity };
    const rows: bigint[] = [];
    for (let batch = 0; batch < batches; batch++) {
      const corners = Array.from({ length: count }, (_, i) => cornersOf(boxes, (batch * count + i) * 4, center));
      for (let c = 0; c < classes; c++) {
        const from = (batch * classes + c) * count;
        for (const box of select(corners, (i) => scores[from + i]!, limits)) rows.push(BigInt(batch), BigInt(c), BigInt(box));
      }
    }
    return BigInt64Array.from(rows);
  },
});

function expectOne(name: string, type: TensorType, dtype: string): void {
  expectDtype("nonMaxSuppression", name, type, dtype);
  expect(
    type.shape.every((dim) => dim === 1),
    () => `${name} is ${shapeText(type.shape)}, nonMaxSuppression wants one number`,
  );
}

type Corners = readonly [top: number, left: number, bottom: number, right: number];

const round = Math.fround;

/** The lesser corner first. */
function cornersOf(boxes: ArrayLike<number>, at: number, center: boolean): Corners {
  const [a, b, c, d] = [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
  if (!center) return [least(a, c), least(b, d), greatest(a, c), greatest(b, d)];
  const [width, height] = [round(c * 0.5), round(d * 0.5)];
  return [round(b - height), round(a - width), round(b + height), round(a + width)];
}

const least = (a: number, b: number): number => (b < a ? b : a);
const greatest = (a: number, b: number): number => (a < b ? b : a);

function select(
  corners: readonly Corners[],
  score: (i: number) => number,
  limits: { readonly most: number; readonly iou: number; readonly least: number },
): number[] {
  const order = corners.map((_, i) => i).filter((i) => score(i) > limits.least);
  order.sort((a, b) => score(b) - score(a));
  const taken: number[] = [];
  for (const i of order) {
    if (taken.length >= limits.most) break;
    if (!taken.some((other) => overlaps(corners[other]!, corners[i]!, limits.iou))) taken.push(i);
  }
  return taken;
}

/** True where the common area is more than `iou` of what both cover together. */
function overlaps(a: Corners, b: Corners, iou: number): boolean {
  const height = round(least(a[2], b[2]) - greatest(a[0], b[0]));
  const width = round(least(a[3], b[3]) - greatest(a[1], b[1]));
  if (!(height > 0 && width > 0)) return false;
  const common = round(height * width);
  const together = round(round(areaOf(a) + areaOf(b)) - common);
  return together > 0 && round(common / together) > iou;
}

function areaOf([top, left, bottom, right]: Corners): number {
  return round(round(bottom - top) * round(right - left));
}
