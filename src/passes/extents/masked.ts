import { countOf } from "../../ir/dims.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { add, div, log, mul, sqrt, sub } from "../../ir/ops/arithmetic.ts";
import { constant } from "../../ir/ops/control.ts";
import { reduce } from "../../ir/ops/reduction.ts";
import { tensor } from "../../ir/tensor.ts";
import { integerRange, isFloat, isWide, type DType } from "../../ir/types.ts";
import { openAxes, Unbounded, type Bounding, type Reader } from "./bounding.ts";
import { axesOf, axisOf } from "./independent.ts";

/** Ops that read along an open axis: what lies behind its end is made neutral first. */
export const MASKED: Readonly<Record<string, Reader>> = {
  reduce: {
    along: (op, _operand, axis) => axesOf(op).includes(axis),
    handle(op, graph) {
      const x = op.operands[0]!;
      const axes = axesOf(op).filter((axis) => openAxes(x.type).includes(axis));
      const kind = op.attrs["kind"] as string;
      if (kind === "mean") return graph.set(op.result, mean(op, graph, axes));
      if (kind === "logSum") {
        const sum = graph.b.create(reduce, { x: graph.masked(x, axes, 0) }, { ...op.attrs, kind: "sum" });
        return graph.set(op.result, graph.b.create(log, { x: sum }));
      }
      graph.set(op.result, graph.copy(op, [graph.masked(x, axes, neutral(kind, x.type.dtype))])[0]!);
    },
  },

  argReduce: {
    along: ofAxis,
    handle(op, graph) {
      const x = op.operands[0]!;
      const kind = op.attrs["kind"] as string;
      if (op.attrs["lastIndex"] === true) throw new Unbounded("wants the last of equal elements along it; take the first");
      graph.set(op.result, graph.copy(op, [graph.masked(x, [axisOf(op)], neutral(kind, x.type.dtype))])[0]!);
    },
  },

  /** From the end on, zeros add nothing and ones multiply by nothing. */
  cumulative: {
    along: ofAxis,
    handle(op, graph) {
      const x = op.operands[0]!;
      graph.set(op.result, graph.copy(op, [graph.masked(x, [axisOf(op)], neutral(op.attrs["kind"] as string, x.type.dtype))])[0]!);
    },
  },

  groupNorm: {
    along: (_op, operand, axis) => operand === 0 && axis > 1,
    handle: groups,
  },

  softmax: {
    along: ofAxis,
    handle(op, graph) {
      exponentials(op, graph);
      graph.isZeroBehind(op.result, axisOf(op));
    },
  },
  logSoftmax: { along: ofAxis, handle: exponentials },

  /** Products of what is behind the end are zero where both factors are. */
  matmul: {
    along: () => true,
    handle(op, graph) {
      const [a, b] = op.operands as [Value, Value];
      if (a.type.quant || b.type.quant) throw new Unbounded("sums quantised products along it; dequantise first");
      const [left, right] = [graph.zeroed(a, [a.type.shape.length - 1]), graph.zeroed(b, [Math.max(0, b.type.shape.length - 2)])];
      graph.set(op.result, graph.copy(op, [left, right])[0]!);
    },
  },

  /** Sorted to the end: they stand behind all others. */
  topK: {
    along: ofAxis,
    handle(op, graph) {
      const x = op.operands[0]!;
      graph
        .copy(op, [graph.masked(x, [axisOf(op)], farthest(op.attrs["largest"] === true, x.type.dtype))])
        .forEach((value, i) => graph.set(op.results[i]!, value));
    },
  },

  sort: {
    along: ofAxis,
    handle(op, graph) {
      const x = op.operands[0]!;
      graph
        .copy(op, [graph.masked(x, [axisOf(op)], farthest(op.attrs["descending"] === true, x.type.dtype))])
        .forEach((value, i) => graph.set(op.results[i]!, value));
    },
  },
};

