import type { DType } from "../../ir/types.ts";

/** `TensorProto.DataType` by number: the name of onnx.proto and our dtype where there is one. */
const ELEMENT_TYPES: Readonly<Record<number, readonly [name: string, dtype?: DType]>> = {
  1: ["FLOAT", "f32"],
  2: ["UINT8", "u8"],
  3: ["INT8", "i8"],
  4: ["UINT16", "u16"],
  5: ["INT16", "i16"],
  6: ["INT32", "i32"],
  7: ["INT64", "i64"],
  8: ["STRING", "string"],
  9: ["BOOL", "bool"],
  10: ["FLOAT16", "f16"],
  11: ["DOUBLE", "f64"],
  12: ["UINT32", "u32"],
  13: ["UINT64", "u64"],
  14: ["COMPLEX64"],
  15: ["COMPLEX128"],
  16: ["BFLOAT16", "bf16"],
  17: ["FLOAT8E4M3FN"],
  18: ["FLOAT8E4M3FNUZ"],
  19: ["FLOAT8E5M2"],
  20: ["FLOAT8E5M2FNUZ"],
  21: ["UINT4", "u4"],
  22: ["INT4", "i4"],
  23: ["FLOAT4E2M1"],
  24: ["FLOAT8E8M0"],
  25: ["UINT2"],
  26: ["INT2"],
};

/** The dtype of a `TensorProto.DataType`; undefined where we have none. */
export function dtypeOf(elementType: number | undefined): DType | undefined {
  return ELEMENT_TYPES[elementType ?? 0]?.[1];
}

/** The name of onnx.proto. */
export function elementTypeName(elementType: number | undefined): string {
  return ELEMENT_TYPES[elementType ?? 0]?.[0] ?? (elementType ? `type ${elementType}` : "no type");
}
