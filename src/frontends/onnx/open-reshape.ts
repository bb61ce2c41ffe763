import { countOf, dimOf } from "../../ir/dims.ts";
import { shapeText } from "../../ir/broadcast.ts";
import type { Value } from "../../ir/graph.ts";
import { isStatic, type Dim } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { reshapeTo } from "./rearrange.ts";

/** Reshape where a length is one that a run tells. */
export function isOpenReshape(x: Value): boolean {
  return !isStatic(x.type);
}

export function importOpenReshape(c: NodeContext, x: Value): Value {
  const from = x.type.shape;
  const wanted: readonly Dim[] = c.opset < 5 ? c.required("shape", c.ints("shape")) : (c.dims(1, "shape") ?? c.fail("has no input shape"));
  c.checkRank(wanted.length);
  const keepsZero = c.flag("allowzero", false);
  const shape = wanted.map((dim, axis) => (dim === 0 && !keepsZero ? (from[axis] ?? c.fail(`copies dim ${axis} of a tensor of rank ${from.length}`)) : dim));
  const open = shape.indexOf(-1);
  if (shape.lastIndexOf(-1) !== open) c.fail(`has the shape ${shapeText(wanted)}`);
  const given = shape.filter((_, axis) => axis !== open);
  if (open >= 0) shape[open] = rest(from, given);
  return reshapeTo(c.b, x, shape);
}

/** What the given extents leave of the elements; a length that stands on both sides goes out. */
function rest(from: readonly Dim[], given: readonly Dim[]): Dim {
  const left = [...from];
  const others = given.filter((dim) => {
    const at = typeof dim === "number" ? -1 : left.findIndex((other) => JSON.stringify(other) === JSON.stringify(dim));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return dimOf("floorDiv", countOf(left), countOf(others));
}