/** Means over what is truly there. */
function groups(op: Op, graph: Bounding): void {
  const { b } = graph;
  const [x, scale, bias] = op.operands as [Value, Value | undefined, Value | undefined];
  const whole = graph.at(x).type.shape as readonly number[];
  const count = op.attrs["groups"] as number;
  const [channels, rank] = [whole[1]!, whole.length];
  const inGroups = [whole[0]!, count, channels / count, ...whole.slice(2)];
  const axes = Array.from({ length: rank - 1 }, (_, i) => i + 2);
  const { dtype } = x.type;
  const open = openAxes(x.type).filter((axis) => axis > 1);
  const size = graph.cast(graph.extent(countOf([channels / count, ...x.type.shape.slice(2)])), dtype);
  const mean = (value: Value): Value => b.create(div, { a: b.create(reduce, { x: value }, { kind: "sum", axes }), b: size });
  const parts = graph.reshape(graph.masked(x, open, 0), inGroups);
  const off = b.create(sub, { a: parts, b: mean(parts) });
  const apart = graph.reshape(graph.maskedFrom(graph.reshape(off, whole), x.type, open, 0), inGroups);
  const variance = mean(b.create(mul, { a: apart, b: apart }));
  const epsilon = b.create(constant, {}, { value: tensor(dtype, [], [op.attrs["epsilon"] as number]) });
  const deviation = b.create(sqrt, { x: b.create(add, { a: variance, b: epsilon }) });
  const even = graph.reshape(b.create(div, { a: apart, b: deviation }), whole);
  const each = (value: Value): Value => graph.reshape(graph.at(value), [channels, ...whole.slice(2).map(() => 1)]);
  const scaled = scale ? b.create(mul, { a: even, b: each(scale) }) : even;
  graph.set(op.result, bias ? b.create(add, { a: scaled, b: each(bias) }) : scaled);
}

function ofAxis(op: Op, _operand: number, axis: number): boolean {
  return axis === axisOf(op);
}

function exponentials(op: Op, graph: Bounding): void {
  const x = op.operands[0]!;
  graph.set(op.result, graph.copy(op, [graph.masked(x, [axisOf(op)], -Infinity)])[0]!);
}

/** The sum over the true number of elements. */
function mean(op: Op, graph: Bounding, axes: readonly number[]): Value {
  const x = op.operands[0]!;
  if (!isFloat(x.type.dtype)) throw new Unbounded("is a mean of integers along it; cast to float first");
  const sum = graph.b.create(reduce, { x: graph.masked(x, axes, 0) }, { ...op.attrs, kind: "sum" });
  const count = graph.cast(graph.extent(countOf(axesOf(op).map((axis) => x.type.shape[axis]!))), x.type.dtype);
  return graph.b.create(div, { a: sum, b: count });
}

/** What changes nothing about a reduction of this kind. */
function neutral(kind: string, dtype: DType): number | bigint {
  const whole = (value: number | bigint): number | bigint => (isWide(dtype) ? BigInt(value) : Number(value));
  switch (kind) {
    case "prod":
    case "all":
      return whole(1);
    case "max":
      return isFloat(dtype) ? -Infinity : edge(dtype, 0);
    case "min":
      return isFloat(dtype) ? Infinity : edge(dtype, 1);
    case "logSumExp":
      return -Infinity;
    default:
      return whole(0);
  }
}

/** What is sorted to the end; NaN is greatest. */
function farthest(descending: boolean, dtype: DType): number | bigint {
  return descending ? neutral("max", dtype) : isFloat(dtype) ? NaN : edge(dtype, 1);
}

function edge(dtype: DType, side: 0 | 1): number | bigint {
  if (dtype === "i64") return side === 0 ? -(2n ** 63n) : 2n ** 63n - 1n;
  if (dtype === "u64") return side === 0 ? 0n : 2n ** 64n - 1n;
  return integerRange(dtype)[side];
}
