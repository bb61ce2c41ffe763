import { Reader } from "protobufjs/minimal.js";
import { NeoError } from "../../support/errors.ts";
import { limitError, type Limits } from "../../support/limits.ts";

/**
 * Protocol buffers by descriptor tables: only the fields a table names are kept, all else is skipped. Repeated numbers may come
 * packed or not. Bytes are views of the file. No code is generated, so it also runs where a page forbids `eval`.
 */

interface ScalarTypes {
  readonly int32: number;
  readonly int64: bigint;
  readonly uint64: bigint;
  readonly float: number;
  readonly double: number;
  readonly string: string;
  readonly bytes: Uint8Array;
}

type Scalar = keyof ScalarTypes;
type RepeatedNumbers = {
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
  readonly float: Float32Array;
  readonly double: Float64Array;
};

export interface Field {
  readonly name: string;
  readonly repeated: boolean;
  readonly type: Scalar | (() => MessageType<unknown>);
}

export interface MessageType<T> {
  readonly name: string;
  readonly fields: Readonly<Record<number, Field>>;
  /** Prototype of decoded messages: empty arrays for repeated fields, so that absent fields cost nothing. */
  readonly absent: object;
  /** Only for the type system. */
  readonly message?: T;
}

/** What a table must say of a field of type V. */
type FieldOf<K, V> = Field & { readonly name: K; readonly value?: V };

export function scalar<const N extends string, S extends Scalar>(name: N, type: S): FieldOf<N, ScalarTypes[S] | undefined> {
  return { name, repeated: false, type };
}

export function numbers<const N extends string, S extends keyof RepeatedNumbers>(name: N, type: S): FieldOf<N, RepeatedNumbers[S]> {
  return { name, repeated: true, type };
}

export function list<const N extends string, S extends "string" | "bytes">(name: N, type: S): FieldOf<N, readonly ScalarTypes[S][]> {
  return { name, repeated: true, type };
}

export function one<const N extends string, T>(name: N, type: () => MessageType<T>): FieldOf<N, T | undefined> {
  return { name, repeated: false, type: type as () => MessageType<unknown> };
}

export function many<const N extends string, T>(name: N, type: () => MessageType<T>): FieldOf<N, readonly T[]> {
  return { name, repeated: true, type: type as () => MessageType<unknown> };
}

/** A table whose fields, by number, are exactly those of the interface T. */
export function message<T>(name: string, fields: Readonly<Record<number, { readonly [K in keyof T]-?: FieldOf<K, T[K]> }[keyof T]>>): MessageType<T> {
  const absent: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const field of Object.values(fields) as unknown as Field[]) if (field.repeated) absent[field.name] = emptyList(field.type);
  return { name, fields: fields as unknown as Readonly<Record<number, Field>>, absent };
}

/** Decodes a message. Throws NEO2001 where the bytes are not one, NEO70xx beyond a limit. */
export function decodeMessage<T>(type: MessageType<T>, bytes: Uint8Array, file: string, limits: Limits): T {
  if (bytes.length > limits.fileBytes) throw limitError("fileBytes", limits, file, "bytes of the file:", bytes.length);
  const decoder = new Decoder(bytes, file, limits);
  try {
    return decoder.decode(type, Object.create(type.absent) as Draft, bytes.length, 0) as T;
  } catch (error) {
    if (error instanceof NeoError) throw error;
    throw new NeoError({
      code: "NEO2001",
      message: `${file} is not a well-formed ${type.name} (byte ${decoder.reader.pos} of ${bytes.length})`,
      notes: [{ where: decoder.path.join("."), text: error instanceof Error ? error.message : String(error) }],
      hint: "the file is damaged or cut short: compare its size with the original, or export it again",
      file,
      cause: error,
    });
  }
}

type Draft = Record<string, unknown>;

/** A subgraph is three messages below its graph: node, attribute, graph. */
const MESSAGES_PER_DEPTH = 3;

class Decoder {
  readonly reader: Reader;
  /** Names of the fields being decoded. */
  readonly path: string[] = [];
  private readonly file: string;
  private readonly limits: Limits;
  private parts = 0;

  constructor(bytes: Uint8Array, file: string, limits: Limits) {
    this.reader = new Reader(bytes);
    this.file = file;
    this.limits = limits;
  }

  decode(type: MessageType<unknown>, draft: Draft, end: number, depth: number): Draft {
    if (depth > (this.limits.depth + 1) * MESSAGES_PER_DEPTH) throw limitError("depth", this.limits, this.file, "nesting of messages", depth);
    const outerEnd = this.reader.len;
    this.reader.len = end;
    let growing: Map<Field, Growing> | undefined;
    while (this.reader.pos < end) {
      const tag = this.reader.tag();
      const field = type.fields[tag >>> 3];
      if (tag >>> 3 === 0) throw new RangeError("field number 0");
      if (!field) this.reader.skipType(tag & 7, 0, tag >>> 3);
      else if (field.repeated && typeof field.type === "string" && field.type in ARRAYS) this.numbers(field, tag & 7, (growing ??= new Map()));
      else this.field(field, tag & 7, draft, depth);
    }
    for (const [field, values] of growing ?? []) draft[field.name] = values.finish();
    this.reader.len = outerEnd;
    return draft;
  }

