import { boundsOf } from "../../ir/dims.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { add, max, min, sub } from "../../ir/ops/arithmetic.ts";
import { gather } from "../../ir/ops/gather.ts";
import { decodeImagePadded, nonMaxSuppressionPadded, nonZeroPadded, textNormalisePadded, textSplitPadded, uniquePadded } from "../../ir/ops/padded.ts";
import { concat, slice } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { constant } from "../../ir/ops/control.ts";
import { elementCount, type Dim } from "../../ir/types.ts";
import { isOpen, openAxes, Unbounded, type Bounding, type Handler } from "./bounding.ts";
import { axisOf } from "./independent.ts";

/** Ops whose data decide how long their results are, and what tells lengths as data. */
export const FOUND: Readonly<Record<string, Handler>> = {
  nonZero(op, graph) {
    const x = op.operands[0]!;
    const [places, count] = graph.b.createAll(nonZeroPadded, { x: graph.masked(x, openAxes(x.type), zeroOf(x)) }, op.attrs);
    graph.define(op.result.type.shape[1]!, count!);
    graph.set(op.result, places!);
  },

  unique(op, graph) {
    if (isOpen({ operands: op.operands, results: [] } as never as Op))
      throw new Unbounded("wants a tensor whose shape is known: what lies behind the end would count as elements");
    const results = graph.b.createAll(uniquePadded, { x: graph.at(op.operands[0]!) }, op.attrs);
    graph.define(op.results[1]!.type.shape[0]!, results.at(-1)!);
    op.results.forEach((value, i) => graph.set(value, results[i]!));
  },

  /** The slices at the places where the condition holds. */
  compress(op, graph) {
    const [x, condition] = op.operands as [Value, Value];
    const isFlat = op.attrs["flat"] === true;
    if (isFlat && openAxes(x.type).length > 0) throw new Unbounded("flattens a tensor whose length only a run tells; give it an axis");
    const whole = graph.at(x);
    const source = isFlat ? graph.reshape(whole, [elementCount(whole.type.shape as readonly number[])]) : whole;
    const axis = isFlat ? 0 : axisOf(op);
    const [places, count] = graph.b.createAll(nonZeroPadded, { x: graph.masked(condition, [0], 0) });
    const indices = graph.reshape(places!, [condition.type.shape.length === 1 ? (places!.type.shape[1] as number) : 0]);
    graph.define(op.result.type.shape[axis]!, count!);
    graph.set(op.result, graph.b.create(gather, { x: source, indices }, { axis }));
  },

  textSplit(op, graph) {
    const x = op.operands[0]!;
    const [parts, counts, most] = graph.b.createAll(textSplitPadded, { x: graph.masked(x, openAxes(x.type), "") }, op.attrs);
    graph.define(op.results[0]!.type.shape.at(-1)!, most!);
    graph.set(op.results[0]!, parts!);
    graph.set(op.results[1]!, counts!);
  },

  decodeImage(op, graph) {
    if (openAxes(op.operands[0]!.type).length > 0) throw new Unbounded("wants a file whose length is known; what is behind its end may be anything");
    const [image, height, width] = graph.b.createAll(decodeImagePadded, { x: graph.at(op.operands[0]!) }, op.attrs);
    graph.define(op.result.type.shape[0]!, height!);
    graph.define(op.result.type.shape[1]!, width!);
    graph.set(op.result, image!);
  },

  textNormalise(op, graph) {
    if (openAxes(op.operands[0]!.type).length > 0) throw new Unbounded("wants a list whose length is known: what lies behind the end would count as words");
    const [words, count] = graph.b.createAll(textNormalisePadded, { x: graph.at(op.operands[0]!) }, op.attrs);
    graph.define(op.result.type.shape.at(-1)!, count!);
    graph.set(op.result, words!);
  },

  textConcat: ofTexts,
  fullMatch: ofTexts,
  textPlaces: ofTexts,
  textToNumber: ofTexts,
  numberToText: ofTexts,

  /** No box behind the end has a score above the least. */
  nonMaxSuppression(op, graph) {
    const [boxes, scores, most, iou, least] = op.operands as [Value, Value, Value, Value | undefined, Value | undefined];
    const operands = {
      boxes: graph.at(boxes),
      scores: graph.masked(scores, openAxes(scores.type), -Infinity),
      most: graph.at(most),
      iou: iou && graph.at(iou),
      least: least && graph.at(least),
    };
    const [rows, count] = graph.b.createAll(nonMaxSuppressionPadded, operands, op.attrs);
    graph.define(op.result.type.shape[0]!, count!);
    graph.set(op.result, rows!);
  },

  /** From place 0 on it is x itself, else slices picked from there on. */
  span(op, graph) {
    const [x, length, start] = op.operands as [Value, Value, Value | undefined];
    const axis = axisOf(op);
    const dim = x.type.shape[axis]!;
    const high = boundsOf(dim)[1];
    const there = graph.extent(dim);
    const word = (value: Value): Value => graph.cast(graph.reshape(limited(graph, graph.at(value), high), []), "i32");
    const first = start && graph.b.create(min, { a: word(start), b: there });
    const rest = first ? graph.b.create(sub, { a: there, b: first }) : there;
    graph.define(op.result.type.shape[axis]!, graph.b.create(min, { a: word(length), b: rest }));
    const most = boundsOf(op.result.type.shape[axis]!)[1];
    graph.set(op.result, first ? picked(graph, graph.at(x), axis, first, most) : firstOf(graph, graph.at(x), axis, most));
  },

  shapeOf(op, graph) {
    const { shape } = op.operands[0]!.type;
    graph.set(op.result, graph.b.create(concat, { xs: shape.map((dim) => longOf(graph, dim)) }, { axis: 0 }));
  },
};

