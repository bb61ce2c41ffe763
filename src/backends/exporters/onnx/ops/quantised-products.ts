import type { Op, Value } from "../../../../ir/graph.ts";
import { storedBounds } from "../../../../ir/ops/requantise.ts";
import { tensor } from "../../../../ir/tensor.ts";
import { integerRange, type DType, type TensorType } from "../../../../ir/types.ts";
import { transposedMatrix } from "../../matrix.ts";
import { constantOf } from "../../constant-of.ts";
import { refuse } from "../../refusal.ts";
import type { OnnxEmitter } from "../emitter.ts";
import { textOf } from "./attributes.ts";
import type { ProductForm } from "./table.ts";
import { convAttributes } from "./windows.ts";

/** DequantizeLinear of each operand, the product of real numbers, QuantizeLinear: what tools make integer arithmetic of. */
export function quantisedProduct(to: OnnxEmitter, op: Op, form: ProductForm, x: Value, w: Value): void {
  for (const value of [x, w])
    if (value.type.dtype !== "i8" && value.type.dtype !== "u8") refuse(`an operand is stored as ${value.type.dtype}, QDQ takes i8 and u8`);
  if (op.result.type.dtype === "i32") return accumulated(to, op, x, w);
  if (textOf(op, "rounding") !== "onnx") refuse(`results are rounded as ${textOf(op, "rounding")} does, ONNX rounds halves to even`);
  const real: TensorType = { dtype: "f32", shape: op.result.type.shape };
  const bias = op.def.operands.includes("bias?") ? op.operand("bias") : undefined;
  const units = w.type.quant!.scale.map((scale) => Math.fround(Math.fround(x.type.quant!.scale[0]!) * Math.fround(scale)));
  const y = form(to, op, dequantised(to, x), dequantised(to, w), bias ? dequantisedBias(to, bias, units) : "", real);
  to.bind(op.result, clamped(to, op, quantised(to, y, op.result)));
}

/** Real numbers of a value whose type says what its integers stand for. */
export function dequantised(to: OnnxEmitter, value: Value): string {
  return dequantisedName(to, to.name(value), value.type);
}

export function dequantisedName(to: OnnxEmitter, name: string, type: TensorType): string {
  const { scale, zeroPoint, axis } = type.quant!;
  const along = scale.length === 1 ? [] : [scale.length];
  // ONNX Runtime writes other zero points beside those of weights, and stumbles where two products share them.
  const parameters = [to.constant(tensor("f32", along, scale)), to.constant(tensor(type.dtype, along, zeroPoint), "", true)];
  return to.node("DequantizeLinear", [name, ...parameters], { dtype: "f32", shape: type.shape }, scale.length === 1 ? {} : { axis: axis! });
}

/** Stored integers under the type of `value` of the real numbers `name`. */
export function quantised(to: OnnxEmitter, name: string, { type }: Pick<Value, "type">): string {
  const { scale, zeroPoint } = type.quant!;
  const parameters = [to.constant(tensor("f32", [], scale)), to.constant(tensor(type.dtype, [], zeroPoint))];
  return to.node("QuantizeLinear", [name, ...parameters], { dtype: storedDtype(type.dtype), shape: type.shape });
}

function storedDtype(dtype: DType): DType {
  if (dtype !== "i8" && dtype !== "u8") refuse(`the result is stored as ${dtype}, QDQ takes i8 and u8`);
  return dtype;
}

/** The bias has the unit of the accumulators, one a channel where the weights have. */
function dequantisedBias(to: OnnxEmitter, bias: Value, units: readonly number[]): string {
  const vector = units.length > 1;
  const scale = to.constant(tensor("f32", vector ? [units.length] : [], units));
  return to.node("DequantizeLinear", [to.name(bias), scale], { dtype: "f32", shape: bias.type.shape }, vector ? { axis: 0 } : {});
}

/** An activation on the stored integers, where saturation alone does not say it: the product stays one that tools know. */
function clamped(to: OnnxEmitter, op: Op, y: string): string {
  const { type } = op.result;
  const [low, high] = storedBounds(type, op.attrs);
  const [least, greatest] = integerRange(type.dtype);
  if (low <= least && high >= greatest) return y;
  return to.node("Clip", [y, to.scalar(type.dtype, low), to.scalar(type.dtype, high)], { dtype: type.dtype, shape: type.shape });
}

/** The sums themselves, exact i32. */
function accumulated(to: OnnxEmitter, op: Op, x: Value, w: Value): void {
  const type: TensorType = { dtype: "i32", shape: op.result.type.shape };
  const zero = (value: Value): string => {
    const { zeroPoint } = value.type.quant!;
    if (zeroPoint.some((point) => point !== zeroPoint[0])) refuse("weights have several zero points, wanted one");
    return to.scalar(value.type.dtype, zeroPoint[0]!);
  };
  const bias = op.def.operands.includes("bias?") ? op.operand("bias") : undefined;
  const inputs = (weights: string): string[] => [to.name(x), weights, zero(x), zero(w)];
  if (op.name === "conv") {
    const kernel = (w.type.shape as readonly number[]).slice(2);
    const sums = to.node("ConvInteger", inputs(to.name(w)), type, convAttributes(op, kernel));
    return to.bind(op.result, bias ? to.node("Add", [sums, columnOf(to, bias, kernel.length)], type) : sums);
  }
  if (op.name === "convTranspose") refuse("keeps the sums of a transposed convolution, which ONNX has no operator for");
  const known = constantOf(w);
  const isLinear = op.name === "linear";
  if (isLinear && !known) refuse("weights are not constant");
  const sums = to.node("MatMulInteger", inputs(isLinear ? to.constant(transposedMatrix(known!)) : to.name(w)), type);
  to.bind(op.result, bias ? to.node("Add", [sums, to.name(bias)], type) : sums);
}

/** The bias as channels in front of `spatial` axes. */
function columnOf(to: OnnxEmitter, bias: Value, spatial: number): string {
  const shape = [...(bias.type.shape as readonly number[]), ...Array<number>(spatial).fill(1)];
  return to.node("Reshape", [to.name(bias), to.integers(shape)], { dtype: "i32", shape });
}
