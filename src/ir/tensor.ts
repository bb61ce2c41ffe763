import { f16Bits, f16FromBits, roundToBf16, roundToF16 } from "../support/half.ts";
import { BITS, elementCount, type DType, type StaticType } from "./types.ts";

export { f16Bits, f16FromBits, roundToBf16, roundToF16 };

/**
 * Elements of a tensor in row-major order. f32 is Float32Array; f16 and bf16 are Float32Array holding values already rounded
 * to the dtype; i64/u64 are BigInt64Array/BigUint64Array; 4-bit integers are unpacked, one element each; bool is 0 or 1.
 */
export type Data =
  Float64Array | Float32Array | BigInt64Array | BigUint64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array | string[];

/** Data of every dtype but i64, u64 and string: elements are numbers. */
export type NumericData = Exclude<Data, BigInt64Array | BigUint64Array | string[]>;

export interface Tensor {
  readonly type: StaticType;
  readonly data: Data;
}

const ARRAYS = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Float32Array,
  bf16: Float32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  i32: Int32Array,
  u32: Uint32Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  i4: Int8Array,
  u4: Uint8Array,
  bool: Uint8Array,
} as const;

/** Zeroed data for `count` elements. */
export function allocate(dtype: DType, count: number): Data {
  return dtype === "string" ? new Array<string>(count).fill("") : new ARRAYS[dtype](count);
}

/** A tensor over numbers (or bigints for i64/u64), each rounded or wrapped to the dtype. */
export function tensor(dtype: DType, shape: readonly number[], values: ArrayLike<number | bigint | string>): Tensor {
  const data = allocate(dtype, elementCount(shape)) as { [i: number]: unknown; length: number };
  for (let i = 0; i < data.length; i++) data[i] = convertElement(dtype, values[i]!);
  return { type: { dtype, shape }, data: data as unknown as Data };
}

/** One value converted to the dtype: floats round to nearest even, integers truncate and wrap. */
export function convertElement(dtype: DType, value: number | bigint | string): number | bigint | string {
  if (dtype === "string") return String(value);
  if (dtype === "i64" || dtype === "u64") {
    const wide = typeof value === "bigint" ? value : BigInt(Number.isFinite(Number(value)) ? Math.trunc(Number(value)) : 0);
    return dtype === "i64" ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide);
  }
  const x = Number(value);
  switch (dtype) {
    case "f64":
      return x;
    case "f32":
      return Math.fround(x);
    case "f16":
      return roundToF16(x);
    case "bf16":
      return roundToBf16(x);
    case "bool":
      return x !== 0 ? 1 : 0;
    case "i4":
      return ((Math.trunc(x) & 15) ^ 8) - 8;
    case "u4":
      return Math.trunc(x) & 15;
    default:
      return x;
  }
}

/** Little-endian bytes of a tensor as they stand in files and bundles; 4-bit elements two a byte, first in the low nibble. */
export function encodeData(dtype: DType, data: Data): Uint8Array {
  if (dtype === "string") throw new TypeError("strings have no byte form");
  if (dtype === "f16" || dtype === "bf16") {
    const values = data as Float32Array;
    const bits = new Uint16Array(values.length);
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) bits[i] = dtype === "f16" ? f16Bits(values[i]!) : words[i]! >>> 16;
    return new Uint8Array(bits.buffer);
  }
  if (dtype === "i4" || dtype === "u4") {
    const values = data as Int8Array;
    const bytes = new Uint8Array(Math.ceil(values.length / 2));
    for (let i = 0; i < values.length; i++) bytes[i >> 1]! |= (values[i]! & 15) << (4 * (i & 1));
    return bytes;
  }
  const typed = data as Exclude<Data, string[]>;
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength).slice();
}

/** Data from little-endian bytes; the caller has checked that there are `byteLength(dtype, count)` of them. */
export function decodeData(dtype: DType, bytes: Uint8Array, count: number): Data {
  if (dtype === "string") throw new TypeError("strings have no byte form");
  if (dtype === "i4" || dtype === "u4") {
    const data = allocate(dtype, count) as Int8Array;
    for (let i = 0; i < count; i++) {
      const nibble = (bytes[i >> 1]! >> (4 * (i & 1))) & 15;
      data[i] = dtype === "i4" ? (nibble ^ 8) - 8 : nibble;
    }
    return data;
  }
  // Not bytes.slice: a subclass (Node's Buffer) may give a view there.
  const copy = new Uint8Array(bytes.subarray(0, byteLength(dtype, count)));
  if (dtype === "f16") return Float32Array.from(new Uint16Array(copy.buffer), f16FromBits);
  if (dtype === "bf16") {
    const words = Uint32Array.from(new Uint16Array(copy.buffer), (bits) => (bits << 16) >>> 0);
    return new Float32Array(words.buffer);
  }
  return new ARRAYS[dtype](copy.buffer);
}

export function byteLength(dtype: DType, count: number): number {
  return Math.ceil((BITS[dtype] * count) / 8);
}
