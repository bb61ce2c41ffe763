import { isStatic } from "../../../ir/types.ts";
import { boundsOf, countOf } from "../../../ir/dims.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { nonMaxSuppression } from "../../../ir/ops/non-max-suppression.ts";
import { compress, nonZero, unique } from "../../../ir/ops/selection.ts";
import { slice } from "../../../ir/ops/movement.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor, type Tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { castTo, product, reshapeTo } from "../rearrange.ts";
import { rankOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators that give as much as their data say; where the data are constant, so is the length. */
export const FOUND: OperatorTable = {
  Compress: since(9, importCompress),
  NonMaxSuppression: since(10, importNonMaxSuppression),
  NonZero: since(9, importNonZero),
  Unique: since(11, importUnique),
};

export const MICROSOFT_FOUND: OperatorTable = {
  Unique: since(1, importUniqueInOrder),
};

/** Elements at which a condition holds. */
function importCompress(c: NodeContext): Value {
  const given = c.int("axis");
  const x = c.need(0, "input");
  const condition = c.need(1, "condition");
  const known = c.constant(condition);
  const flat = given === undefined && (known !== undefined || !isStatic(x.type)) ? reshapeTo(c.b, x, [countOf(x.type.shape)]) : undefined;
  if (known) return kept(c, flat ?? x, given ?? 0, known);
  const axis = given === undefined ? 0 : c.axis(given, rankOf(x));
  const length = given === undefined ? countOf(x.type.shape) : x.type.shape[axis]!;
  const attrs = { flat: given === undefined && !flat, axis, extent: c.lengthName };
  return c.b.create(compress, { x: flat ?? x, condition: cutTo(c, condition, length) }, attrs);
}

/** A condition may be longer than what it is for, where it does not hold there. */
function cutTo(c: NodeContext, condition: Value, length: Value["type"]["shape"][number]): Value {
  const [count] = condition.type.shape;
  if (rankOf(condition) !== 1) c.fail(`has a condition of rank ${rankOf(condition)}, wanted 1`, { reason: "rank", nearest: "a condition of rank 1" });
  if (typeof count !== "number" || typeof length !== "number" || count <= length) return condition;
  return c.b.create(slice, { x: condition }, { starts: [0], sizes: [length], steps: [1] });
}

function kept(c: NodeContext, x: Value, givenAxis: number, condition: Tensor): Value {
  const axis = c.axis(givenAxis, rankOf(x));
  const places = Array.from(condition.data as ArrayLike<number>).flatMap((holds, i) => (holds ? [i] : []));
  const least = boundsOf(x.type.shape[axis]!)[0];
  if ((places.at(-1) ?? 0) >= Math.max(1, least)) c.fail(`keeps element ${places.at(-1)} of ${least}`);
  return c.b.create(gather, { x, indices: c.vector("i64", places) }, { axis });
}

/** Places of elements that are not zero. */
function importNonZero(c: NodeContext): Value {
  const x = c.need(0, "X");
  const known = c.constant(x);
  if (!known) return c.b.create(nonZero, { x }, { extent: c.lengthName });
  c.budget(known.data.length);
  return c.value(placesOf(known));
}

function placesOf(x: Tensor): Tensor {
  const { shape } = x.type;
  const flat = Array.from(x.data as ArrayLike<number | bigint>).flatMap((value, i) => (Number(value) !== 0 ? [i] : []));
  const places = shape.map((dim, axis) => {
    const stride = product(shape.slice(axis + 1));
    return flat.map((i) => Math.floor(i / stride) % dim);
  });
  return tensor("i64", [shape.length, flat.length], places.flat());
}

function importUnique(c: NodeContext): readonly Value[] {
  const x = c.need(0, "X");
  const axis = c.int("axis");
  const attrs = { flat: axis === undefined, axis: axis === undefined ? 0 : c.axis(axis, rankOf(x)), sorted: c.flag("sorted", true), extent: c.lengthName };
  return c.b.createAll(unique, { x }, attrs);
}

/** Distinct elements of a vector as they come first, with the place of each element among them, and how often each is there. */
function importUniqueInOrder(c: NodeContext): readonly (Value | undefined)[] {
  const x = c.need(0, "x");
  if (rankOf(x) !== 1) c.fail(`has an input of rank ${rankOf(x)}, wanted 1`, { reason: "rank", nearest: "an input of rank 1" });
  const [values, , inverse, counts] = c.b.createAll(unique, { x }, { sorted: false, extent: c.lengthName });
  return [values, inverse, counts];
}

/** Without a number of boxes none are taken. */
function importNonMaxSuppression(c: NodeContext): Value {
  const center = c.int("center_point_box", 0);
  if (center !== 0 && center !== 1) c.fail(`has center_point_box = ${center}, wanted 0 or 1`);
  const [boxes, scores] = [c.need(0, "boxes"), c.need(1, "scores")];
  const most = c.operand(2) ? castTo(c.b, c.need(2, "max_output_boxes_per_class"), "i64") : c.scalar("i64", 0);
  const attrs = { center: center === 1, extent: c.lengthName };
  return c.b.create(nonMaxSuppression, { boxes, scores, most, iou: c.operand(3), least: c.operand(4) }, attrs);
}
