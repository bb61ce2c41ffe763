import type { Op } from "../../../../ir/graph.ts";
import { tensor } from "../../../../ir/tensor.ts";
import { elementCount, type DType } from "../../../../ir/types.ts";
import { refuse } from "../../refusal.ts";
import type { Attributes, OnnxEmitter } from "../emitter.ts";
import { axisOf, intOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

/** Scale and zero point; the zero point always stands there, since its dtype says which integers are stored. */
function parameters(to: OnnxEmitter, op: Op, stored: DType): readonly string[] {
  const [scale, zeroPoint] = [op.operand("scale")!, op.operand("zeroPoint")];
  if (scale.type.dtype !== "f32") refuse(`the scale is ${scale.type.dtype}, opset 17 takes f32`);
  if (intOf(op, "block") > 0) refuse("scales stand for blocks, which opset 17 does not have");
  if (zeroPoint && zeroPoint.type.dtype !== stored) refuse(`the zero point is ${zeroPoint.type.dtype} and the integers are ${stored}, wanted one dtype`);
  const shape = scale.type.shape as readonly number[];
  return [to.name(scale), zeroPoint ? to.name(zeroPoint) : to.constant(tensor(stored, shape, new Array<number>(elementCount(shape)).fill(0)))];
}

function along(op: Op): Attributes {
  const scale = op.operand("scale")!.type.shape as readonly number[];
  return elementCount(scale) === 1 && scale.length <= 1 ? {} : { axis: axisOf(op, op.result.type.shape.length) };
}

const quantise: Writer = (to, op) => {
  const { dtype } = op.result.type;
  if (dtype !== "i8" && dtype !== "u8") refuse(`stores ${dtype}, opset 17 takes i8 and u8`);
  if (op.operand("x")!.type.dtype !== "f32") refuse(`x is ${op.operand("x")!.type.dtype}, opset 17 takes f32`);
  to.result(op, "QuantizeLinear", [to.operand(op, "x"), ...parameters(to, op, dtype)], along(op));
};

const dequantise: Writer = (to, op) => {
  const { dtype } = op.operand("x")!.type;
  if (op.result.type.dtype !== "f32") refuse(`gives ${op.result.type.dtype}, opset 17 gives f32`);
  if (dtype === "i32") {
    const [scale] = parameters(to, op, dtype);
    if (op.operand("zeroPoint")) refuse("integers are i32 with a zero point, opset 17 takes none");
    return to.result(op, "DequantizeLinear", [to.operand(op, "x"), scale!], along(op));
  }
  if (dtype !== "i8" && dtype !== "u8") refuse(`integers are ${dtype}, opset 17 takes i8, u8 and i32`);
  to.result(op, "DequantizeLinear", [to.operand(op, "x"), ...parameters(to, op, dtype)], along(op));
};

export const CONVERSION: WriterTable = {
  quantise,
  dequantise,
  // The same integers: what they stand for is in the types of those that read them.
  storageCast: (to, op) => to.bind(op.result, to.operand(op, "x")),
};
