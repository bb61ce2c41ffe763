import type { TextTable } from "../host/text-table.ts";
import { bf16Bits, bf16FromBits, f16Bits, f16FromBits } from "../support/half.ts";

export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray;

/** Elements in row-major order. A plain list is converted; its values must fit the dtype. Words are for inputs that have labels. */
export type InputData = TypedArray | readonly (number | bigint | boolean | string)[];

/** An input: its elements, or these with their shape, or a tensor of the compiler's library. Without a shape the number of elements decides. */
export type InputValue =
  | InputData
  | { readonly data: InputData; readonly shape?: readonly number[]; readonly dtype?: string }
  | { readonly data: unknown; readonly type: { readonly dtype: string; readonly shape: readonly unknown[] } };

/** An output. f16 and bf16 are widened to Float32Array; bool is 0 or 1; 4-bit integers have an element each; strings are a list. */
export interface OutputTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Exclude<TypedArray, Uint8ClampedArray> | readonly string[];
}

/** What the caller gave, in one form. */
export interface Given {
  /** Words of the dtypes that the elements may stand for; undefined for a plain list, which is converted. */
  readonly dtypes: readonly string[] | undefined;
  readonly shape: readonly number[] | undefined;
  readonly data: InputData;
}

/** Dtypes by class of array. Float32Array and Uint16Array also carry the 16-bit floats, as values and as bits. */
const DTYPES = new Map<unknown, readonly string[]>([
  [Float64Array, ["f64"]],
  [Float32Array, ["f32", "f16", "bf16"]],
  [BigInt64Array, ["i64"]],
  [BigUint64Array, ["u64"]],
  [Int32Array, ["i32"]],
  [Uint32Array, ["u32"]],
  [Int16Array, ["i16"]],
  [Uint16Array, ["u16", "f16", "bf16"]],
  [Int8Array, ["i8", "i4"]],
  [Uint8Array, ["u8", "u4", "bool"]],
  [Uint8ClampedArray, ["u8"]],
]);

/** Undefined for a value that is no tensor in any form. */
export function givenOf(value: unknown): Given | undefined {
  if (isData(value)) return { dtypes: dtypesOf(value), shape: undefined, data: value };
  if (typeof value !== "object" || value === null) return undefined;
  const { data, shape, dtype, type } = value as { data?: unknown; shape?: unknown; dtype?: unknown; type?: { dtype?: unknown; shape?: unknown } };
  if (!isData(data)) return undefined;
  const [word, dims] = type === undefined ? [dtype, shape] : [type.dtype, type.shape];
  if (dims !== undefined && !(Array.isArray(dims) && dims.every((d) => Number.isSafeInteger(d) && d >= 0))) return undefined;
  return { dtypes: typeof word === "string" ? [word] : dtypesOf(data), shape: dims as readonly number[] | undefined, data };
}

function isData(value: unknown): value is InputData {
  return Array.isArray(value) || dtypesOf(value as InputData) !== undefined;
}

function dtypesOf(data: InputData): readonly string[] | undefined {
  // By name where a value comes from another realm (a frame, a vm context): its class is another object there.
  const { constructor } = (data ?? {}) as object;
  return DTYPES.get(constructor) ?? [...DTYPES].find(([known]) => ArrayBuffer.isView(data) && (known as { name: string }).name === constructor.name)?.[1];
}

/** Why `given` can't be an input of this dtype; undefined where it can. */
export function dtypeProblem(given: Given, dtype: string): string | undefined {
  const holds = dtypesOf(given.data);
  if (given.dtypes && !given.dtypes.includes(dtype)) return `found ${given.dtypes[0]}, wanted ${dtype}`;
  if (holds) return holds.includes(dtype) ? undefined : `found ${(given.data as TypedArray).constructor.name} as ${dtype}, wanted ${arrayFor(dtype).name}`;
  const list = given.data as readonly (number | bigint | boolean | string)[];
  const bad = list.findIndex((element) => !fits(element, dtype));
  return bad < 0 ? undefined : `element ${bad} is ${String(list[bad])}, which ${dtype} can't hold`;
}

const INTEGERS: Readonly<Record<string, readonly [bigint, bigint]>> = Object.fromEntries(
  [4, 8, 16, 32, 64].flatMap((bits) => [
    [`i${bits}`, [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]],
    [`u${bits}`, [0n, 2n ** BigInt(bits) - 1n]],
  ]),
);

function fits(element: unknown, dtype: string): boolean {
  if (dtype === "string") return typeof element === "string";
  if (dtype === "bool") return typeof element === "boolean" || element === 0 || element === 1;
  const range = INTEGERS[dtype];
  if (!range) return typeof element === "number";
  if (typeof element !== "bigint" && !Number.isSafeInteger(element)) return false;
  const whole = BigInt(element as number | bigint);
  return whole >= range[0] && whole <= range[1];
}

/** Puts elements into the storage of an input; `dtypeProblem` found nothing. Strings become places among the texts of the run. */
export function storeElements(target: Uint8Array, dtype: string, data: InputData, texts?: TextTable): void {
  if (dtype === "string" && texts)
    return storeElements(
      target,
      "i32",
      Int32Array.from(data as readonly string[], (text) => texts.place(text)),
    );
  if (ArrayBuffer.isView(data)) {
    const halves = data instanceof Float32Array || data.constructor.name === "Float32Array" ? HALVES[dtype] : undefined;
    const source = halves ? Uint16Array.from(data as Float32Array, halves.bits) : data;
    return target.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }
  const array = new (arrayFor(dtype))(data.length) as unknown as Record<number, number | bigint>;
  const bits = HALVES[dtype]?.bits;
  data.forEach((element, i) => {
    array[i] = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(element) : bits ? bits(Number(element)) : Number(element);
  });
  storeElements(target, dtype, array as unknown as TypedArray);
}

/** Elements of a copy of an output's storage. Without texts, strings are their places. */
export function loadElements(stored: Uint8Array, dtype: string, texts?: TextTable): OutputTensor["data"] {
  const { buffer } = new Uint8Array(stored);
  if (dtype === "string") return texts ? Array.from(new Int32Array(buffer), (place) => texts.text(place)) : new Int32Array(buffer);
  const halves = HALVES[dtype];
  if (halves) return Float32Array.from(new Uint16Array(buffer), halves.value);
  return new (arrayFor(dtype))(buffer) as OutputTensor["data"];
}

const HALVES: Readonly<Record<string, { readonly bits: (x: number) => number; readonly value: (bits: number) => number } | undefined>> = {
  f16: { bits: f16Bits, value: f16FromBits },
  bf16: { bits: bf16Bits, value: bf16FromBits },
};

type ArrayClass = new (source: number | ArrayBufferLike) => TypedArray;

/** The array that stores a dtype; 16-bit floats as bits. */
function arrayFor(dtype: string): ArrayClass {
  switch (dtype) {
    case "f16":
    case "bf16":
      return Uint16Array as ArrayClass;
    case "i4":
      return Int8Array as ArrayClass;
    case "u4":
    case "bool":
      return Uint8Array as ArrayClass;
    default:
      for (const [known, dtypes] of DTYPES) if (dtypes[0] === dtype) return known as ArrayClass;
      return Uint8Array as ArrayClass;
  }
}
