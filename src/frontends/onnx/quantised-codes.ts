import { add, div, max, min, mul, sub } from "../../ir/ops/arithmetic.ts";
import type { Value } from "../../ir/graph.ts";
import { isFloat, type DType } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { decoded, encoded } from "./float-codes.ts";
import { dequantised, quantised, type Parameters } from "./quantisation.ts";
import { broadcastTo, castTo, product, reshapeTo, sliceAxis, range } from "./rearrange.ts";
import { extentAt, rankOf, shapeOf } from "./static-shape.ts";
import type { StoredType } from "./stored-types.ts";

/** x / scale + zero point as codes of a float type, or as two-bit integers. */
export function quantisedCodes(c: NodeContext, x: Value, parameters: Parameters, axis: number, block: number, to: StoredType): Value {
  if (!to.float) {
    c.ignore("saturate");
    // Cut to eight bits first, then to two: as cutting once.
    const [low, high] = to.dtype === "i8" ? [-2, 1] : [0, 3];
    const wide = quantised(c, x, parameters, axis, block, to.dtype);
    const above = c.b.create(max, { a: wide, b: c.scalar(to.dtype, low) });
    return c.stored.mark(c.b.create(min, { a: above, b: c.scalar(to.dtype, high) }), to);
  }
  const [scale, zeroPoint] = realParameters(c, x, parameters, axis, block, to, "f32");
  const scaled = c.b.create(div, { a: castTo(c.b, x, "f32"), b: scale });
  const moved = zeroPoint ? c.b.create(add, { a: scaled, b: zeroPoint }) : scaled;
  return c.stored.mark(encoded(c.b, moved, to, { saturate: c.flag("saturate", true), mode: "up" }), to);
}

/** (number of the code - zero point) * scale. */
export function dequantisedCodes(c: NodeContext, x: Value, parameters: Parameters, axis: number, block: number, from: StoredType, to: DType): Value {
  if (!from.float) return dequantised(c, x, parameters, axis, block, to);
  const work: DType = to === "f64" ? "f64" : "f32";
  const [scale, zeroPoint] = realParameters(c, x, parameters, axis, block, from, work);
  const real = decoded(c.b, x, from, work);
  const moved = zeroPoint ? c.b.create(sub, { a: real, b: zeroPoint }) : real;
  return castTo(c.b, c.b.create(mul, { a: moved, b: scale }), to);
}

/** Scale and zero point as numbers of `work`, in a shape that broadcasts to x. */
function realParameters(
  c: NodeContext,
  x: Value,
  { scale, zeroPoint }: Parameters,
  axis: number,
  block: number,
  type: StoredType,
  work: DType,
): readonly [scale: Value, zeroPoint: Value | undefined] {
  const along = (value: Value): Value => {
    if (product(shapeOf(value)) === 1) return reshapeTo(c.b, value, []);
    const at = c.axis(axis, rankOf(x));
    if (block === 0)
      return reshapeTo(
        c.b,
        value,
        range(rankOf(x)).map((a) => (a === at ? product(shapeOf(value)) : 1)),
      );
    const [lead, tail] = [shapeOf(value).slice(0, at + 1), shapeOf(value).slice(at + 1)];
    const repeated = broadcastTo(c.b, reshapeTo(c.b, value, [...lead, 1, ...tail]), [...lead, block, ...tail]);
    return sliceAxis(c.b, reshapeTo(c.b, repeated, [...lead.slice(0, -1), lead.at(-1)! * block, ...tail]), at, 0, extentAt(x, at)!);
  };
  const zero = zeroPoint && (isFloat(zeroPoint.type.dtype) ? castTo(c.b, zeroPoint, work) : decoded(c.b, zeroPoint, type, work));
  return [along(castTo(c.b, scale, work)), zero && along(zero)];
}
