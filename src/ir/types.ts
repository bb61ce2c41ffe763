/**
 * Tensor types of the graph. They are logical: dtype, shape and quantisation; layouts exist only in `src/backends`.
 */

export const DTYPES = ["f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "i4", "u64", "u32", "u16", "u8", "u4", "bool", "string"] as const;

export type DType = (typeof DTYPES)[number];

/** A named unknown extent with inclusive bounds; `high` may be Infinity. */
export interface DimSymbol {
  readonly kind: "symbol";
  readonly name: string;
  readonly low: number;
  readonly high: number;
}

export type DimOperator = "add" | "sub" | "mul" | "floorDiv" | "ceilDiv" | "mod" | "min" | "max";

/** An extent computed from others. */
export interface DimExpr {
  readonly kind: "expr";
  readonly operator: DimOperator;
  readonly left: Dim;
  readonly right: Dim;
}

export type Dim = number | DimSymbol | DimExpr;

/**
 * Affine quantisation of an integer storage dtype: real = scale * (stored - zeroPoint).
 * One element per tensor, or one per index of `axis`, or one per `block` elements along `axis`.
 */
export interface Quantisation {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis?: number;
  readonly block?: number;
}

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly quant?: Quantisation;
}

/** A type whose extents are all numbers. Everything behind shape binding has these. */
export interface StaticType extends TensorType {
  readonly shape: readonly number[];
}

export function tensorType(dtype: DType, shape: readonly Dim[], quant?: Quantisation): TensorType {
  return quant ? { dtype, shape, quant } : { dtype, shape };
}

export function isStatic(type: TensorType): type is StaticType {
  return type.shape.every((dim) => typeof dim === "number");
}

/** Number of elements; 1 for rank 0. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1);
}

export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f64" || dtype === "f16" || dtype === "bf16";
}

export function isInteger(dtype: DType): boolean {
  return !isFloat(dtype) && dtype !== "bool" && dtype !== "string";
}

/** i64 and u64: their data are bigints, exact above 2^53. */
export function isWide(dtype: DType): boolean {
  return dtype === "i64" || dtype === "u64";
}

/** Bits of one element as stored in files and bundles. Strings have none. */
export const BITS: Readonly<Record<DType, number>> = {
  f64: 64,
  f32: 32,
  f16: 16,
  bf16: 16,
  i64: 64,
  i32: 32,
  i16: 16,
  i8: 8,
  i4: 4,
  u64: 64,
  u32: 32,
  u16: 16,
  u8: 8,
  u4: 4,
  bool: 8,
  string: 0,
};

/** Inclusive range of an integer dtype, as numbers; i64 and u64 give the nearest doubles. */
export function integerRange(dtype: DType): readonly [number, number] {
  const bits = BITS[dtype];
  return dtype.startsWith("u") || dtype === "bool" ? [0, dtype === "bool" ? 1 : 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

export function equalTypes(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && equalShapes(a.shape, b.shape) && JSON.stringify(a.quant ?? null) === JSON.stringify(b.quant ?? null);
}

export function equalShapes(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => JSON.stringify(dim) === JSON.stringify(b[i]));
}
