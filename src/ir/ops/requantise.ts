/**
 * Products of quantised tensors (conv, linear, matmul): accumulators sum (x - zx) * (w - zw) + bias exactly, then are brought to
 * the scale of the result. x has one scale, w one or one an output channel.
 */
import { dtype, floats, ints, oneOf, type ActivationName } from "../attr.ts";
import { integerRange, isInteger, tensorType, type DType, type Quantisation, type StaticType, type TensorType } from "../types.ts";
import type { Data } from "../tensor.ts";
import { roundHalfEven } from "./arithmetic.ts";
import { toDoubles } from "./elements.ts";
import { expect, expectDtype } from "./expect.ts";

export const requantAttrs = {
  /** Only for quantised operands: dtype, scale and zero point of the result. No scale: the accumulators themselves, i32. */
  outDtype: dtype("i8"),
  outScale: floats([]),
  outZeroPoint: ints([]),
  /**
   * onnx: times the f32 scale sx * sw / sy in f32, halves to even. float: times the same in doubles, halves away from zero.
   * tflite: the reference kernels' 31-bit multiplier, high product rounded, then shift rounded.
   */
  rounding: oneOf("onnx", "float", "tflite"),
};

export interface RequantAttrs {
  readonly outDtype: DType;
  readonly outScale: readonly number[];
  readonly outZeroPoint: readonly number[];
  readonly rounding: "onnx" | "float" | "tflite";
}

interface Clamp {
  readonly activation: ActivationName;
  readonly alpha: number;
  readonly beta: number;
}

const NO_CLAMP: Clamp = { activation: "none", alpha: 0, beta: 0 };

export function isQuantised(x: TensorType, w: TensorType): boolean {
  return x.quant !== undefined || w.quant !== undefined;
}

interface Product {
  readonly x: TensorType;
  readonly w: TensorType;
  readonly bias?: TensorType | undefined;
  /** What the record calls x and w. */
  readonly names: readonly [string, string];
  /** The axis of w that makes the axis `channels` of the result; undefined: none does. */
  readonly axisW: number | undefined;
  readonly channels: number;
  readonly shape: TensorType["shape"];
}

/** The type of a product of quantised operands. */
export function quantisedType(op: string, { x, w, bias, names, axisW, channels, shape }: Product, attrs: RequantAttrs & Partial<Clamp>): TensorType {
  expect(
    x.quant?.scale.length === 1 && isInteger(x.dtype),
    () => `${names[0]} is ${x.dtype} ${x.quant ? `with ${x.quant.scale.length} scales` : "and not quantised"}, ${op} wants one scale`,
  );
  const quant = w.quant;
  const perChannel = quant !== undefined && (quant.scale.length === 1 || (quant.axis === axisW && quant.block === undefined));
  expect(
    perChannel && isInteger(w.dtype),
    () =>
      `${names[1]} is ${w.dtype} ${quant ? `quantised along axis ${String(quant.axis)}` : "and not quantised"}, ${op} wants one scale${axisW === undefined ? "" : ` or those of axis ${axisW}`}`,
  );
  if (bias) expectDtype(op, "bias", bias, "i32");
  expect(
    ["none", "relu", "clip"].includes(attrs.activation ?? "none"),
    () => `activation is ${String(attrs.activation)}, quantised ${op} wants relu, clip or none`,
  );
  const isSingle = quant.scale.length === 1;
  if (attrs.outScale.length === 0) {
    expect((attrs.activation ?? "none") === "none", () => `activation is ${String(attrs.activation)}, ${op} wants an outScale for it`);
    const accumulators: Quantisation = { scale: quant.scale.map((scale) => x.quant!.scale[0]! * scale), zeroPoint: quant.scale.map(() => 0) };
    return tensorType("i32", shape, isSingle ? accumulators : { ...accumulators, axis: channels });
  }
  expect(
    attrs.outScale.length === 1 && attrs.outZeroPoint.length === 1,
    () => `outScale and outZeroPoint have ${attrs.outScale.length} and ${attrs.outZeroPoint.length} entries, ${op} wants one each`,
  );
  const [low, high] = integerRange(attrs.outDtype);
  expect(
    isInteger(attrs.outDtype) && high < 2 ** 31 && attrs.outZeroPoint[0]! >= low && attrs.outZeroPoint[0]! <= high,
    () => `outZeroPoint is ${attrs.outZeroPoint.join(", ")} of ${attrs.outDtype}, ${op} wants one inside a dtype of at most 31 bits`,
  );
  return tensorType(attrs.outDtype, shape, { scale: attrs.outScale, zeroPoint: attrs.outZeroPoint });
}

