/**
 * Two loops of the program: over batches and classes, and over the boxes that are taken of each. A turn of the outer one collects the
 * candidates, a turn of the inner one takes the best and strikes out what overlaps it; it ends when none is left.
 */
import type { Op } from "../ir/graph.ts";
import { F32, I32, KernelBuilder, scalar, type Term } from "../kernel/build.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { lanesOf } from "../target/profile.ts";
import { setWord, tripsToWord } from "./control-kernels.ts";
import { clear } from "./padded-result.ts";
import type { RegionContext } from "./schedule.ts";

interface Sizes {
  readonly batches: number;
  readonly classes: number;
  readonly boxes: number;
  readonly center: boolean;
}

export function lowerNonMaxSuppression(op: Op, context: RegionContext): void {
  const { open, target } = context;
  const [boxes, scores, most, iou, least] = [0, 1, 2, 3, 4].map((i) => context.operandAt(i));
  const [rows, count] = [context.result(op, 0), context.result(op, 1)];
  const [batches, classes, size] = scores!.layout.shape as [number, number, number];
  const sizes: Sizes = { batches, classes, boxes: size, center: op.attrs["center"] === true };
  context.call(setWord(0, target, op.loc), { y: count.buffer });
  if (batches * classes * size === 0) return;
  clear(rows, context, op);
  const [trips, group, go] = [open.word("most"), open.word("group"), open.word("go on")];
  context.call(tripsToWord(size, target, op.loc), { x: most!.buffer, y: trips });
  context.call(setWord(0, target, op.loc), { y: group });
  const found = open.extent(size);
  const [places, ranks] = [context.scratch("i32", size), context.scratch("f32", size)];
  const kernels = new SuppressionKernels(op, context, sizes);
  const body = open.apart(() => {
    const given = least ? { least: least.buffer } : {};
    const collect = kernels.collect(scores!.layout.size, least?.layout.size);
    context.call(collect, { scores: scores!.buffer, ...given, group, places, ranks, count: found.word, go });
    const take = kernels.take(boxes!.layout.size, rows.layout.size, iou?.layout.size);
    const turn = open.apart(() =>
      context.call(
        take,
        { boxes: boxes!.buffer, ...(iou ? { iou: iou.buffer } : {}), group, places, ranks, rows: rows.buffer, total: count.buffer, go },
        { found: found.name },
      ),
    );
    open.push({ kind: "loop", trips, condition: go, body: turn });
  });
  open.push({ kind: "loop", trips: batches * classes, body });
}

class SuppressionKernels {
  private readonly op: Op;
  private readonly context: RegionContext;
  private readonly sizes: Sizes;

  constructor(op: Op, context: RegionContext, sizes: Sizes) {
    this.op = op;
    this.context = context;
    this.sizes = sizes;
  }

  /** Exact: executors must agree on which box overlaps. */
  private builder(words: string): KernelBuilder {
    const { batches, classes, boxes, center } = this.sizes;
    const name = `suppression_${words}_${batches}x${classes}x${boxes}${center ? "_center" : ""}`;
    return new KernelBuilder(name, { lanes: lanesOf(this.context.target), mode: "exact", loc: this.op.loc });
  }

  /** Boxes of the group with a score above the least, in order, and whether there are any. Moves on to the next group. */
  collect(scoreSize: number, leastSize: number | undefined): Kernel {
    const b = this.builder("collect");
    const { boxes, batches, classes } = this.sizes;
    const c = (value: number): Term => b.constant(I32, value);
    b.param("scores", "f32", scoreSize, "in");
    if (leastSize !== undefined) b.param("least", "f32", leastSize, "in");
    b.param("group", "i32", 1, "inout");
    b.param("places", "i32", boxes, "out");
    b.param("ranks", "f32", boxes, "out");
    b.param("count", "i32", 1, "out");
    b.param("go", "i32", 1, "out");
    const word = b.cursor("g", "group");
    const group = b.let("g", inside(b, b.load(I32, word), batches * classes));
    const start = b.let("s", b.mul(group, c(boxes)));
    const least = b.let("m", leastSize === undefined ? b.constant(F32, -Infinity) : b.load(F32, b.cursor("l", "least")));
    const [count, place] = [b.let("n", c(0)), b.let("k", c(0))];
    const [from, places, ranks] = [b.cursor("i", "scores"), b.cursor("p", "places"), b.cursor("r", "ranks")];
    b.loop("e", boxes, { [from]: 1 }, () => {
      const score = b.let("x", b.load(F32, from, 0, start));
      const at = b.let("a", inside(b, count, boxes));
      b.store(places, 0, place, at);
      b.store(ranks, 0, score, at);
      b.set(count, b.add(count, b.select(b.compare("gt", score, least), c(1), c(0))));
      b.set(place, b.add(place, c(1)));
    });
    const end = b.let("n", b.pmin(b.pmax(count, c(0)), c(boxes)));
    b.store(b.cursor("c", "count"), 0, end);
    b.store(b.cursor("o", "go"), 0, b.select(b.compare("gt", end, c(0)), c(1), c(0)));
    b.store(word, 0, b.add(group, c(1)));
    return b.finish();
  }

