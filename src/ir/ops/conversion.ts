import { dtype, floats, int, ints } from "../attr.ts";
import { resultData, wantDtype } from "../elementwise.ts";
import { defineOp, TypeMismatch } from "../op-def.ts";
import { elementCount, equalShapes, integerRange, isFloat, isInteger, isWide, tensorType, type DType, type StaticType, type TensorType } from "../types.ts";
import { roundHalfEven } from "./arithmetic.ts";

export const cast = defineOp({
  name: "cast",
  summary: "x in another dtype. Float to integer truncates and saturates, NaN gives 0; integers wrap; to bool is != 0.",
  operands: ["x"],
  attrs: { to: dtype() },
  samples: [
    { x: "2x3xf32", attrs: { to: "i32" } },
    { x: "5xf32 in -300..300", attrs: { to: "i8" } },
    { x: "5xi64 in -300..300", attrs: { to: "u8" } },
    { x: "4xbool", attrs: { to: "f32" } },
    { x: "4xi32", attrs: { to: "f32" } },
    { x: "4xf32", attrs: { to: "bool" } },
    { x: "4xi32", attrs: { to: "i64" } },
    { x: "4xf64", attrs: { to: "f32" } },
  ],
  elementwise: true,
  tolerance: { abs: 0, rel: 0 },
  infer({ x }, { to }) {
    if (x.quant) throw new TypeMismatch("x is quantised, wanted plain elements (dequantise gives them)");
    if (to !== x.dtype && (x.dtype === "string" || to === "string")) throw new TypeMismatch(`x is ${x.dtype} and to is ${to}, strings have no cast`);
    return tensorType(to, x.shape);
  },
  evaluate({ x }, { to }, result, types) {
    if (to === types.x.dtype) return x;
    const y = resultData(result);
    const convert = converter(types.x.dtype, to);
    for (let i = 0; i < x.length; i++) y[i] = convert(x[i]!);
    return y;
  },
});

const parameterSamples = [
  { scale: "f32 in 0.05..0.1", attrs: { axis: 0 } },
  { scale: "3xf32 in 0.05..0.1", attrs: { axis: 1 } },
  { scale: "2x2xf32 in 0.05..0.1", attrs: { axis: 1, block: 2 } },
];

/** Not elementwise by broadcasting: a scale of rank 1 goes along `axis`. */
export const quantise = defineOp({
  name: "quantise",
  summary: "Stored integers of real numbers: x / scale rounded half to even, plus the zero point, saturated; NaN gives 0.",
  operands: ["x", "scale", "zeroPoint?"],
  attrs: { to: dtype(), axis: int(1), block: int(0) },
  samples: [
    ...parameterSamples.map(({ scale, attrs }) => ({ x: "2x3xf32", scale, attrs: { ...attrs, to: "i8" } })),
    { x: "2x3x4xf32", scale: "3xf32 in 0.05..0.1", zeroPoint: "3xu8 in 100..150", attrs: { axis: 1, to: "u8" } },
    { x: "2x3xf32", scale: "f32 in 0.2..0.3", zeroPoint: "i4 in -2..2", attrs: { to: "i4" } },
  ],
  tolerance: { abs: 0, rel: 0 },
  infer({ x, scale, zeroPoint }, { to, axis, block }) {
    wantDtype("x", x, "number");
    if (!isInteger(to) || isWide(to)) throw new TypeMismatch(`to is ${to}, wanted an integer dtype of at most 32 bits`);
    checkParameters(x, scale, zeroPoint, axis, block);
    return tensorType(to, x.shape);
  },
  evaluate({ x, scale, zeroPoint }, { axis, block }, result, types) {
    const y = resultData(result);
    const [low, high] = integerRange(result.dtype);
    // The quotient is rounded to f32 first, as every implementation of the ONNX definition on f32 does.
    const quotient = types.x.dtype === "f64" ? (a: number, b: number) => a / b : (a: number, b: number) => Math.fround(a / b);
    forEachParameter(types.x.shape, types.scale, axis, block, (i, p) => {
      const stored = roundHalfEven(quotient(Number(x[i]!), Number(scale[p]!))) + Number(zeroPoint?.[p] ?? 0);
      y[i] = Number.isNaN(stored) ? 0 : Math.min(Math.max(stored, low), high);
    });
    return y;
  },
});

export const dequantise = defineOp({
  name: "dequantise",
  summary: "Real numbers of stored integers: (x - zero point) * scale.",
  operands: ["x", "scale", "zeroPoint?"],
  attrs: { axis: int(1), block: int(0), to: dtype("f32") },
  samples: [
    ...parameterSamples.map(({ scale, attrs }) => ({ x: "2x3xi8", scale, attrs })),
    { x: "2x3x4xu8 in 0..255", scale: "3xf32 in 0.05..0.1", zeroPoint: "3xu8 in 100..150", attrs: { axis: 1 } },
    { x: "5xi32", scale: "f32 in 0.05..0.1" },
  ],
  tolerance: { abs: 0, rel: 1e-6 },
  infer({ x, scale, zeroPoint }, { axis, block, to }) {
    wantDtype("x", x, "integer");
    if (!isFloat(to)) throw new TypeMismatch(`to is ${to}, wanted a float dtype`);
    checkParameters(x, scale, zeroPoint, axis, block);
    return tensorType(to, x.shape);
  },
  evaluate({ x, scale, zeroPoint }, { axis, block }, result, types) {
    const y = resultData(result);
    const exact = result.dtype === "f64" ? (d: number) => d : Math.fround;
    forEachParameter(types.x.shape, types.scale, axis, block, (i, p) => {
      y[i] = exact(Number(x[i]!) - Number(zeroPoint?.[p] ?? 0)) * Number(scale[p]!);
    });
    return y;
  },
});