/** Stored integers less their zero points; plain numbers as they are. */
export function centred(data: Data, { shape, quant }: StaticType): Float64Array {
  if (!quant) return toDoubles(data);
  const y = toDoubles(data).slice();
  const inner = quant.axis === undefined ? 1 : shape.slice(quant.axis + 1).reduce((n, d) => n * d, 1);
  const zeros = quant.zeroPoint;
  for (let i = 0; i < y.length; i++) y[i]! -= zeros[Math.floor(i / inner) % zeros.length]!;
  return y;
}

/** Accumulators whose channel changes every `inner` elements, in the scale of the result; `clamp` in real numbers. */
export function requantise(
  acc: Float64Array,
  x: TensorType,
  w: TensorType,
  result: TensorType,
  inner: number,
  rounding: RequantAttrs["rounding"],
  clamp = NO_CLAMP,
): Float64Array {
  if (result.dtype === "i32") return acc;
  const { scale, zeroPoint } = result.quant!;
  const scales = w.quant!.scale;
  const rescale = scales.map((scaleW) => RESCALE[rounding](x.quant!.scale[0]!, scaleW, scale[0]!));
  const [low, high] = storedBounds(result, clamp);
  return acc.map((value, i) => Math.min(Math.max(rescale[Math.floor(i / inner) % scales.length]!(value | 0) + zeroPoint[0]!, low), high));
}

/** The least and greatest stored integer that a result may hold behind its activation. */
export function storedBounds({ dtype, quant }: TensorType, { activation, alpha, beta }: Partial<Clamp>): readonly [number, number] {
  const [low, high] = integerRange(dtype);
  const zero = quant!.zeroPoint[0]!;
  const stored = (real: number): number => Math.min(Math.max(roundHalfEven(real / quant!.scale[0]!) + zero, low), high);
  if (activation === "relu") return [Math.max(zero, low), high];
  return activation === "clip" ? [stored(alpha!), stored(beta!)] : [low, high];
}

type Rescale = (accumulator: number) => number;

const RESCALE: Readonly<Record<RequantAttrs["rounding"], (x: number, w: number, y: number) => Rescale>> = {
  onnx(x, w, y) {
    const factor = onnxFactor(x, w, y);
    return (acc) => roundHalfEven(Math.fround(Math.fround(acc) * factor));
  },
  float(x, w, y) {
    const factor = (x * w) / y;
    return (acc) => Math.sign(acc) * Math.floor(Math.abs(acc * factor) + 0.5);
  },
  tflite(x, w, y) {
    const { multiplier, shift } = fixedPoint((x * w) / y);
    return (acc) => shiftRounded(highProduct(acc * 2 ** Math.max(shift, 0), multiplier), Math.max(-shift, 0));
  },
};

/** The f32 that ONNX Runtime multiplies accumulators with. */
export function onnxFactor(x: number, w: number, y: number): number {
  return Math.fround(Math.fround(Math.fround(x) * Math.fround(w)) / Math.fround(y));
}

/** TF-Lite QuantizeMultiplier: factor = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31). */
export function fixedPoint(factor: number): { readonly multiplier: number; readonly shift: number } {
  if (factor === 0) return { multiplier: 0, shift: 0 };
  let shift = Math.floor(Math.log2(factor)) + 1;
  let multiplier = Math.floor((factor / 2 ** shift) * 2 ** 31 + 0.5);
  // The logarithm may be off at powers of two.
  if (multiplier < 2 ** 30) [multiplier, shift] = [Math.floor((factor / 2 ** --shift) * 2 ** 31 + 0.5), shift];
  if (multiplier >= 2 ** 31) [multiplier, shift] = [multiplier / 2, shift + 1];
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/** gemmlowp SaturatingRoundingDoublingHighMul of 32-bit numbers, the first one wrapped. */
function highProduct(a: number, b: number): number {
  const product = BigInt(a | 0) * BigInt(b);
  return Number((product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n));
}

/** gemmlowp RoundingDivideByPOT: halves away from zero. */
function shiftRounded(value: number, bits: number): number {
  const scaled = value / 2 ** bits;
  return Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
}