  private field(field: Field, wire: number, draft: Draft, depth: number): void {
    this.path.push(field.name);
    if (typeof field.type === "function") this.submessage(field, field.type(), wire, draft, depth);
    else if (field.type === "string" || field.type === "bytes") this.text(field, field.type, wire, draft);
    else draft[field.name] = this.number(field.type, wire);
    this.path.pop();
  }

  private submessage(field: Field, type: MessageType<unknown>, wire: number, draft: Draft, depth: number): void {
    const end = this.block(wire);
    this.count();
    // A singular message that comes twice is merged, as the encoding's rules say.
    const before = field.repeated ? undefined : (draft[field.name] as Draft | undefined);
    const value = this.decode(type, before ?? (Object.create(type.absent) as Draft), end, depth + 1);
    if (field.repeated) append(draft, field.name, value);
    else draft[field.name] = value;
  }

  private text(field: Field, type: "string" | "bytes", wire: number, draft: Draft): void {
    const end = this.block(wire);
    const length = end - this.reader.pos;
    if (type === "string" && length > this.limits.nameBytes) throw limitError("nameBytes", this.limits, this.file, `bytes of ${this.path.join(".")}:`, length);
    this.count();
    const bytes = this.reader.raw(this.reader.pos, end);
    this.reader.pos = end;
    const value = type === "bytes" ? bytes : utf8.decode(bytes);
    if (field.repeated) append(draft, field.name, value);
    else draft[field.name] = value;
  }

  private numbers(field: Field, wire: number, growing: Map<Field, Growing>): void {
    const type = field.type as keyof RepeatedNumbers;
    let values = growing.get(field);
    if (!values) growing.set(field, (values = new Growing(type)));
    if (wire !== 2) {
      values.push(this.number(type, wire));
      return;
    }
    const end = this.block(wire);
    const width = type === "float" ? 4 : type === "double" ? 8 : undefined;
    if (width !== undefined) {
      values.append(this.reader.raw(this.reader.pos, end), width);
      this.reader.pos = end;
      return;
    }
    const outerEnd = this.reader.len;
    this.reader.len = end;
    while (this.reader.pos < end) values.push(this.number(type, 0));
    this.reader.len = outerEnd;
  }

  private number(type: keyof RepeatedNumbers, wire: number): number | bigint {
    const wanted = type === "float" ? 5 : type === "double" ? 1 : 0;
    if (wire !== wanted) throw new RangeError(`wire type ${wire}, wanted ${wanted}`);
    switch (type) {
      case "int32":
        return this.reader.int32();
      case "int64":
        return this.varint64(false);
      case "uint64":
        return this.varint64(true);
      case "float":
        return this.reader.float();
      case "double":
        return this.reader.double();
    }
  }

  private varint64(unsigned: boolean): bigint {
    const { low, high } = this.reader.int64() as unknown as { readonly low: number; readonly high: number };
    const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    return unsigned ? bits : BigInt.asIntN(64, bits);
  }

  /** Where the length-delimited value that starts here ends. */
  private block(wire: number): number {
    if (wire !== 2) throw new RangeError(`wire type ${wire}, wanted 2`);
    const end = this.reader.size() + this.reader.pos;
    if (end > this.reader.len) throw new RangeError(`length reaches byte ${end}, the enclosing message ends at ${this.reader.len}`);
    return end;
  }

  private count(): void {
    if (++this.parts > this.limits.parts) throw limitError("parts", this.limits, this.file, "messages and strings:", this.parts);
  }
}

const utf8 = new TextDecoder("utf-8");

function append(draft: Draft, name: string, value: unknown): void {
  if (Object.hasOwn(draft, name)) (draft[name] as unknown[]).push(value);
  else draft[name] = [value];
}

const ARRAYS = { int32: Int32Array, int64: BigInt64Array, uint64: BigUint64Array, float: Float32Array, double: Float64Array } as const;

/** A typed array that doubles when it is full. */
class Growing {
  private readonly type: keyof RepeatedNumbers;
  private values: RepeatedNumbers[keyof RepeatedNumbers];
  private length = 0;

  constructor(type: keyof RepeatedNumbers) {
    this.type = type;
    this.values = new ARRAYS[type](4);
  }

  push(value: number | bigint): void {
    this.reserve(1);
    this.values[this.length++] = value as never;
  }

  /** Little-endian elements of fixed width. */
  append(bytes: Uint8Array, width: number): void {
    if (bytes.length % width !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of ${width}-byte elements`);
    const count = bytes.length / width;
    this.reserve(count);
    const target = new Uint8Array(this.values.buffer);
    target.set(bytes, this.length * width);
    this.length += count;
  }

  finish(): RepeatedNumbers[keyof RepeatedNumbers] {
    return this.length === this.values.length ? this.values : (this.values.slice(0, this.length) as RepeatedNumbers[keyof RepeatedNumbers]);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.values.length) return;
    const grown = new ARRAYS[this.type](Math.max(this.values.length * 2, this.length + more));
    grown.set(this.values as never);
    this.values = grown;
  }
}

function emptyList(type: Field["type"]): unknown {
  return typeof type === "string" && type in ARRAYS ? new ARRAYS[type as keyof RepeatedNumbers](0) : Object.freeze([]);
}
