import { shapeText } from "../../ir/broadcast.ts";
import { countOf, dimOf, equalDims } from "../../ir/dims.ts";
import type { Value } from "../../ir/graph.ts";
import { add, div, max, min, mul, sub } from "../../ir/ops/arithmetic.ts";
import { greaterEqual } from "../../ir/ops/comparison.ts";
import { gather } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { broadcast, concat, pad, slice } from "../../ir/ops/movement.ts";
import { stridesOf } from "../../ir/ops/elements.ts";
import { longest } from "../../ir/ops/padded.ts";
import { elementCount, equalShapes, type Dim, type TensorType } from "../../ir/types.ts";
import { Unbounded, type Bounding, type Handler } from "./bounding.ts";
import { axisOf } from "./independent.ts";

/** Ops that put elements of open tensors elsewhere. */
export const MOVED: Readonly<Record<string, Handler>> = {
  /** Where live elements stay in front, or an open axis stays as it is, the fixed tensor is a view; else each element is fetched. */
  reshape(op, graph) {
    const x = op.operands[0]!;
    const shape = longest(op.result.type).shape as readonly number[];
    const isView = staysInFront(x.type, op.result.type) || keepsAxes(x.type, op.result.type);
    graph.set(op.result, isView ? graph.reshape(graph.at(x), shape) : refetched(graph, x, op.result.type));
  },

  /** Place i is in the part before whose end it lies: as many further back as there are paddings before it. */
  concat(op, graph) {
    const axis = axisOf(op);
    const parts = op.operands as Value[];
    const whole = graph.b.create(concat, { xs: parts.map((part) => graph.at(part)) }, { axis });
    const size = whole.type.shape[axis] as number;
    const at = graph.places(size, 0, 1);
    let indices = at;
    let end: Dim = 0;
    for (const part of parts.slice(0, -1)) {
      const dim = part.type.shape[axis]!;
      end = dimOf("add", end, dim);
      if (typeof dim === "number") continue;
      const padding = graph.b.create(sub, { a: graph.word(graph.at(part).type.shape[axis] as number), b: graph.extent(dim) });
      const isBehind = graph.b.create(greaterEqual, { a: at, b: graph.extent(end) });
      indices = graph.b.create(add, { a: indices, b: graph.b.create(select, { condition: isBehind, a: padding, b: graph.word(0) }) });
    }
    const inside = graph.b.create(min, { a: indices, b: graph.word(size - 1) });
    graph.set(op.result, graph.b.create(gather, { x: whole, indices: inside }, { axis }));
  },
};

/** Ops whose attributes hold symbols. */
export const SYMBOLIC: Readonly<Record<string, Handler>> = {
  reshapeSymbolic: (op, graph) => MOVED["reshape"]!(op, graph),

  broadcastSymbolic(op, graph) {
    const x = op.operands[0]!;
    const lead = op.result.type.shape.length - x.type.shape.length;
    const other = x.type.shape.findIndex((dim, axis) => dim !== 1 && !equalDims(dim, op.result.type.shape[axis + lead]!));
    if (other >= 0) throw new Unbounded(`repeats ${shapeText(x.type.shape)} to ${shapeText(op.result.type.shape)}, which agree only if a run says so`);
    const shape = longest(op.result.type).shape as readonly number[];
    graph.set(op.result, graph.b.create(broadcast, { x: graph.at(x) }, { shape }));
  },

  /** What lies behind the ends stays there: who reads the result knows how long it truly is. */
  stretch(op, graph) {
    const wanted = op.result.type.shape as readonly number[];
    const whole = graph.at(op.operands[0]!);
    const sizes = (whole.type.shape as readonly number[]).map((size, axis) => Math.min(size, wanted[axis]!));
    const zeros = wanted.map(() => 0);
    const cut = equalShapes(sizes, whole.type.shape) ? whole : graph.b.create(slice, { x: whole }, { starts: zeros, sizes, steps: wanted.map(() => 1) });
    const high = wanted.map((size, axis) => size - sizes[axis]!);
    graph.set(op.result, high.every((more) => more === 0) ? cut : graph.b.create(pad, { x: cut }, { low: zeros, high, mode: "constant", value: 0 }));
  },
};

/** Ops that leave open axes whole, and say so in attributes that then are numbers. */
export const WHOLE: Readonly<Record<string, Handler>> = {
  slice(op, graph) {
    const x = graph.at(op.operands[0]!);
    const sizes = (op.attrs["sizes"] as readonly number[]).map((size, axis) => (size === -1 ? (x.type.shape[axis] as number) : size));
    graph.set(op.result, graph.b.create(slice, { x }, { ...op.attrs, sizes }));
  },
};

/** One open axis with nothing but ones before it: the live elements are the first of all. */
function staysInFront(from: TensorType, to: TensorType): boolean {
  return [from, to].every(({ shape }) => {
    const first = shape.findIndex((dim) => dim !== 1);
    return shape.every((dim, axis) => typeof dim === "number" || axis === first);
  });
}

/** Every open axis is there again with as many elements before and behind it. */
function keepsAxes(from: TensorType, to: TensorType): boolean {
  const splits = ({ shape }: TensorType): string[] =>
    shape.flatMap((dim, axis) => (typeof dim === "number" ? [] : [JSON.stringify([countOf(shape.slice(0, axis)), dim, countOf(shape.slice(axis + 1))])]));
  return JSON.stringify(splits(from)) === JSON.stringify(splits(to));
}

/** Each element from where it lies: its place in row-major order of the true shape, and that as a place in the fixed one. */
function refetched(graph: Bounding, x: Value, to: TensorType): Value {
  const { b } = graph;
  const source = graph.at(x);
  const [fixed, fixedTo] = [source.type.shape as readonly number[], longest(to).shape as readonly number[]];
  const behind = (shape: readonly Dim[], axis: number): Value => graph.extent(countOf(shape.slice(axis + 1)));
  const sum = (terms: readonly Value[]): Value => terms.reduce((a, term) => b.create(add, { a, b: term }));
  const divided = (a: Value, by: Value): Value => b.create(div, { a, b: b.create(max, { a: by, b: graph.word(1) }) });
  const order = sum(fixedTo.map((count, axis) => b.create(mul, { a: graph.places(count, axis, fixedTo.length), b: behind(to.shape, axis) })));
  const strides = stridesOf(fixed);
  let rest = order;
  const places = fixed.map((_, axis) => {
    const length = behind(x.type.shape, axis);
    const at = divided(rest, length);
    rest = b.create(sub, { a: rest, b: b.create(mul, { a: at, b: length }) });
    return b.create(mul, { a: at, b: graph.word(strides[axis]!) });
  });
  const total = elementCount(fixed);
  const inside = b.create(min, { a: sum(places), b: graph.word(Math.max(0, total - 1)) });
  return b.create(gather, { x: graph.reshape(source, [total]), indices: inside }, { axis: 0 });
}
