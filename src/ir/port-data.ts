import { decodeData, encodeData, type Data } from "./tensor.ts";
import type { DType } from "./types.ts";

/** Bytes of a tensor at the border of a program: as in files, but elements of 4 bits have a byte each. */
export function encodePort(dtype: DType, data: Data): Uint8Array {
  return encodeData(wholeBytes(dtype), data);
}

export function decodePort(dtype: DType, bytes: Uint8Array, count: number): Data {
  return decodeData(wholeBytes(dtype), bytes, count);
}

function wholeBytes(dtype: DType): DType {
  return dtype === "i4" ? "i8" : dtype === "u4" ? "u8" : dtype;
}
