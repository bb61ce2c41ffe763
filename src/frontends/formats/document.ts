import { NeoError } from "../../support/errors.ts";

/** A value of a document (JSON, UBJSON). Arrays of numbers may be typed arrays. */
export type DocumentValue = null | boolean | number | string | DocumentArray | DocumentObject;
export type DocumentArray = readonly DocumentValue[] | NumberArray;
export type DocumentObject = ReadonlyMap<string, DocumentValue>;
export type NumberArray = Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** A place in a document, read as what is wanted there. What is absent or something else is NEO2031 with the place. */
export class DocumentEntry {
  readonly value: DocumentValue | undefined;
  readonly path: string;
  readonly file: string;

  constructor(value: DocumentValue | undefined, file: string, path = "") {
    this.value = value;
    this.file = file;
    this.path = path;
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The entry under these keys, which may be absent: reading it tells. */
  at(...keys: readonly string[]): DocumentEntry {
    let value = this.value;
    for (const key of keys) value = value instanceof Map ? (value as DocumentObject).get(key) : undefined;
    return new DocumentEntry(value, this.file, [this.path, ...keys].filter((part) => part !== "").join("."));
  }

  text(): string {
    return typeof this.value === "string" ? this.value : this.fail("text");
  }

  /** A number, also where it is written as text, or as true or false. */
  number(): number {
    if (typeof this.value === "number") return this.value;
    if (typeof this.value === "boolean") return Number(this.value);
    if (typeof this.value === "string" && /^\s*[-+]?[0-9.]/.test(this.value) && !Number.isNaN(Number(this.value))) return Number(this.value);
    return this.fail("a number");
  }

  /** A whole number of this range. */
  integer(low: number, high: number): number {
    const value = this.number();
    return Number.isInteger(value) && value >= low && value <= high ? value : this.fail(`a whole number from ${low} to ${high}`);
  }

  /** The elements of an array. */
  list(): readonly DocumentEntry[] {
    const { value } = this;
    if (!isArray(value)) return this.fail("an array");
    return Array.from<DocumentValue, DocumentEntry>(value, (element, i) => new DocumentEntry(element, this.file, `${this.path}[${i}]`));
  }

  /** The elements of an array of numbers; true and false are 1 and 0. */
  numbers(): ArrayLike<number> {
    const { value } = this;
    if (!isArray(value)) return this.fail("an array of numbers");
    if (!Array.isArray(value)) return value as NumberArray;
    const elements = value as readonly DocumentValue[];
    if (elements.every((element) => typeof element === "number")) return elements;
    return this.list().map((element) => element.number());
  }

  texts(): readonly string[] {
    return this.list().map((element) => element.text());
  }

  /** Keys of an object. */
  keys(): readonly string[] {
    return this.value instanceof Map ? [...(this.value as DocumentObject).keys()] : this.fail("an object");
  }

  fail(wanted: string): never {
    throw new NeoError({
      code: "NEO2031",
      message: `${this.file} has not what its format says`,
      notes: [{ where: this.path || "the document", text: `${describe(this.value)}, wanted ${wanted}` }],
      hint: "save the model again with the library that trained it",
      file: this.file,
    });
  }
}

function isArray(value: DocumentValue | undefined): value is DocumentArray {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function describe(value: DocumentValue | undefined): string {
  if (value === undefined) return "is absent";
  if (value === null || typeof value === "boolean" || typeof value === "number") return `is ${String(value)}`;
  if (typeof value === "string") return `is "${value.slice(0, 40).replace(/[^\x20-\x7e]/g, "\ufffd")}"`;
  return isArray(value) ? `is an array of ${value.length}` : "is an object";
}
