import type { Value } from "../../ir/graph.ts";
import { add, max, sub } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { shapeOf as extentsOf } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { span } from "../../ir/ops/span.ts";
import { isStatic, type Dim } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { castTo, range, reshapeTo, sliceAxis } from "./rearrange.ts";
import { rankOf } from "./static-shape.ts";

/** Slice of a tensor whose length data decide, or from and to places that they decide. */
export function isOpenSlice(c: NodeContext, x: Value): boolean {
  return c.opset >= 10 && (!isStatic(x.type) || (c.operand(1) !== undefined && !c.isKnown(1)) || (c.operand(2) !== undefined && !c.isKnown(2)));
}

/** Axis by axis: those with known length and places as ever, the others as spans. */
export function importOpenSlice(c: NodeContext, x: Value): Value {
  const [starts, ends] = [bounds(c, 1, "starts"), bounds(c, 2, "ends")];
  const axes = c.axes(c.constantInts(3, "axes") ?? range(starts.length), rankOf(x));
  const steps = c.constantInts(4, "steps") ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    c.fail(`has ${starts.length} starts, ${ends.length} ends, ${axes.length} axes, ${steps.length} steps`);
  return axes.reduce((value, axis, i) => {
    const dim = value.type.shape[axis]!;
    const [start, end] = [starts[i]!, ends[i]!];
    if (steps[i] !== 1) c.fail(`has a step of ${steps[i]} over a length that only data tell`, { kind: "dataDependent" });
    if (typeof dim === "number" && typeof start === "number" && typeof end === "number") return known(c, value, axis, dim, start, end);
    return spanned(c, value, axis, dim, start, end);
  }, x);
}

type Bound = number | Value;

/** Numbers where they are known, else one i64 each. */
function bounds(c: NodeContext, index: number, what: string): readonly Bound[] {
  const value = c.need(index, what);
  if (c.isKnown(index)) return c.constantInts(index, what)!;
  const [count] = value.type.shape;
  if (typeof count !== "number" || rankOf(value) !== 1) c.fail(`has ${what} of a length that only data tell`, { kind: "dataDependent" });
  const dims = c.dimsIn(value);
  return Array.from({ length: count as number }, (_, i): Bound => {
    const dim = dims?.[i];
    return typeof dim === "number" ? dim : reshapeTo(c.b, castTo(c.b, sliceAxis(c.b, value, 0, i, 1), "i64"), []);
  });
}

function known(c: NodeContext, x: Value, axis: number, dim: number, start: number, end: number): Value {
  const inside = (at: number): number => Math.min(Math.max(at < 0 ? at + dim : at, 0), dim);
  return sliceAxis(c.b, x, axis, inside(start), Math.max(0, inside(end) - inside(start)));
}

function spanned(c: NodeContext, x: Value, axis: number, dim: Dim, start: Bound, end: Bound): Value {
  const attrs = { axis, extent: `${c.lengthName}.${axis}` };
  if (start === 0 && typeof end === "number" && end >= 0) {
    // Behind every end there can be, all of it is meant.
    return end >= Number.MAX_SAFE_INTEGER ? x : c.b.create(span, { x, length: c.scalar("i64", end) }, attrs);
  }
  const [from, to] = [fromFront(c, x, axis, dim, start), fromFront(c, x, axis, dim, end)];
  const length = c.b.create(sub, { a: to, b: from });
  return c.b.create(span, { x, length, ...(start === 0 ? {} : { start: from }) }, attrs);
}

/** A place counted from the front, not below 0. */
function fromFront(c: NodeContext, x: Value, axis: number, dim: Dim, at: Bound): Value {
  if (typeof at === "number" && at >= 0) return c.scalar("i64", at);
  const place = typeof at === "number" ? c.scalar("i64", at) : at;
  const there =
    typeof dim === "number" ? c.scalar("i64", dim) : c.b.create(gather, { x: c.b.create(extentsOf, { x }), indices: c.scalar("i64", axis) }, { axis: 0 });
  const zero = c.scalar("i64", 0);
  const counted = c.b.create(select, { condition: c.b.create(less, { a: place, b: zero }), a: c.b.create(add, { a: place, b: there }), b: place });
  return c.b.create(max, { a: counted, b: zero });
}
