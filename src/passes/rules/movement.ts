import { gather } from "../../ir/ops/gather.ts";
import { broadcast, concat, pad, reshape, slice, transpose } from "../../ir/ops/movement.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { equalTypes } from "../../ir/types.ts";
import { constantOf, isOnlyUse, onlyUse, op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const indices = constantOf();
const innerReshape = op(reshape, { x });
const outerReshape = op(reshape, { x: innerReshape });
const anyReshape = op(reshape, { x });
const betweenReshapes = op(transpose, { x: onlyUse(innerReshape) });
const joinedReshape = op(reshape, { x: onlyUse(betweenReshapes) });
const innerTranspose = op(transpose, { x });
const outerTranspose = op(transpose, { x: innerTranspose });
const anyTranspose = op(transpose, { x });
const anyBroadcast = op(broadcast, { x });
const anySlice = op(slice, { x });
const innerSlice = op(slice, { x });
const outerSlice = op(slice, { x: innerSlice });
const anyPad = op(pad, { x });
const innerConcat = op(concat);
const partSlice = op(slice, { x: innerConcat });
const anyConcat = op(concat);
const picked = op(gather, { x, indices });

const axisOf = (at: Op): number => {
  const axis = at.attrs["axis"] as number;
  return axis < 0 ? axis + at.result.type.shape.length : axis;
};

/** Quantised with a scale for each place along an axis. */
const isAlongAxis = (at: Value): boolean => (at.type.quant?.scale.length ?? 1) > 1;

/** The axes of `from` that each axis of `to` joins; undefined where some axis is cut. */
function joinedAxes(from: readonly number[], to: readonly number[]): readonly (readonly number[])[] | undefined {
  if (from.includes(0)) return undefined;
  const groups: number[][] = [];
  let next = 0;
  for (const extent of to) {
    const group: number[] = [];
    for (let count = 1; count < extent; count *= from[next++]!) group.push(next);
    if (group.reduce((count, axis) => count * from[axis]!, 1) !== extent) return undefined;
    groups.push(group);
  }
  // Axes of extent 1 at the end belong to none.
  const rest = from.map((_, axis) => axis).slice(next);
  return groups.length === 0 ? undefined : groups.map((group, i) => (i === groups.length - 1 ? [...group, ...rest] : group));
}

export const movementRules: readonly Rule[] = [
  // reshape(reshape(x)) == reshape(x)
  rule("reshape-of-reshape", outerReshape, (m, b) => b.create(reshape, { x: m.get(x) }, { shape: m.get(outerReshape).attrs.shape })),
  // reshape to the same shape changes nothing
  rule("reshape-nothing", anyReshape, (m) => (equalTypes(m.get(x).type, m.value(anyReshape).type) ? m.get(x) : undefined)),
  // transpose(transpose(x, p), q) == transpose(x, p∘q)
  rule("transpose-of-transpose", outerTranspose, (m, b) => {
    const inner = m.get(innerTranspose).attrs.perm;
    return b.create(transpose, { x: m.get(x) }, { perm: m.get(outerTranspose).attrs.perm.map((axis) => inner[axis]!) });
  }),
  // the identity permutation changes nothing
  rule("transpose-nothing", anyTranspose, (m) => (m.get(anyTranspose).attrs.perm.every((axis, i) => axis === i) ? m.get(x) : undefined)),
  // a transpose that keeps the order of all axes longer than 1 is a reshape
  rule("transpose-is-reshape", anyTranspose, (m, b) => {
    const { perm } = m.get(anyTranspose).attrs;
    const shape = m.get(x).type.shape;
    const moved = perm.filter((axis) => shape[axis] !== 1);
    const identity = perm.every((axis, i) => axis === i);
    return !identity && moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)
      ? b.create(reshape, { x: m.get(x) }, { shape: perm.map((axis) => shape[axis] as number) })
      : undefined;
  }),
  // broadcast to the same shape changes nothing
  rule("broadcast-nothing", anyBroadcast, (m) => (equalTypes(m.get(x).type, m.value(anyBroadcast).type) ? m.get(x) : undefined)),
  // transpose(reshape(x)) == reshape(transpose(x)), where the reshape only joins neighbours, in front of another reshape
  rule("transpose-between-reshapes", joinedReshape, (m, b) => {
    const from = m.get(x).type.shape as readonly number[];
    const groups = joinedAxes(from, m.value(innerReshape).type.shape as readonly number[]);
    if (!groups || isAlongAxis(m.get(x))) return undefined;
    const turned = b.create(transpose, { x: m.get(x) }, { perm: m.get(betweenReshapes).attrs.perm.flatMap((axis) => groups[axis]!) });
    return b.create(reshape, { x: turned }, { shape: m.get(joinedReshape).attrs.shape });
  }),
  // a slice of everything, in order, changes nothing
  rule("slice-nothing", anySlice, (m) =>
    equalTypes(m.get(x).type, m.value(anySlice).type) && m.get(anySlice).attrs.steps.every((step, i) => step === 1 || m.get(x).type.shape[i] === 1)
      ? m.get(x)
      : undefined,
  ),
  // slice(slice(x)) == slice(x)
  rule("slice-of-slice", outerSlice, (m, b) => {
    const [inner, outer] = [m.get(innerSlice).attrs, m.get(outerSlice).attrs];
    return b.create(
      slice,
      { x: m.get(x) },
      {
        starts: outer.starts.map((start, i) => inner.starts[i]! + start * inner.steps[i]!),
        steps: outer.steps.map((step, i) => step * inner.steps[i]!),
        sizes: m.value(outerSlice).type.shape as readonly number[],
      },
    );
  }),
  // slice(concat(a, b)) == slice(a), where it reads nothing of b
  rule("slice-of-concat", partSlice, (m, b) => {
    const joined = m.get(innerConcat);
    const { starts, steps } = m.get(partSlice).attrs;
    const sizes = m.value(partSlice).type.shape as readonly number[];
    const axis = axisOf(joined);
    const [first, last] = [starts[axis]!, starts[axis]! + (sizes[axis]! - 1) * steps[axis]!];
    let before = 0;
    for (const part of joined.operands as readonly Value[]) {
      const extent = part.type.shape[axis] as number;
      const inside = (at: number): boolean => at >= before && at < before + extent;
      if (inside(first) && inside(last))
        return b.create(slice, { x: part }, { starts: starts.map((start, i) => (i === axis ? start - before : start)), sizes, steps });
      before += extent;
    }
    return undefined;
  }),
  // a pad of nothing changes nothing
  rule("pad-nothing", anyPad, (m) => (equalTypes(m.get(x).type, m.value(anyPad).type) ? m.get(x) : undefined)),
  // concat(x) == x
  rule("concat-of-one", anyConcat, (m) => (m.get(anyConcat).operands.length === 1 ? m.get(anyConcat).operands[0] : undefined)),
  // concat(concat(a, b), c) == concat(a, b, c) along one axis
  rule("concat-of-concat", anyConcat, (m, b) => {
    const at = m.get(anyConcat);
    const parts = at.operands as readonly Value[];
    const isInner = (part: Value): boolean => part.producer?.def === concat && isOnlyUse(part) && axisOf(part.producer) === axisOf(at);
    if (!parts.some(isInner)) return undefined;
    return b.create(concat, { xs: parts.flatMap((part) => (isInner(part) ? (part.producer!.operands as Value[]) : [part])) }, { axis: axisOf(at) });
  }),
  // concat of the slices that x was cut into == x
  rule("concat-of-slices", anyConcat, (m) => {
    const at = m.get(anyConcat);
    const axis = axisOf(at);
    const parts = (at.operands as readonly Value[]).map((part) => part.producer);
    const whole = parts[0]?.operands[0];
    if (!whole || !equalTypes(whole.type, at.result.type)) return undefined;
    let before = 0;
    for (const part of parts) {
      if (part?.def !== slice || part.operands[0] !== whole) return undefined;
      const { starts, steps } = part.attrs as { readonly starts: readonly number[]; readonly steps: readonly number[] };
      const sizes = part.result.type.shape as readonly number[];
      const next = starts.every((start, i) => start === (i === axis ? before : 0)) && steps.every((step, i) => step === 1 || sizes[i] === 1);
      if (!next) return undefined;
      before += sizes[axis]!;
    }
    return whole;
  }),
  // gather at one constant index == slice, reshaped
  rule("gather-one", picked, (m, b) => {
    const { axis } = m.get(picked).attrs;
    const shape = m.get(x).type.shape as readonly number[];
    const at = axis < 0 ? axis + shape.length : axis;
    const tensor = m.get(indices);
    if (tensor.data.length !== 1) return undefined;
    const index = Number(tensor.data[0]);
    const start = index < 0 ? index + shape[at]! : index;
    // Where the index points nowhere, the gather is left to fail as it would.
    if (start < 0 || start >= shape[at]!) return undefined;
    const part = b.create(
      slice,
      { x: m.get(x) },
      {
        starts: shape.map((_, i) => (i === at ? start : 0)),
        sizes: shape.map((dim, i) => (i === at ? 1 : dim)),
        steps: shape.map(() => 1),
      },
    );
    return b.create(reshape, { x: part }, { shape: m.value(picked).type.shape as readonly number[] });
  }),
];
