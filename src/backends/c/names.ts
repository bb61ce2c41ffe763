import { isMask } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";

/** Besides the elements there are unsigned words, for shifts, and plain chars, of which gcc's builtins for bytes are. */
const SCALARS: Readonly<Record<string, { readonly text: string; readonly bytes: number }>> = {
  c8: { text: "char", bytes: 1 },
  u8: { text: "uint8_t", bytes: 1 },
  i8: { text: "int8_t", bytes: 1 },
  u16: { text: "uint16_t", bytes: 2 },
  i16: { text: "int16_t", bytes: 2 },
  u32: { text: "uint32_t", bytes: 4 },
  i32: { text: "int32_t", bytes: 4 },
  // Not int64_t, which is long on some systems: builtins and suffixes want long long.
  u64: { text: "unsigned long long", bytes: 8 },
  i64: { text: "long long", bytes: 8 },
  f32: { text: "float", bytes: 4 },
  f64: { text: "double", bytes: 8 },
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

/** The typedef behind a name that `typeName` gave. Memory accesses go through these names: they may alias and lie anywhere. */
export function typedefOf(name: string): string {
  const [elem, lanes] = name.split("x");
  const { text, bytes } = SCALARS[elem!]!;
  if (!lanes) return `typedef ${text} ${name} __attribute__((may_alias));`;
  return `typedef ${text} ${name} __attribute__((vector_size(${bytes * Number(lanes)}), aligned(${bytes}), may_alias));`;
}

const TAKEN = new Set(
  (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed " +
    "sizeof static struct switch typedef union unsigned void volatile while asm typeof INLINE EXPORT linux unix arena weights inputs outputs"
  ).split(" "),
);

/** A C identifier for a name of the kernel IR. Type names keep out of the way, too. */
export function identifier(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  return TAKEN.has(clean) || /^[cuif](?:8|16|32|64)(?:x\d+)?$/.test(clean) || /^model_/.test(clean) ? `${clean}_` : clean;
}
