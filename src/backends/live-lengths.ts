/**
 * How far along its axes a tensor is looked at. Bounded graphs compute with tensors as long as they can get; ends and masks say from
 * where on nobody looks. This is found backwards, from readers to what they read, on the graph as it is lowered.
 */
import type { Graph, Op, Value } from "../ir/graph.ts";
import type { StaticType } from "../ir/types.ts";
import { constantTensor } from "../passes/constants.ts";

/** Only places below `factor * length + offset` of the axis are looked at; `length` is an i32 of at most `most`. */
export interface LiveAxis {
  readonly axis: number;
  readonly length: Value;
  readonly most: number;
  readonly factor: number;
  readonly offset: number;
}

/** One entry an axis at most; axes without are looked at as a whole. */
export type LiveAxes = readonly LiveAxis[];

/** The values of a graph that are not looked at as a whole. Regions count as one reader. */
export function liveLengths(graph: Graph): ReadonlyMap<Value, LiveAxes> {
  const wanted = new Wanted();
  for (const value of graph.outputs) wanted.read(value, []);
  for (const op of graph.ops.toReversed()) {
    if (op.name === "return" || op.name === "constant") continue;
    op.operands.forEach((value, i) => value && wanted.read(value, op.results.length === 1 ? needOf(op, i, wanted.of(op.result)) : []));
  }
  return new Map([...wanted.axes].filter(([, axes]) => axes.length > 0));
}

/** What the readers of each value want of it, all together. */
class Wanted {
  readonly axes = new Map<Value, LiveAxes>();

  of(value: Value): LiveAxes {
    return this.axes.get(value) ?? [];
  }

  read(value: Value, axes: LiveAxes): void {
    const before = this.axes.get(value);
    this.axes.set(value, before ? joined(before, axes) : axes);
  }
}

function joined(a: LiveAxes, b: LiveAxes): LiveAxes {
  return a.flatMap((one) => {
    const other = b.find(({ axis, length, factor }) => axis === one.axis && length === one.length && factor === one.factor);
    return other ? [other.offset > one.offset ? other : one] : [];
  });
}

/** What an op looks at of an operand, if of its result only `axes` are. */
function needOf(op: Op, index: number, axes: LiveAxes): LiveAxes {
  const operand = op.operands[index]!;
  if (op.name === "fused") return needInside(op, index, axes);
  if (op.def.elementwise) return withMask(elementwise(op, operand, axes), op, index, (value) => value);
  return TRANSFERS[op.name]?.(op, index, axes) ?? [];
}

type Transfer = (op: Op, index: number, axes: LiveAxes) => LiveAxes;

const sameAxes: Transfer = (_op, index, axes) => (index === 0 ? axes : []);

/** All axes but those that the op reads along. */
const butAxes =
  (along: (op: Op) => readonly number[]): Transfer =>
  (op, index, axes) =>
    index === 0 ? axes.filter(({ axis }) => !along(op).includes(axis)) : [];

const onAxis = (op: Op): readonly number[] => [fromFront(op.attrs["axis"] as number, op)];
const fromAxis = (op: Op): readonly number[] => {
  const first = fromFront(op.attrs["axis"] as number, op);
  return rankOf(op.operands[0]!).filter((axis) => axis >= first);
};

const TRANSFERS: Readonly<Record<string, Transfer>> = {
  cast: sameAxes,
  quantise: sameAxes,
  dequantise: sameAxes,
  softmax: butAxes(onAxis),
  logSoftmax: butAxes(onAxis),
  layerNorm: butAxes(fromAxis),
  rmsNorm: butAxes(fromAxis),
  zeroTail(op, index, axes) {
    if (index !== 0) return [];
    const axis = fromFront(op.attrs["axis"] as number, op);
    const most = (op.operands[0]!.type as StaticType).shape[axis]!;
    return [...axes.filter((one) => one.axis !== axis), { axis, length: op.operands[1]!, most, factor: 1, offset: 0 }];
  },
  transpose: (op, _index, axes) => axes.map((one) => ({ ...one, axis: (op.attrs["perm"] as readonly number[])[one.axis]! })),
  reshape(op, _index, axes) {
    const [from, to] = [(op.operands[0]!.type as StaticType).shape, (op.result.type as StaticType).shape];
    return axes.flatMap((one) => {
      const axis = from.findIndex((dim, i) => dim === to[one.axis] && before(from, i) === before(to, one.axis));
      return axis < 0 ? [] : [{ ...one, axis }];
    });
  },
  concat: (op, _index, axes) => axes.filter(({ axis }) => axis !== fromFront(op.attrs["axis"] as number, op)),
  gather(op, index, axes) {
    const [first, width] = [fromFront(op.attrs["axis"] as number, op), op.operands[1]!.type.shape.length];
    return axes.flatMap((one) => {
      const isPlace = one.axis >= first && one.axis < first + width;
      if (isPlace !== (index === 1)) return [];
      return [{ ...one, axis: isPlace ? one.axis - first : one.axis < first ? one.axis : one.axis - width + 1 }];
    });
  },
  linear(op, index, axes) {
    if (op.operands[index] === op.operand("residual")) return axes;
    return index === 0 ? axes.filter(({ axis }) => axis < op.result.type.shape.length - 1) : [];
  },
  weightOnlyLinear: (op, index, axes) => (index === 0 ? axes.filter(({ axis }) => axis < op.result.type.shape.length - 1) : []),
  matmul(op, index, axes) {
    const rank = op.result.type.shape.length;
    const shape = (op.operands[index]!.type as StaticType).shape;
    if (shape.length < 2 || rank < 2) return [];
    const own = index === 0 ? rank - 2 : rank - 1;
    return axes.flatMap((one) => {
      const axis = one.axis - rank + shape.length;
      if (axis < 0 || (one.axis >= rank - 2 && one.axis !== own)) return [];
      return shape[axis] === (op.result.type as StaticType).shape[one.axis] ? [{ ...one, axis }] : [];
    });
  },
  attention(op, index, axes) {
    const mask = op.operand("mask");
    const name = (["q", "k", "v"] as const)[index];
    if (name === "q") return axes.filter(({ axis }) => axis < 3);
    const batch = name ? axes.filter(({ axis }) => axis === 0) : [];
    // A key that no query sees is not looked at, not even times 0.
    const seen = name === "k" && mask ? maskAxis(mask) : undefined;
    return seen && seen.axis === 3 - 4 + mask!.type.shape.length ? [...batch, { ...seen, axis: 2 }] : batch;
  },
  conv(op, index, axes) {
    if (op.operands[index] === op.operand("residual")) return axes;
    return index === 0 ? underWindows(op, axes, (op.operands[1]!.type as StaticType).shape.slice(2)) : [];
  },
  pool: (op, _index, axes) => [...axes.filter(({ axis }) => axis === 1), ...underWindows(op, axes, op.attrs["kernel"] as readonly number[])],
  reduce(op, _index, axes) {
    const reduced = (op.attrs["axes"] as readonly number[]).map((axis) => fromFront(axis, op));
    const kept = rankOf(op.operands[0]!).filter((axis) => op.attrs["keepDims"] !== false || !reduced.includes(axis));
    return axes.flatMap((one) => (reduced.includes(kept[one.axis]!) ? [] : [{ ...one, axis: kept[one.axis]! }]));
  },
};

