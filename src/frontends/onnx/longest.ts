import type { Builder } from "../../ir/builder.ts";
import { boundsOf, dimSymbol } from "../../ir/dims.ts";
import type { Value } from "../../ir/graph.ts";
import { constant, shapeOf as extentsOf } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { limit, span } from "../../ir/ops/span.ts";
import { stretch } from "../../ir/ops/symbolic.ts";
import { tensor } from "../../ir/tensor.ts";
import { printDim } from "../../ir/text/types.ts";
import type { Dim } from "../../ir/types.ts";

/** Tensors of open length as tensors of the greatest length with lengths beside them, and back. */

/** How long x is along an axis, as i64 of rank 0. */
export function lengthAt(b: Builder, x: Value, axis: number): Value {
  const dim = x.type.shape[axis]!;
  const long = (value: number): Value => b.create(constant, {}, { value: tensor("i64", [], [BigInt(value)]) });
  return typeof dim === "number" ? long(dim) : b.create(gather, { x: b.create(extentsOf, { x }), indices: long(axis) }, { axis: 0 });
}

/** x in a tensor of the shape. */
export function stretchTo(b: Builder, x: Value, shape: readonly number[]): Value {
  return shape.every((dim, axis) => dim === x.type.shape[axis]) ? x : b.create(stretch, { x }, { shape });
}

/** The first `length` slices of x along an axis, which are `dim` many. */
export function firstOf(b: Builder, x: Value, axis: number, length: Value, dim: Dim): Value {
  return x.type.shape[axis] === dim ? x : b.create(span, { x, length }, { axis, extent: printDim(dim) });
}

/** A length that is `most` at most, or else the run ends in an error that names the value. */
export function limited(b: Builder, length: Value, most: number, value: string): Value {
  return b.create(limit, { length }, { most, value });
}

/** x no longer along its open axes than the caller says that the value called `name` gets. */
export function tightened(b: Builder, x: Value, name: string, most: number): Value {
  return x.type.shape.reduce((value, dim, axis) => {
    const [low, high] = boundsOf(dim);
    if (typeof dim === "number" || high <= most) return value;
    const length = limited(b, lengthAt(b, value, axis), most, name);
    return firstOf(b, value, axis, length, dimSymbol(`${name}:${axis}`, Math.min(low, most), most));
  }, x);
}
