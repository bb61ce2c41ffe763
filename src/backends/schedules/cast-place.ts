import { lanesOf } from "../../target/profile.ts";
import type { LowerContext, Place } from "../schedule.ts";
import { elementwiseKernel } from "./elementwise-kernel.ts";
import { emitExpression, isScalarOnly, type TypedOp } from "./expressions.ts";
import { wholeView } from "./view.ts";

/** Casts a tensor into another of the same shape. */
export function castPlace(context: LowerContext, from: Place, to: Place): void {
  const { shape } = to.layout;
  if (shape.includes(0)) return;
  const cast: TypedOp = { name: "cast", attrs: { to: to.dtype }, from: [from.dtype], to: to.dtype };
  const kernel = elementwiseKernel({
    name: `cast_${from.dtype}_${to.dtype}_${shape.join("x") || "scalar"}`,
    loc: [],
    lanes: lanesOf(context.target),
    shape,
    operands: [{ param: "x", dtype: from.dtype, view: wholeView(from.layout) }],
    result: { param: "y", dtype: to.dtype, view: wholeView(to.layout) },
    scalarOnly: isScalarOnly(cast),
    unroll: 2,
    compute: (b, args, lanes) => emitExpression(b, cast, args, lanes),
  });
  context.call(kernel, { x: from.buffer, y: to.buffer });
}
