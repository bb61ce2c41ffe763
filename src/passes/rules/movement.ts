import { gather } from "../../ir/ops/gather.ts";
import { broadcast, concat, pad, reshape, slice, transpose } from "../../ir/ops/movement.ts";
import { equalTypes } from "../../ir/types.ts";
import { constantOf, op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const indices = constantOf();
const innerReshape = op(reshape, { x });
const outerReshape = op(reshape, { x: innerReshape });
const anyReshape = op(reshape, { x });
const innerTranspose = op(transpose, { x });
const outerTranspose = op(transpose, { x: innerTranspose });
const anyTranspose = op(transpose, { x });
const anyBroadcast = op(broadcast, { x });
const anySlice = op(slice, { x });
const innerSlice = op(slice, { x });
const outerSlice = op(slice, { x: innerSlice });
const anyPad = op(pad, { x });
const anyConcat = op(concat);
const picked = op(gather, { x, indices });

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
    return !identity && moved.every((axis, i) => i === 0 || moved[i - 1]! < axis) ? b.create(reshape, { x: m.get(x) }, { shape: perm.map((axis) => shape[axis] as number) }) : undefined;
  }),
  // broadcast to the same shape changes nothing
  rule("broadcast-nothing", anyBroadcast, (m) => (equalTypes(m.get(x).type, m.value(anyBroadcast).type) ? m.get(x) : undefined)),
  // a slice of everything, in order, changes nothing
  rule("slice-nothing", anySlice, (m) => (equalTypes(m.get(x).type, m.value(anySlice).type) && m.get(anySlice).attrs.steps.every((step, i) => step === 1 || m.get(x).type.shape[i] === 1) ? m.get(x) : undefined)),
  // slice(slice(x)) == slice(x)
  rule("slice-of-slice", outerSlice, (m, b) => {
    const [inner, outer] = [m.get(innerSlice).attrs, m.get(outerSlice).attrs];
    return b.create(slice, { x: m.get(x) }, {
      starts: outer.starts.map((start, i) => inner.starts[i]! + start * inner.steps[i]!),
      steps: outer.steps.map((step, i) => step * inner.steps[i]!),
      sizes: outer.sizes,
    });
  }),
  // a pad of nothing changes nothing
  rule("pad-nothing", anyPad, (m) => (equalTypes(m.get(x).type, m.value(anyPad).type) ? m.get(x) : undefined)),
  // concat(x) == x
  rule("concat-of-one", anyConcat, (m) => (m.get(anyConcat).operands.length === 1 ? m.get(anyConcat).operands[0] : undefined)),
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
    const part = b.create(slice, { x: m.get(x) }, {
      starts: shape.map((_, i) => (i === at ? start : 0)),
      sizes: shape.map((dim, i) => (i === at ? 1 : dim)),
      steps: shape.map(() => 1),
    });
    return b.create(reshape, { x: part }, { shape: m.value(picked).type.shape as readonly number[] });
  }),
];