export const storageCast = defineOp({
  name: "storageCast",
  summary: "The stored integers of x under the quantisation of the attributes, whatever they stood for before; without a scale they are plain integers.",
  operands: ["x"],
  attrs: { scale: floats([]), zeroPoint: ints([]), axis: int(0) },
  samples: [
    { x: "2x3xu8", attrs: { scale: [0.5], zeroPoint: [3] } },
    { x: "2x3xi8", attrs: { scale: [0.5, 0.25, 1], zeroPoint: [0, 0, 0], axis: 1 } },
    { x: "4xi32" },
  ],
  tolerance: { abs: 0, rel: 0 },
  infer({ x }, { scale, zeroPoint, axis }) {
    if (!isInteger(x.dtype)) throw new TypeMismatch(`x is ${x.dtype}, wanted integers`);
    if (zeroPoint.length !== scale.length) throw new TypeMismatch(`there are ${scale.length} scales and ${zeroPoint.length} zero points, wanted as many`);
    if (scale.length === 0) return tensorType(x.dtype, x.shape);
    if (scale.length === 1) return tensorType(x.dtype, x.shape, { scale, zeroPoint });
    if (x.shape[axis] !== scale.length) throw new TypeMismatch(`there are ${scale.length} scales, x has ${String(x.shape[axis])} elements along axis ${axis}`);
    return tensorType(x.dtype, x.shape, { scale, zeroPoint, axis });
  },
  evaluate: ({ x }) => x,
});

/** Scale (and zero point, of the same shape): one element; or a vector along `axis`; or, with `block`, as x but shorter along `axis`. */
function checkParameters(x: TensorType, scale: TensorType, zeroPoint: TensorType | undefined, axis: number, block: number): void {
  wantDtype("scale", scale, "float");
  if (zeroPoint) wantDtype("zeroPoint", zeroPoint, "integer");
  if (zeroPoint && !equalShapes(zeroPoint.shape, scale.shape)) throw new TypeMismatch("zeroPoint and scale differ in shape");
  if (isSingle(scale)) return;
  const at = axis < 0 ? axis + x.shape.length : axis;
  const extent = x.shape[at];
  if (extent === undefined) throw new TypeMismatch(`axis is ${axis}, x has rank ${x.shape.length}`);
  if (block === 0) {
    if (scale.shape.length !== 1) throw new TypeMismatch(`scale has rank ${scale.shape.length}, wanted one element, or a vector along axis ${at}`);
    if (typeof extent === "number" && scale.shape[0] !== extent)
      throw new TypeMismatch(`scale has ${String(scale.shape[0])} elements, x has ${extent} along axis ${at}`);
    return;
  }
  const wanted = x.shape.map((dim, i) => (i === at && typeof dim === "number" ? Math.ceil(dim / block) : dim));
  if (!equalShapes(wanted, scale.shape)) throw new TypeMismatch(`scale doesn't have one element for each ${block} of x along axis ${at}`);
}

function isSingle(scale: TensorType): boolean {
  return scale.shape.every((dim) => dim === 1) && scale.shape.length <= 1;
}

/** Calls with each element of a tensor of `shape` and the element of the scale that belongs to it. */
function forEachParameter(shape: readonly number[], scale: StaticType, axis: number, block: number, visit: (element: number, parameter: number) => void): void {
  const count = elementCount(shape);
  const single = isSingle(scale);
  const at = axis < 0 ? axis + shape.length : axis;
  const inner = single ? 1 : elementCount(shape.slice(at + 1));
  const extent = single ? 1 : shape[at]!;
  const blocks = block > 0 ? Math.ceil(extent / block) : extent;
  for (let i = 0; i < count; i++) {
    const along = Math.floor(i / inner) % extent;
    if (single) visit(i, 0);
    else if (block === 0) visit(i, along);
    else visit(i, (Math.floor(i / (inner * extent)) * blocks + Math.floor(along / block)) * inner + (i % inner));
  }
}

type Convert = (x: number) => number;

/** How one element goes from dtype to dtype; bigints hide behind `number` where a dtype is 64 bits wide. */
function converter(from: DType, to: DType): Convert {
  if (to === "bool") return (x) => (Number(x) !== 0 ? 1 : 0);
  if (isFloat(to)) return isWide(from) ? (to === "f64" ? Number : (x) => toOdd(x as unknown as bigint)) : (x) => x;
  if (!isFloat(from))
    return isWide(to)
      ? isWide(from)
        ? (x) => x
        : (x) => BigInt(x) as never
      : isWide(from)
        ? (x) => Number(BigInt.asIntN(32, x as unknown as bigint))
        : (x) => x;
  const [low, high] = integerRange(to);
  // The largest double of i64 and u64 is one too large for them.
  if (isWide(to)) return (x) => (Number.isNaN(x) ? 0n : x <= low ? BigInt(low) : x >= high ? BigInt(high) - 1n : BigInt(Math.trunc(x))) as never;
  return (x) => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high));
}

/** A double that rounds to the same f32, f16 or bf16 as the integer: the bits a double has no room for become its last one. */
function toOdd(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  if (magnitude < 1n << 53n) return Number(value);
  const sticky = (magnitude & 2047n) === 0n ? 0n : 2048n;
  const odd = Number((magnitude & ~2047n) | sticky);
  return value < 0n ? -odd : odd;
}
