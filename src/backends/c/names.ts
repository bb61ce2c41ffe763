import { isMask, lanesOfType } from "../../kernel/build.ts";
import { ELEM_BYTES, type Elem, type Type } from "../../kernel/kernel.ts";

const SCALARS: Readonly<Record<Elem | "c8", string>> = {
  c8: "char", u8: "uint8_t", i8: "int8_t", u16: "uint16_t", i16: "int16_t", i32: "int32_t", i64: "int64_t", f32: "float", f64: "double",
};

/** The typedef's name of a type: "f32x8", "i32". A mask is a vector of integers as wide as the lanes of the kernel's vectors. */
export function typeName(type: Type, kernelLanes: number): string {
  const { elem, lanes } = storageOf(type, kernelLanes);
  return lanes === 1 ? elem : `${elem}x${lanes}`;
}

/** What holds values of a type in C: masks of one lane are ints, others integers of the natural width. */
export function storageOf(type: Type, kernelLanes: number): { readonly elem: Elem; readonly lanes: number } {
  if (!isMask(type)) return type;
  if (type.mask === 1) return { elem: "i32", lanes: 1 };
  return { elem: integerOf((kernelLanes * 4) / type.mask), lanes: type.mask };
}

/** The signed integer of so many bytes. */
export function integerOf(bytes: number): Elem {
  return bytes === 1 ? "i8" : bytes === 2 ? "i16" : bytes === 4 ? "i32" : "i64";
}

/** Lanes -1 and 0, as wide as the elements of `type`: what a comparison of such vectors gives in C. */
export function comparisonName(type: Type, kernelLanes: number): string {
  const { elem, lanes } = storageOf(type, kernelLanes);
  return lanes === 1 ? "i32" : `${integerOf(ELEM_BYTES[elem])}x${lanes}`;
}

/** The typedef behind a name that `typeName` gave. Memory accesses go through these names: they may alias and lie anywhere. */
export function typedefOf(name: string): string {
  const [elem, lanes] = name.split("x") as [Elem | "c8", string | undefined];
  if (!lanes) return `typedef ${SCALARS[elem]} ${name} __attribute__((may_alias));`;
  const width = elem === "c8" ? 1 : ELEM_BYTES[elem];
  return `typedef ${SCALARS[elem]} ${name} __attribute__((vector_size(${width * Number(lanes)}), aligned(${width}), may_alias));`;
}

const TAKEN = new Set(
  ("auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed " +
    "sizeof static struct switch typedef union unsigned void volatile while asm typeof INLINE EXPORT linux unix arena weights inputs outputs").split(" "),
);

/** A C identifier for a name of the kernel IR. Type names keep out of the way, too. */
export function identifier(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  return TAKEN.has(clean) || /^[uif](?:8|16|32|64)(?:x\d+)?$/.test(clean) || /^model_/.test(clean) ? `${clean}_` : clean;
}

export function isVector(type: Type): boolean {
  return lanesOfType(type) > 1;
}
