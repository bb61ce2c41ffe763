import { boundsOf, dimOf, equalDims } from "../../ir/dims.ts";
import type { Value } from "../../ir/graph.ts";
import { add, max, sub } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { shapeOf as extentsOf } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { span } from "../../ir/ops/span.ts";
import { slice } from "../../ir/ops/movement.ts";
import { printDim } from "../../ir/text/types.ts";
import { isStatic, type Dim } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { castTo, range, reshapeTo, sliceAxis } from "./rearrange.ts";
import { rankOf } from "./static-shape.ts";

/** Slice of a tensor whose length a run tells, or from and to places that it tells. */
export function isOpenSlice(c: NodeContext, x: Value): boolean {
  if (!isStatic(x.type)) return true;
  return c.opset >= 10 && ((c.operand(1) !== undefined && !c.isKnown(1)) || (c.operand(2) !== undefined && !c.isKnown(2)));
}

/** What a slice takes of an axis whose length is known. Places count from the end where they are negative, and are cut to what there is. */
export function cutOf(dim: number, from: number, to: number, step: number): { start: number; size: number; step: number } {
  const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + dim : at, low), high);
  const start = clamp(from);
  const size = Math.max(0, Math.ceil((clamp(to) - start) / step));
  // One element needs no step, and a step of 2^53 no room.
  return { start: size === 0 ? 0 : start, size, step: size <= 1 ? 1 : step };
}

/** Axis by axis: those with known length and places as ever, the others as spans. */
export function importOpenSlice(c: NodeContext, x: Value): Value {
  const [starts, ends] = [bounds(c, 1, "starts"), bounds(c, 2, "ends")];
  const old = c.opset < 10;
  const axes = c.axes((old ? c.ints("axes") : c.constantInts(3, "axes")) ?? range(starts.length), rankOf(x));
  const steps = (old ? undefined : c.constantInts(4, "steps")) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    c.fail(`has ${starts.length} starts, ${ends.length} ends, ${axes.length} axes, ${steps.length} steps`);
  return axes.reduce((value, axis, i) => {
    const dim = value.type.shape[axis]!;
    const [start, end] = [starts[i]!, ends[i]!];
    if (typeof dim === "number" && typeof start === "number" && typeof end === "number")
      return known(c, value, axis, cutOf(dim, start, end, steps[i]! || c.fail("has a step of 0")));
    if (steps[i] !== 1) c.fail(`has a step of ${steps[i]} over a length that only a run tells`, { kind: "dataDependent" });
    return spanned(c, value, axis, dim, start, end);
  }, x);
}

/** A place: a number, a length that symbols tell with the value that it has in a run, or that value alone. */
type Bound = number | { readonly value: Value; readonly dim?: Dim };

/** Numbers where they are known, else one i64 each. */
function bounds(c: NodeContext, index: number, what: string): readonly Bound[] {
  if (c.opset < 10) return c.required(what, c.ints(what));
  const value = c.need(index, what);
  if (c.isKnown(index)) return c.constantInts(index, what)!;
  const [count] = value.type.shape;
  if (typeof count !== "number" || rankOf(value) !== 1) c.fail(`has ${what} of a length that only data tell`, { kind: "dataDependent" });
  const dims = c.dimsIn(value);
  return Array.from({ length: count as number }, (_, i): Bound => {
    const dim = dims?.[i];
    if (typeof dim === "number") return dim;
    return { value: reshapeTo(c.b, castTo(c.b, sliceAxis(c.b, value, 0, i, 1), "i64"), []), ...(dim === undefined ? {} : { dim }) };
  });
}

function known(c: NodeContext, x: Value, axis: number, { start, size, step }: ReturnType<typeof cutOf>): Value {
  if (step === 1) return sliceAxis(c.b, x, axis, start, size);
  const { shape } = x.type;
  const only = (n: number, other: number): number[] => shape.map((_, i) => (i === axis ? n : other));
  const sizes = shape.map((dim, i) => (i === axis ? size : typeof dim === "number" ? dim : -1));
  return c.b.create(slice, { x }, { starts: only(start, 0), sizes, steps: only(step, 1) });
}

function spanned(c: NodeContext, x: Value, axis: number, dim: Dim, start: Bound, end: Bound): Value {
  const length = knownLength(dim, start, end);
  if (length !== undefined && start === 0 && equalDims(length, dim)) return x;
  const attrs = { axis, extent: length === undefined || typeof length === "number" ? `${c.lengthName}.${axis}` : printDim(length) };
  if (start === 0 && typeof end === "number" && end >= 0) {
    // Behind every end there can be, all of it is meant.
    return end >= Number.MAX_SAFE_INTEGER ? x : c.b.create(span, { x, length: c.scalar("i64", end) }, attrs);
  }
  const [from, to] = [fromFront(c, x, axis, dim, start), fromFront(c, x, axis, dim, end)];
  const count = c.b.create(sub, { a: to, b: from });
  return c.b.create(span, { x, length: count, ...(start === 0 ? {} : { start: from }) }, attrs);
}

/** What is left of an axis between two places, where symbols tell; undefined where it hangs on other data, or on which is the larger. */
function knownLength(dim: Dim, start: Bound, end: Bound): Dim | undefined {
  const place = (bound: Bound): Dim | undefined => {
    const at = typeof bound === "number" ? bound : bound.dim;
    if (at === undefined) return undefined;
    if (typeof at === "number" && at >= Number.MAX_SAFE_INTEGER) return dim;
    const fromFront = typeof at === "number" && at < 0 ? dimOf("add", dim, at) : at;
    const inside = dimOf("min", dimOf("max", fromFront, 0), dim);
    return typeof inside === "number" || !holdsChoice(inside) ? inside : undefined;
  };
  const [from, to] = [place(start), place(end)];
  if (from === undefined || to === undefined) return undefined;
  const length = dimOf("sub", to, from);
  return boundsOf(length)[0] >= 0 ? length : undefined;
}

function holdsChoice(dim: Dim): boolean {
  if (typeof dim === "number" || dim.kind === "symbol") return false;
  return dim.operator === "min" || dim.operator === "max" || holdsChoice(dim.left) || holdsChoice(dim.right);
}

/** A place counted from the front, not below 0. */
function fromFront(c: NodeContext, x: Value, axis: number, dim: Dim, at: Bound): Value {
  if (typeof at === "number" && at >= 0) return c.scalar("i64", at);
  const place = typeof at === "number" ? c.scalar("i64", at) : at.value;
  const there =
    typeof dim === "number" ? c.scalar("i64", dim) : c.b.create(gather, { x: c.b.create(extentsOf, { x }), indices: c.scalar("i64", axis) }, { axis: 0 });
  const zero = c.scalar("i64", 0);
  const counted = c.b.create(select, { condition: c.b.create(less, { a: place, b: zero }), a: c.b.create(add, { a: place, b: there }), b: place });
  return c.b.create(max, { a: counted, b: zero });
}
