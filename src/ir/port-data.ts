import type { TextTable } from "../host/text-table.ts";
import { decodeData, encodeData, type Data } from "./tensor.ts";
import type { DType } from "./types.ts";

/** Bytes of a tensor at the border of a program: as in files, but elements of 4 bits have a byte each, and strings are i32 places in `texts`. */
export function encodePort(dtype: DType, data: Data, texts?: TextTable): Uint8Array {
  if (dtype === "string" && texts)
    return encodeData(
      "i32",
      Int32Array.from(data as readonly string[], (text) => texts.place(text)),
    );
  return encodeData(wholeBytes(dtype), data);
}

export function decodePort(dtype: DType, bytes: Uint8Array, count: number, texts?: TextTable): Data {
  if (dtype === "string" && texts) return Array.from(decodeData("i32", bytes, count) as Int32Array, (place) => texts.text(place));
  return decodeData(wholeBytes(dtype), bytes, count);
}

function wholeBytes(dtype: DType): DType {
  return dtype === "i4" ? "i8" : dtype === "u4" ? "u8" : dtype;
}
