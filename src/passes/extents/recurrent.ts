import type { Op, Value } from "../../ir/graph.ts";
import { max, min, sub } from "../../ir/ops/arithmetic.ts";
import { gather } from "../../ir/ops/gather.ts";
import { broadcast, concat, slice } from "../../ir/ops/movement.ts";
import type { Dim } from "../../ir/types.ts";
import type { Bounding, Reader } from "./bounding.ts";

/** Attributes that have entries of the second direction behind those of the first. */
const BY_DIRECTION = ["activations", "activationAlpha", "activationBeta"] as const;
/** Operands whose first axis is the direction; all but those have no such axis. */
const WITH_DIRECTION = ["w", "r", "bias", "initialH", "initialC", "peephole"] as const;

/**
 * Recurrent cells along an open number of moments, of a batch that may be open too. Forwards they end at the last moment. Backwards
 * they begin there: the moments are turned round, or where sequences have lengths of their own, these end there.
 */
const cell: Reader = {
  along: (_op, operand, axis) => operand === 0 && axis === 0,
  handle(op, graph) {
    const dim = op.operand("x")!.type.shape[0]!;
    const directions = op.attrs["direction"] === "bidirectional" ? ["forward", "reverse"] : [op.attrs["direction"] as string];
    const parts = directions.map((direction, d) => oneWay(op, graph, dim, { direction, d, of: directions.length }));
    op.results.forEach((result, i) => {
      // y[T,D,B,H], and states [D,B,H].
      const xs = parts.map((part) => part[i]!);
      graph.set(result, xs.length === 1 ? xs[0]! : graph.b.create(concat, { xs }, { axis: i === 0 ? 1 : 0 }));
    });
  },
};

export const RECURRENT: Readonly<Record<string, Reader>> = { lstm: cell, gru: cell, rnn: cell };

interface Way {
  readonly direction: string;
  readonly d: number;
  readonly of: number;
}

function oneWay(op: Op, graph: Bounding, dim: Dim, way: Way): readonly Value[] {
  const given = new Map(operandNames(op).map((name) => [name, op.operand(name)]));
  const fixed = new Map<string, Value | undefined>([...given].map(([name, value]) => [name, value && graph.at(value)]));
  for (const name of WITH_DIRECTION) if (fixed.get(name)) fixed.set(name, ofDirection(graph, fixed.get(name)!, way));
  const isBackward = way.direction === "reverse";
  const lengths = fixed.get("sequenceLengths");
  if (isBackward && lengths)
    fixed.set("sequenceLengths", graph.b.create(min, { a: lengths, b: everywhere(graph, graph.cast(graph.extent(dim), lengths.type.dtype), lengths) }));
  else fixed.set("moments", graph.extent(dim));
  const isTurned = isBackward && !lengths;
  if (isTurned) fixed.set("x", turned(graph, fixed.get("x")!, dim));
  const attrs = { ...op.attrs, ...Object.fromEntries(BY_DIRECTION.map((name) => [name, partOf(op.attrs[name] as readonly unknown[], way)])) };
  const direction = isTurned ? "forward" : way.direction;
  const results = graph.b.createAll(op.def, Object.fromEntries([...fixed].filter(([, value]) => value)) as never, { ...attrs, direction });
  return isTurned ? results.map((value, i) => (i === 0 ? turned(graph, value, dim) : value)) : results;
}

function operandNames(op: Op): readonly string[] {
  return (op.def.operands as readonly string[]).map((name) => name.replace("?", ""));
}

function ofDirection(graph: Bounding, x: Value, { d, of }: Way): Value {
  if (of === 1) return x;
  const shape = x.type.shape as readonly number[];
  const at = (first: number, others: number): number[] => shape.map((_, axis) => (axis === 0 ? first : others));
  return graph.b.create(slice, { x }, { starts: at(d, 0), sizes: shape.map((size, axis) => (axis === 0 ? 1 : size)), steps: at(1, 1) });
}

function partOf(list: readonly unknown[], { d, of }: Way): readonly unknown[] {
  const size = list.length / of;
  return list.slice(d * size, (d + 1) * size);
}

/** The last moment first; the first one in the place of all that are not there. */
function turned(graph: Bounding, x: Value, dim: Dim): Value {
  return graph.b.create(gather, { x, indices: reversedPlaces(graph, x.type.shape[0] as number, dim) }, { axis: 0 });
}

/** The places of an axis of `dim` live elements from the last on; behind those the first. */
export function reversedPlaces(graph: Bounding, most: number, dim: Dim): Value {
  const last = graph.b.create(sub, { a: graph.extent(dim), b: graph.word(1) });
  return graph.b.create(max, { a: graph.b.create(sub, { a: last, b: graph.places(most, 0, 1) }), b: graph.word(0) });
}

function everywhere(graph: Bounding, x: Value, like: Value): Value {
  return graph.b.create(broadcast, { x }, { shape: like.type.shape as readonly number[] });
}