/** Batches as they are; of spatial axes as far as the last window reaches. */
function underWindows(op: Op, axes: LiveAxes, kernel: readonly number[]): LiveAxes {
  const [strides, pads, dilations] = ["strides", "pads", "dilations"].map((name) => op.attrs[name] as readonly number[]) as [number[], number[], number[]];
  return axes.flatMap((one) => {
    if (one.axis === 0) return [one];
    if (one.axis === 1) return [];
    const i = one.axis - 2;
    const stride = strides[i] ?? 1;
    const reach = (kernel[i]! - 1) * (dilations[i] ?? 1) + 1 - (pads[i] ?? 0);
    return [{ ...one, factor: stride * one.factor, offset: (one.offset - 1) * stride + reach }];
  });
}

/** Axes of the result as those of an operand that is broadcast to it. */
function elementwise(op: Op, operand: Value, axes: LiveAxes): LiveAxes {
  const [from, to] = [(operand.type as StaticType).shape, (op.results[0]!.type as StaticType).shape];
  return axes.flatMap((one) => {
    const axis = one.axis - to.length + from.length;
    return axis >= 0 && from[axis] === to[one.axis] ? [{ ...one, axis }] : [];
  });
}

/** A select takes of `a` what its mask lets through. `outer` finds what a parameter of a region stands for. */
function withMask(axes: LiveAxes, op: Op, index: number, outer: (value: Value) => Value): LiveAxes {
  if (op.name !== "select" || index !== 1) return axes;
  const mask = maskAxis(op.operands[0]!, outer);
  if (!mask) return axes;
  const axis = mask.axis - op.operands[0]!.type.shape.length + op.operands[1]!.type.shape.length;
  return (op.operands[1]!.type as StaticType).shape[axis] === mask.most ? [...axes.filter((one) => one.axis !== axis), { ...mask, axis }] : axes;
}

/** `less(0, 1, 2 … along an axis, length)`. */
export function maskAxis(condition: Value, outer: (value: Value) => Value = (value) => value): LiveAxis | undefined {
  const at = outer(condition).producer;
  if (at?.name !== "less") return undefined;
  const [places, length] = at.operands.map((value) => outer(value!)) as [Value, Value];
  const data = constantTensor(places);
  if (!data || length.type.shape.length > 0 || length.type.dtype !== "i32") return undefined;
  const axis = data.type.shape.findIndex((dim) => dim !== 1);
  const most = data.data.length;
  if (axis < 0 || data.type.shape[axis] !== most || !Array.from({ length: most }, (_, i) => Number(data.data[i]) === i).every(Boolean)) return undefined;
  return { axis, length, most, factor: 1, offset: 0 };
}

/** Through the body of a chain of elementwise ops. */
function needInside(op: Op, index: number, axes: LiveAxes): LiveAxes {
  const [body] = op.regions;
  const outer = (value: Value): Value => {
    const at = body!.params.indexOf(value);
    return at < 0 ? value : op.operands[at]!;
  };
  const wanted = new Wanted();
  body!.outputs.forEach((value) => wanted.read(value, axes));
  for (const inner of body!.ops.toReversed()) {
    if (inner.name === "return" || inner.name === "constant") continue;
    const after = inner.def.elementwise || TRANSFERS[inner.name] === sameAxes ? wanted.of(inner.result) : [];
    inner.operands.forEach((value, i) => value && wanted.read(value, withMask(elementwise(inner, value, after), inner, i, outer)));
  }
  return wanted.of(body!.params[index]!);
}

function before(shape: readonly number[], axis: number): number {
  return shape.slice(0, axis).reduce((n, dim) => n * dim, 1);
}

function rankOf(value: Value): readonly number[] {
  return value.type.shape.map((_, axis) => axis);
}

function fromFront(axis: number, op: Op): number {
  return axis < 0 ? axis + op.operands[0]!.type.shape.length : axis;
}
