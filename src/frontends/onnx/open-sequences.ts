import { boundsOf, dimOf, dimSymbol } from "../../ir/dims.ts";
import { shapeText } from "../../ir/broadcast.ts";
import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { add, sub } from "../../ir/ops/arithmetic.ts";
import { equal, less } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { concat } from "../../ir/ops/movement.ts";
import { allocate, tensor, type Tensor } from "../../ir/tensor.ts";
import { elementCount, equalShapes, isStatic, type Dim, type TensorType } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { firstOf, lengthAt } from "./longest.ts";
import { castTo, range, reshapeTo, transposeBy, unsqueezeAt } from "./rearrange.ts";
import { OpenSequence, Sequence, type Given } from "./scope.ts";
import { rankOf } from "./static-shape.ts";

type OpenImporter = (c: NodeContext, sequence: OpenSequence) => readonly Given[];

/** Operators over sequences whose length a run tells: their tensors, all of one type, are the slices of one along its first axis. */
const OPERATORS: Readonly<Record<string, OpenImporter>> = {
  ConcatFromSequence: (c, { rows }) => [concatenated(c, rows)],
  SequenceAt: (c, { rows }) => [c.b.create(gather, { x: rows, indices: placeOf(c, 1) }, { axis: 0 })],
  SequenceErase: (c, sequence) => [erased(c, sequence)],
  SequenceInsert: (c, sequence) => [inserted(c, sequence)],
  SequenceLength: (c, { rows }) => [lengthAt(c.b, rows, 0)],
};

/** Undefined where the operator takes none. */
export function openSequenceImporter(operator: string): OpenImporter | undefined {
  return Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
}

/** The tensors of a sequence as slices of one; of an empty one nothing tells the type but `item`. Undefined where they are of several types. */
export function rowsOf(b: Builder, sequence: Sequence | OpenSequence, item: TensorType | undefined): Value | undefined {
  if (sequence instanceof OpenSequence) return sequence.rows;
  const type = sequence.items[0]?.type ?? item;
  if (!type || !sequence.items.every((one) => one.type.dtype === type.dtype && equalShapes(one.type.shape, type.shape))) return undefined;
  if (sequence.items.length > 0) {
    const rows = sequence.items.map((one) => unsqueezeAt(b, one, [0]));
    return rows.length === 1 ? rows[0] : b.create(concat, { xs: rows }, { axis: 0 });
  }
  if (!isStatic(type)) return undefined;
  const shape = [0, ...type.shape];
  return b.create(constant, {}, { value: { type: { dtype: type.dtype, shape }, data: allocate(type.dtype, elementCount(shape)) } as Tensor });
}

/** What each tensor of a sequence is, where it tells. */
export function itemType(sequence: Given | undefined): TensorType | undefined {
  if (sequence instanceof Sequence) return sequence.items[0]?.type;
  return sequence instanceof OpenSequence ? { ...sequence.rows.type, shape: sequence.rows.type.shape.slice(1) } : undefined;
}

/** SplitToSequence along an axis whose length a run tells, into slices of one place each. */
export function splitOpen(c: NodeContext, x: Value, axis: number, keeps: boolean): OpenSequence {
  const rows = transposeBy(c.b, x, [axis, ...range(rankOf(x)).filter((one) => one !== axis)]);
  return new OpenSequence(keeps ? unsqueezeAt(c.b, rows, [axis + 1]) : rows);
}

function concatenated(c: NodeContext, rows: Value): Value {
  const isNew = c.flag("new_axis", false);
  const rank = rankOf(rows) - 1;
  const axis = c.axis(c.required("axis", c.int("axis")), rank + (isNew ? 1 : 0));
  const perm = range(rank).map((one) => one + 1);
  const moved = transposeBy(c.b, rows, [...perm.slice(0, axis), 0, ...perm.slice(axis)]);
  if (isNew) return moved;
  const { shape } = moved.type;
  return reshapeTo(c.b, moved, [...shape.slice(0, axis), dimOf("mul", shape[axis]!, shape[axis + 1]!), ...shape.slice(axis + 2)]);
}

function inserted(c: NodeContext, { rows }: OpenSequence): OpenSequence {
  const value = c.need(1, "tensor");
  const [, ...item] = rows.type.shape;
  if (value.type.dtype !== rows.type.dtype) c.fail(`inserts ${value.type.dtype} into a sequence of ${rows.type.dtype}`, { kind: "type" });
  if (!equalShapes(value.type.shape, item))
    c.fail(`inserts ${shapeText(value.type.shape)} into a sequence of ${shapeText(item)}, and how long that is hangs on the model's inputs`, {
      kind: "dataDependent",
    });
  const all = c.b.create(concat, { xs: [rows, unsqueezeAt(c.b, value, [0])] }, { axis: 0 });
  if (!c.operand(2)) return new OpenSequence(all);
  // The new one stands last; it goes to its place, and those from there on one further.
  const count = lengthAt(c.b, rows, 0);
  const place = fromFront(c, placeOf(c, 2), count);
  const at = placesAlong(c, all.type.shape[0]!, c.b.create(add, { a: count, b: c.scalar("i64", 1) }));
  const behind = c.b.create(select, { condition: c.b.create(equal, { a: at, b: place }), a: count, b: c.b.create(sub, { a: at, b: c.scalar("i64", 1) }) });
  const from = c.b.create(select, { condition: c.b.create(less, { a: at, b: place }), a: at, b: behind });
  return new OpenSequence(c.b.create(gather, { x: all, indices: from }, { axis: 0 }));
}

function erased(c: NodeContext, { rows }: OpenSequence): OpenSequence {
  const count = lengthAt(c.b, rows, 0);
  const left = c.b.create(sub, { a: count, b: c.scalar("i64", 1) });
  const [dim] = rows.type.shape;
  const [low, high] = boundsOf(dim!);
  const after = low > 0 ? dimOf("sub", dim!, 1) : dimSymbol(c.lengthName, 0, Math.max(0, high - 1));
  if (!c.operand(1)) return new OpenSequence(firstOf(c.b, rows, 0, left, after));
  const place = fromFront(c, placeOf(c, 1), count);
  const at = placesAlong(c, after, left);
  const from = c.b.create(select, { condition: c.b.create(less, { a: at, b: place }), a: at, b: c.b.create(add, { a: at, b: c.scalar("i64", 1) }) });
  return new OpenSequence(c.b.create(gather, { x: rows, indices: from }, { axis: 0 }));
}

/** 0, 1, 2 … up to a length. */
function placesAlong(c: NodeContext, dim: Dim, length: Value): Value {
  const most = boundsOf(dim)[1];
  c.budget(most);
  return firstOf(c.b, c.value(tensor("i64", [most], range(most).map(BigInt))), 0, length, dim);
}

function placeOf(c: NodeContext, index: number): Value {
  return castTo(c.b, reshapeTo(c.b, c.need(index, "position"), []), "i64");
}

function fromFront(c: NodeContext, place: Value, length: Value): Value {
  const isBack = c.b.create(less, { a: place, b: c.scalar("i64", 0) });
  return c.b.create(select, { condition: isBack, a: c.b.create(add, { a: place, b: length }), b: place });
}
