import type { Op, Value } from "../../ir/graph.ts";
import { add } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { gather, gatherElements, gatherNd } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { concat, reverse } from "../../ir/ops/movement.ts";
import { scatterElements, scatterNd } from "../../ir/ops/scatter.ts";
import { tensor } from "../../ir/tensor.ts";
import type { Dim } from "../../ir/types.ts";
import { openAxes, type Bounding, type Reader } from "./bounding.ts";
import { axesOf, axisOf } from "./independent.ts";
import { reversedPlaces } from "./recurrent.ts";

/** Behind all ends there can be: what is written there goes nowhere. */
const NOWHERE = 2 ** 31 - 1;

/** Ops that look up or write where indices point: those that count from the end count from the true one, those behind an end point nowhere. */
export const INDEXED: Readonly<Record<string, Reader>> = {
  gather: {
    along: (op, operand, axis) => operand === 0 && axis === axisOf(op),
    handle(op, graph) {
      const [x, indices] = op.operands as [Value, Value];
      const places = fromFront(graph, graph.at(indices), x.type.shape[axisOf(op)]!);
      graph.set(op.result, graph.b.create(gather, { x: graph.at(x), indices: places }, op.attrs as never));
    },
  },

  /** From the true end on. */
  reverse: {
    along: (op, _operand, axis) => axesOf(op).includes(axis),
    handle(op, graph) {
      const x = op.operands[0]!;
      const open = axesOf(op).filter((axis) => openAxes(x.type).includes(axis));
      const axes = axesOf(op).filter((axis) => !open.includes(axis));
      const rest = axes.length > 0 ? graph.b.create(reverse, { x: graph.at(x) }, { axes }) : graph.at(x);
      const turned = open.reduce((y, axis) => {
        const indices = reversedPlaces(graph, y.type.shape[axis] as number, x.type.shape[axis]!);
        return graph.b.create(gather, { x: y, indices }, { axis });
      }, rest);
      graph.set(op.result, turned);
    },
  },

  gatherElements: {
    along: (op, operand, axis) => operand === 0 && axis === axisOf(op),
    handle(op, graph) {
      const [x, indices] = op.operands as [Value, Value];
      const places = fromFront(graph, graph.at(indices), x.type.shape[axisOf(op)]!);
      graph.set(op.result, graph.b.create(gatherElements, { x: graph.at(x), indices: places }, op.attrs as never));
    },
  },

  gatherNd: {
    along: (op, operand, axis) => operand === 0 && pointed(op, op.attrs["batchDims"] as number).includes(axis),
    handle(op, graph) {
      const [x, indices] = op.operands as [Value, Value];
      const dims = pointed(op, op.attrs["batchDims"] as number).map((axis) => x.type.shape[axis]!);
      graph.set(op.result, graph.b.create(gatherNd, { x: graph.at(x), indices: pointsFromFront(graph, graph.at(indices), dims) }, op.attrs as never));
    },
  },

  scatterElements: {
    along: (op, operand, axis) => operand > 0 || axis === axisOf(op),
    handle(op, graph) {
      const [x, indices, updates] = op.operands as [Value, Value, Value];
      const places = nowhereBehind(graph, indices, fromFront(graph, graph.at(indices), x.type.shape[axisOf(op)]!));
      graph.set(op.result, graph.b.create(scatterElements, { x: graph.at(x), indices: places, updates: graph.at(updates) }, op.attrs as never));
    },
  },

  scatterNd: {
    along: (op, operand, axis) => operand > 0 || pointed(op, 0).includes(axis),
    handle(op, graph) {
      const [x, indices, updates] = op.operands as [Value, Value, Value];
      const dims = pointed(op, 0).map((axis) => x.type.shape[axis]!);
      const places = nowhereBehind(graph, indices, pointsFromFront(graph, graph.at(indices), dims));
      graph.set(op.result, graph.b.create(scatterNd, { x: graph.at(x), indices: places, updates: graph.at(updates) }, op.attrs as never));
    },
  },
};

/** Axes of x in which points count. */
function pointed(op: Op, first: number): readonly number[] {
  const depth = op.operands[1]!.type.shape.at(-1) as number;
  return Array.from({ length: depth }, (_, i) => first + i);
}

/** Negative places of an axis of `dim` elements as those they mean; what is still negative is nowhere. */
function fromFront(graph: Bounding, indices: Value, dim: Dim): Value {
  if (typeof dim === "number") return indices;
  const { b } = graph;
  const { dtype } = indices.type;
  const number = (value: number): Value => b.create(constant, {}, { value: tensor(dtype, [], [value]) });
  const isBefore = (x: Value): Value => b.create(less, { a: x, b: number(0) });
  const counted = b.create(add, { a: indices, b: graph.cast(graph.extent(dim), dtype) });
  const inside = b.create(select, { condition: isBefore(counted), a: number(NOWHERE), b: counted });
  return b.create(select, { condition: isBefore(indices), a: inside, b: indices });
}

/** The same for the last axis of points, coordinate by coordinate. */
function pointsFromFront(graph: Bounding, points: Value, dims: readonly Dim[]): Value {
  if (dims.every((dim) => typeof dim === "number")) return points;
  const axis = points.type.shape.length - 1;
  const xs = dims.map((dim, i) => {
    const indices = graph.b.create(constant, {}, { value: tensor("i32", [1], [i]) });
    return fromFront(graph, graph.b.create(gather, { x: points, indices }, { axis }), dim);
  });
  return graph.b.create(concat, { xs }, { axis });
}

function nowhereBehind(graph: Bounding, given: Value, fixed: Value): Value {
  return graph.maskedFrom(fixed, given.type, openAxes(given.type), NOWHERE);
}