/** What lies behind the end is an empty text, which no function of texts refuses. */
function ofTexts(op: Op, graph: Bounding): void {
  const operands = op.operands.map((value) => value && (value.type.dtype === "string" ? graph.masked(value, openAxes(value.type), "") : graph.at(value)));
  graph.copy(op, operands).forEach((value, i) => graph.set(op.results[i]!, value));
}

/** One extent as i64 of one axis. */
function longOf(graph: Bounding, dim: Dim): Value {
  if (typeof dim === "number") return graph.b.create(constant, {}, { value: tensor("i64", [1], [dim]) });
  return graph.reshape(graph.cast(graph.extent(dim), "i64"), [1]);
}

/** An integer of one element brought inside 0 … most. */
function limited(graph: Bounding, value: Value, most: number): Value {
  const bound = (limit: number): Value => graph.b.create(constant, {}, { value: tensor(value.type.dtype, [], [limit]) });
  return graph.b.create(min, { a: graph.b.create(max, { a: value, b: bound(0) }), b: bound(most) });
}

function firstOf(graph: Bounding, x: Value, axis: number, count: number): Value {
  const shape = x.type.shape as readonly number[];
  if (count === shape[axis]) return x;
  const sizes = shape.map((size, i) => (i === axis ? count : size));
  return graph.b.create(slice, { x }, { starts: shape.map(() => 0), sizes, steps: shape.map(() => 1) });
}

/** `count` slices from `first` on; those behind the last are the last. */
function picked(graph: Bounding, x: Value, axis: number, first: Value, count: number): Value {
  const size = x.type.shape[axis] as number;
  const places = graph.b.create(add, { a: graph.places(count, 0, 1), b: first });
  return graph.b.create(gather, { x, indices: graph.b.create(min, { a: places, b: graph.word(size - 1) }) }, { axis });
}

function zeroOf(x: Value): number | bigint {
  return x.type.dtype === "i64" || x.type.dtype === "u64" ? 0n : 0;
}
