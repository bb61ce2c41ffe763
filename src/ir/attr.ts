import type { Tensor } from "./tensor.ts";
import { DTYPES, type DType } from "./types.ts";

/** Values that an attribute of an op may have. */
export type AttrValue = number | bigint | boolean | string | readonly number[] | readonly string[] | Tensor | undefined;

/** How one attribute is checked, defaulted and typed. */
export interface AttrKind<T> {
  readonly kind: string;
  readonly required: boolean;
  readonly fallback: T | undefined;
  readonly accepts: (value: unknown) => boolean;
  /** Only for the type system. */
  readonly type?: T;
}

export type AttrSchema = Readonly<Record<string, AttrKind<unknown>>>;

export type AttrsOf<A extends AttrSchema> = { readonly [K in keyof A]: A[K] extends AttrKind<infer T> ? T : never };

/** What a creator must write: attributes with a default may be left out. */
export type AttrsInput<A extends AttrSchema> = { readonly [K in keyof A]?: (A[K] extends AttrKind<infer T> ? T : never) | undefined };

function kind<T>(name: string, accepts: (value: unknown) => boolean): { (): AttrKind<T>; (fallback: T): AttrKind<T> } {
  return (...fallback: [T?]) => ({ kind: name, required: fallback.length === 0, fallback: fallback[0], accepts });
}

const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every((x) => typeof x === "number");

/** `int()` is required, `int(0)` has a default; the same for all kinds. */
export const int = kind<number>("int", (v) => Number.isSafeInteger(v));
export const float = kind<number>("float", (v) => typeof v === "number");
export const bool = kind<boolean>("bool", (v) => typeof v === "boolean");
export const text = kind<string>("string", (v) => typeof v === "string");
export const ints = kind<readonly number[]>("ints", (v) => isNumbers(v) && (v as number[]).every(Number.isSafeInteger));
export const texts = kind<readonly string[]>("strings", (v) => Array.isArray(v) && v.every((x) => typeof x === "string"));
export const floats = kind<readonly number[]>("floats", isNumbers);
export const dtype = kind<DType>("dtype", (v) => DTYPES.includes(v as DType));
export const tensorAttr = kind<Tensor>("tensor", (v) => typeof v === "object" && v !== null && "data" in v);

/** One of a closed set of words; the first is the default. */
export function oneOf<const W extends readonly [string, ...string[]]>(...words: W): AttrKind<W[number]> {
  return { kind: `one of ${words.join(", ")}`, required: false, fallback: words[0], accepts: (v) => words.includes(v as string) };
}

/** Activation fused behind an op: `alpha` and `beta` are the slope or the bounds where the word needs them. */
export const ACTIVATIONS = [
  "none",
  "relu",
  "clip",
  "leakyRelu",
  "gelu",
  "geluTanh",
  "silu",
  "hardSwish",
  "hardSigmoid",
  "sigmoid",
  "tanh",
  "elu",
  "exp",
  "softplus",
] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];
export const activationAttrs = { activation: oneOf(...ACTIVATIONS), alpha: float(0), beta: float(0) };
