import type { DType } from "../../ir/types.ts";
import { scalar, vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";
import { ELEM_OF } from "../assign-layouts.ts";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./float-bits.ts";

/** What holds values of a dtype in registers: narrow integers and bool in i32, short floats in f32; u32 and u64 are bits of i32 and i64. */
export function registerElem(dtype: DType): "i32" | "i64" | "f32" | "f64" {
  switch (dtype) {
    case "f32":
    case "f16":
    case "bf16":
      return "f32";
    case "f64":
      return "f64";
    case "i64":
    case "u64":
      return "i64";
    default:
      return "i32";
  }
}

export function registerType(dtype: DType, lanes: number): Type {
  return { elem: registerElem(dtype), lanes };
}

/** Four bytes in registers: such values go through vectors. */
export function hasVectors(dtype: DType): boolean {
  return registerElem(dtype) === "f32" || registerElem(dtype) === "i32";
}

export function memoryElem(dtype: DType): Elem {
  return ELEM_OF[dtype];
}

/** Elements are stored through unsigned views, so that any bits of a register may be cut to size. */
const STORED_AS: Readonly<Record<Elem, Elem>> = { u8: "u8", i8: "u8", u16: "u16", i16: "u16", i32: "i32", i64: "i64", f32: "f32", f64: "f64" };

/** The element that a cursor for `storeElement` has. */
export function storeElem(dtype: DType): Elem {
  return STORED_AS[memoryElem(dtype)];
}

/** A cursor for `storeElement`. */
export function storeCursor(b: KernelBuilder, stem: string, param: string, base: number, dtype: DType): string {
  return b.cursor(stem, param, base, storeElem(dtype));
}

/** `lanes` elements from memory, or one of them in all lanes (`splat`), as registers hold them. */
export function loadElement(
  b: KernelBuilder,
  dtype: DType,
  lanes: number,
  cursor: string,
  offset = 0,
  more: { readonly splat?: boolean; readonly index?: Term } = {},
): Term {
  const elem = memoryElem(dtype);
  const isNarrow = elem === "u8" || elem === "i8" || elem === "u16" || elem === "i16";
  let loaded: Term;
  if (!isNarrow) loaded = more.splat ? b.splat(vector(elem, lanes), cursor, offset, more.index) : b.load(vector(elem, lanes), cursor, offset, more.index);
  else if (lanes === 1) loaded = b.load(scalar(elem), cursor, offset, more.index);
  else if (more.splat) loaded = b.op("splatScalar", vector("i32", lanes), [b.load(scalar(elem), cursor, offset, more.index)]);
  else
    loaded = {
      expr: { kind: "widen", type: vector("i32", lanes), from: vector(elem, lanes), at: { cursor, offset, ...(more.index ? { index: more.index.expr } : {}) } },
      type: vector("i32", lanes),
    };
  if (dtype === "f16") return f16ToF32(b, b.let("h", loaded));
  return dtype === "bf16" ? bf16ToF32(b, loaded) : loaded;
}

/** Stores a register of the dtype through a cursor of `storeCursor`. Narrow integers keep their low bits. */
export function storeElement(b: KernelBuilder, dtype: DType, lanes: number, cursor: string, offset: number, value: Term, index?: Term): void {
  const elem = STORED_AS[memoryElem(dtype)];
  const bits = dtype === "f16" ? f32ToF16(b, value) : dtype === "bf16" ? f32ToBf16(b, value) : value;
  if (lanes === 1) return b.storeAs(scalar(elem), cursor, offset, bits, index);
  if (elem !== "u8" && elem !== "u16") return b.store(cursor, offset, bits, index);
  const cut = b.op("and", bits.type, [bits, b.constant(bits.type, elem === "u8" ? 0xff : 0xffff)]);
  b.store(cursor, offset, b.op("narrow", vector(elem, lanes), [cut]), index);
}

/** A register brought to the values of its dtype: integers wrap, short floats round. What has been loaded is so already. */
export function normalise(b: KernelBuilder, dtype: DType, value: Term): Term {
  const { type } = value;
  const signed = (bits: number): Term => b.op("shrS", type, [b.op("shl", type, [value], [32 - bits])], [32 - bits]);
  const unsigned = (mask: number): Term => b.op("and", type, [value, b.constant(type, mask)]);
  switch (dtype) {
    case "i16":
      return signed(16);
    case "i8":
      return signed(8);
    case "i4":
      return signed(4);
    case "u16":
      return unsigned(0xffff);
    case "u8":
      return unsigned(0xff);
    case "u4":
      return unsigned(15);
    case "f16":
      return f16ToF32(b, b.let("h", f32ToF16(b, value)));
    case "bf16":
      return bf16ToF32(b, f32ToBf16(b, value));
    default:
      return value;
  }
}

/** One number of the dtype in all lanes. */
export function constantElement(b: KernelBuilder, dtype: DType, lanes: number, value: number | bigint): Term {
  const type = registerType(dtype, lanes);
  if (registerElem(dtype) === "i64") return b.constant(type, BigInt.asIntN(64, BigInt(value)));
  return b.constant(type, registerElem(dtype) === "i32" ? Number(value) | 0 : Number(value));
}
