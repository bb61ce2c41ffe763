import type { DType } from "../../ir/types.ts";
import { elementTypeName } from "./element-types.ts";

/**
 * Element types of onnx.proto that the graph has not. Their tensors are their codes, one in a u8; two-bit integers are themselves, in
 * an i8 or u8. Operators that only move elements need not know; casts turn codes into numbers and back.
 */
export interface StoredType {
  /** The name of onnx.proto. */
  readonly name: string;
  /** Of one element in files. */
  readonly bits: 2 | 4 | 8;
  readonly dtype: DType & ("u8" | "i8");
  /** How the codes of a float type are made; undefined for integers. */
  readonly float?: FloatFormat;
}

export interface FloatFormat {
  /** 0: the code is a power of two without a sign. */
  readonly mantissa: number;
  readonly bias: number;
  /** The code of the largest finite number. */
  readonly largest: number;
  /** What is too large becomes where it is not cut to the largest. */
  readonly overflow: number;
  readonly nan: number;
  /** NaN takes the place of a negative zero and has no sign. */
  readonly unsignedZero: boolean;
}

const BYTE: Pick<StoredType, "bits" | "dtype"> = { bits: 8, dtype: "u8" };

const TYPES: Readonly<Record<number, Omit<StoredType, "name">>> = {
  17: { ...BYTE, float: { mantissa: 3, bias: 7, largest: 0x7e, overflow: 0x7f, nan: 0x7f, unsignedZero: false } },
  18: { ...BYTE, float: { mantissa: 3, bias: 8, largest: 0x7f, overflow: 0x80, nan: 0x80, unsignedZero: true } },
  19: { ...BYTE, float: { mantissa: 2, bias: 15, largest: 0x7b, overflow: 0x7c, nan: 0x7e, unsignedZero: false } },
  20: { ...BYTE, float: { mantissa: 2, bias: 16, largest: 0x7f, overflow: 0x80, nan: 0x80, unsignedZero: true } },
  // Has no NaN: one becomes -0, as the reference has it.
  23: { bits: 4, dtype: "u8", float: { mantissa: 1, bias: 1, largest: 7, overflow: 7, nan: 8, unsignedZero: false } },
  24: { ...BYTE, float: { mantissa: 0, bias: 127, largest: 0xfe, overflow: 0xff, nan: 0xff, unsignedZero: false } },
  25: { bits: 2, dtype: "u8" },
  26: { bits: 2, dtype: "i8" },
};

const STORED = new Map<number, StoredType>(Object.entries(TYPES).map(([code, type]) => [Number(code), { ...type, name: elementTypeName(Number(code)) }]));

/** The stored type of a `TensorProto.DataType`; undefined where the graph has a dtype for it, or nobody knows it. */
export function storedTypeOf(elementType: number | undefined): StoredType | undefined {
  return STORED.get(elementType ?? 0);
}

/** Bytes that `elements` of the type take in a file. */
export function storedBytes({ bits }: StoredType, elements: number): number {
  return Math.ceil((bits * elements) / 8);
}

/** One code an element, from bytes of a file: the first in the lowest bits. */
export function unpackCodes({ bits, dtype }: StoredType, bytes: Uint8Array, elements: number): Uint8Array | Int8Array {
  const mask = 2 ** bits - 1;
  const each = 8 / bits;
  const codes = Uint8Array.from({ length: elements }, (_, i) => (bytes[Math.floor(i / each)]! >> (bits * (i % each))) & mask);
  const half = 2 ** (bits - 1);
  return dtype === "i8" ? Int8Array.from(codes, (code) => (code ^ half) - half) : codes;
}

/** The number that a code stands for. */
export function valueOfCode(type: StoredType, code: number): number {
  const format = type.float;
  if (!format) return code;
  const { mantissa, bias } = format;
  if (mantissa === 0) return code === format.nan ? NaN : 2 ** (code - bias);
  const signBit = 2 ** (type.bits - 1);
  if (format.unsignedZero && code === format.nan) return NaN;
  const magnitude = code & (signBit - 1);
  const sign = code & signBit ? -1 : 1;
  if (magnitude > format.largest) return magnitude === format.overflow && format.overflow !== format.nan ? sign * Infinity : NaN;
  const [exponent, fraction] = [magnitude >> mantissa, magnitude & (2 ** mantissa - 1)];
  const scaled = exponent === 0 ? fraction * 2 ** (1 - bias - mantissa) : (2 ** mantissa + fraction) * 2 ** (exponent - bias - mantissa);
  return sign * scaled;
}