  /** Adds the best candidate to the rows, strikes it and all that overlap it by more than `iou` out, and tells whether any is left. */
  take(boxSize: number, rowSize: number, iouSize: number | undefined): Kernel {
    const b = this.builder("take");
    const { boxes, batches, classes } = this.sizes;
    const c = (value: number): Term => b.constant(I32, value);
    b.param("boxes", "f32", boxSize, "in");
    if (iouSize !== undefined) b.param("iou", "f32", iouSize, "in");
    b.param("group", "i32", 1, "in");
    b.param("places", "i32", boxes, "in");
    b.param("ranks", "f32", boxes, "inout");
    b.param("rows", "i64", rowSize, "inout");
    b.param("total", "i32", 1, "inout");
    b.param("go", "i32", 1, "out");
    const group = b.let("g", inside(b, b.sub(b.load(I32, b.cursor("g", "group")), c(1)), batches * classes));
    const batch = b.let("b", inside(b, b.div(group, c(classes)), batches));
    const iou = b.let("u", iouSize === undefined ? b.constant(F32, 0) : b.load(F32, b.cursor("u", "iou")));
    const trips = { extent: "found", per: 1, max: boxes };
    const [places, ranks] = [b.cursor("p", "places"), b.cursor("r", "ranks")];
    const [best, bestAt] = [b.let("h", b.constant(F32, -Infinity)), b.let("w", c(0))];
    const at = b.let("k", c(0));
    b.loop("e", trips, { [ranks]: 1 }, () => {
      const rank = b.let("x", b.load(F32, ranks));
      const isBetter = b.compare("gt", rank, best);
      b.set(bestAt, b.select(isBetter, at, bestAt));
      b.set(best, b.select(isBetter, rank, best));
      b.set(at, b.add(at, c(1)));
    });
    const box = b.let("x", inside(b, b.load(I32, places, 0, inside(b, bestAt, boxes)), boxes));
    this.addRow(b, rowSize, [batch, b.sub(group, b.mul(batch, c(classes))), box]);
    const source = b.cursor("i", "boxes");
    const corners = (place: Term): Corners => this.corners(b, source, b.let("a", b.mul(b.add(b.mul(batch, c(boxes)), inside(b, place, boxes)), c(4))));
    const taken = corners(box);
    const left = b.let("l", c(0));
    b.set(at, c(0));
    const strike = b.cursor("s", "ranks");
    b.loop("e", trips, { [places]: 1, [strike]: 1 }, () => {
      const isOver = overlap(b, taken, corners(b.load(I32, places)), iou);
      const goes = b.op("or", { mask: 1 }, [isOver, b.compare("eq", at, bestAt)]);
      const rank = b.let("x", b.select(goes, b.constant(F32, -Infinity), b.load(F32, strike)));
      b.store(strike, 0, rank);
      b.set(left, b.select(b.compare("gt", rank, b.constant(F32, -Infinity)), c(1), left));
      b.set(at, b.add(at, c(1)));
    });
    b.store(b.cursor("o", "go"), 0, left);
    return b.finish();
  }

  private addRow(b: KernelBuilder, rowSize: number, row: readonly Term[]): void {
    const { boxes, batches, classes } = this.sizes;
    const [total, rows] = [b.cursor("t", "total"), b.cursor("o", "rows")];
    const count = b.let("n", b.load(I32, total));
    const at = b.let("a", b.mul(inside(b, count, Math.min(batches * classes * boxes, Math.floor(rowSize / 3))), b.constant(I32, 3)));
    row.forEach((value, k) => b.store(rows, k, b.op("convert", scalar("i64"), [value]), at));
    b.store(total, 0, b.add(count, b.constant(I32, 1)));
  }

  /** The lesser corner first. */
  private corners(b: KernelBuilder, source: string, at: Term): Corners {
    const [p, q, r, s] = [0, 1, 2, 3].map((k) => b.let("v", b.load(F32, source, k, at))) as [Term, Term, Term, Term];
    const bound = (value: Term): Term => b.let("v", value);
    if (!this.sizes.center) return [bound(b.pmin(p, r)), bound(b.pmin(q, s)), bound(b.pmax(p, r)), bound(b.pmax(q, s))];
    const half = (x: Term): Term => bound(b.mul(x, b.constant(F32, 0.5)));
    const [width, height] = [half(r), half(s)];
    return [bound(b.sub(q, height)), bound(b.sub(p, width)), bound(b.add(q, height)), bound(b.add(p, width))];
  }
}

type Corners = readonly [top: Term, left: Term, bottom: Term, right: Term];

function inside(b: KernelBuilder, x: Term, count: number): Term {
  return b.let("a", b.pmin(b.pmax(x, b.constant(I32, 0)), b.constant(I32, count - 1)));
}

/** The same steps as the record of the op, in its order. */
function overlap(b: KernelBuilder, one: Corners, two: Corners, iou: Term): Term {
  const zero = b.constant(F32, 0);
  const bound = (value: Term): Term => b.let("v", value);
  const height = bound(b.sub(b.pmin(one[2], two[2]), b.pmax(one[0], two[0])));
  const width = bound(b.sub(b.pmin(one[3], two[3]), b.pmax(one[1], two[1])));
  const area = (c: Corners): Term => bound(b.mul(bound(b.sub(c[2], c[0])), bound(b.sub(c[3], c[1]))));
  const common = bound(b.mul(height, width));
  const together = bound(b.sub(bound(b.add(area(one), area(two))), common));
  const both = (x: Term, y: Term): Term => b.op("and", { mask: 1 }, [x, y]);
  const meets = both(b.compare("gt", height, zero), b.compare("gt", width, zero));
  return both(both(meets, b.compare("gt", together, zero)), b.compare("gt", bound(b.div(common, together)), iou));
}
