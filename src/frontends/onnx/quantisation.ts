import { dequantise, quantise } from "../../ir/ops/conversion.ts";
import type { Value } from "../../ir/graph.ts";
import { BITS, type DType } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { castTo, product, reshapeTo } from "./rearrange.ts";
import { rankOf, shapeOf } from "./static-shape.ts";

/** Scale and zero point of a tensor: one of each, or one an index of an axis, or one a block along an axis. */
export interface Parameters {
  readonly scale: Value;
  readonly zeroPoint: Value | undefined;
}

/** Real numbers of a quantised operand. */
export function dequantised(c: NodeContext, x: Value, parameters: Parameters, axis: number, block = 0, to: DType = "f32"): Value {
  return c.b.create(dequantise, { x, ...shaped(c, parameters, block) }, { axis: axisOf(c, x, parameters, axis, block), block, to });
}

/** Stored integers of a real result; the zero point says of which dtype, else u8. */
export function quantised(
  c: NodeContext,
  x: Value,
  parameters: Parameters,
  axis: number,
  block = 0,
  to: DType = parameters.zeroPoint?.type.dtype ?? "u8",
): Value {
  return c.b.create(quantise, { x, ...shaped(c, parameters, block) }, { to, axis: axisOf(c, x, parameters, axis, block), block });
}

function axisOf(c: NodeContext, x: Value, { scale }: Parameters, axis: number, block: number): number {
  return product(shapeOf(scale)) === 1 && block === 0 ? 0 : c.axis(axis, rankOf(x));
}

/** One element is a scalar, and the zero point has the shape of the scale. */
function shaped(c: NodeContext, { scale, zeroPoint }: Parameters, block: number): Parameters {
  const single = product(shapeOf(scale)) === 1 && block === 0;
  const shape = single ? [] : shapeOf(scale);
  if (zeroPoint && product(shapeOf(zeroPoint)) !== product(shape)) c.fail(`has ${product(shapeOf(zeroPoint))} zero points for ${product(shape)} scales`);
  return { scale: reshapeTo(c.b, castTo(c.b, scale, wide(scale.type.dtype)), shape), zeroPoint: zeroPoint && reshapeTo(c.b, zeroPoint, shape) };
}

/** Scales of f16 and bf16 are exact in f32. */
function wide(dtype: DType): DType {
  return BITS[dtype] === 16 ? "f32" : dtype;
}

/** Operands `index`, `index + 1` and `index + 2` as tensor, scale and zero point, which is how QLinear operators list them. */
export function dequantisedOperand(c: NodeContext, index: number, what: string, axis = 1): Value {
  return dequantised(c, c.need(index, what), parametersAt(c, index + 1, what), axis);
}

export function parametersAt(c: NodeContext, index: number, what: string): Parameters {
  return { scale: c.need(index, `${what} scale`), zeroPoint: c.operand(index + 1) };
}
