import { I32, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";

/** Elements that live in i32 registers. */
export function isNarrow(elem: Elem): boolean {
  return elem === "u8" || elem === "i8" || elem === "u16" || elem === "i16";
}

/** The register that holds one element. */
export function registerOf(elem: Elem): Type {
  return isNarrow(elem) ? I32 : scalar(elem);
}

export function elementConstant(b: KernelBuilder, elem: Elem, value: number): Term {
  return b.constant(registerOf(elem), elem === "i64" ? BigInt(value) : value);
}
