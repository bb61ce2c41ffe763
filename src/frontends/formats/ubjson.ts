import { NeoError } from "../../support/errors.ts";
import { checkLimit, limitError, type Limits } from "../../support/limits.ts";
import type { DocumentValue, NumberArray } from "./document.ts";

/**
 * UBJSON as XGBoost writes it: big-endian, keys with a length and no marker, counted arrays without an end, packed arrays of
 * numbers at any address. Plain arrays that end in `]` are read too. Throws NEO2030 with the byte, or a limit.
 */
export function readUbjson(bytes: Uint8Array, file: string, limits: Limits): DocumentValue {
  checkLimit("fileBytes", limits, file, "bytes of the file:", bytes.length);
  const reader = new UbjsonReader(bytes, file, limits);
  const value = reader.value(reader.marker(), 0);
  return reader.ended ? value : reader.fail("the document ends, and more follows");
}

/** The value that begins at the start of `bytes`, whatever follows it: one inside another file. */
export function readUbjsonPrefix(bytes: Uint8Array, file: string, limits: Limits): DocumentValue {
  const reader = new UbjsonReader(bytes, file, limits);
  return reader.value(reader.marker(), 0);
}

const INTEGER_BYTES: Readonly<Record<string, number>> = { __proto__: null as never, i: 1, U: 1, I: 2, u: 2, l: 4, L: 8 };
const ELEMENT_BYTES: Readonly<Record<string, number>> = { __proto__: null as never, d: 4, D: 8, i: 1, U: 1, I: 2, l: 4, L: 8 };

class UbjsonReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly file: string;
  private readonly limits: Limits;
  private readonly decoder = new TextDecoder();
  private at = 0;
  private parts = 0;

  constructor(bytes: Uint8Array, file: string, limits: Limits) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
    this.limits = limits;
  }

  get ended(): boolean {
    return this.at === this.bytes.length;
  }

  marker(): string {
    for (;;) {
      const letter = String.fromCharCode(this.bytes[this.take(1)]!);
      if (letter !== "N") return letter;
    }
  }

  value(marker: string, depth: number): DocumentValue {
    if (++this.parts > this.limits.parts) throw limitError("parts", this.limits, this.file, "values of the document:", this.parts);
    if (depth > this.limits.depth) throw limitError("depth", this.limits, this.file, `levels of the document at byte ${this.at}:`, depth);
    switch (marker) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case "S":
        return this.text(this.length());
      case "C":
        return this.text(1);
      case "Z":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      case "d":
        return this.view.getFloat32(this.take(4));
      case "D":
        return this.view.getFloat64(this.take(8));
      default:
        return marker in INTEGER_BYTES ? this.integer(marker) : this.fail(`"${printable(marker)}" is no kind of value`, this.at - 1);
    }
  }

  private object(depth: number): DocumentValue {
    const object = new Map<string, DocumentValue>();
    for (;;) {
      const marker = this.marker();
      if (marker === "}") return object;
      if (!(marker in INTEGER_BYTES)) return this.fail(`"${printable(marker)}" stands where a key begins`, this.at - 1);
      const length = this.integer(marker);
      checkLimit("nameBytes", this.limits, this.file, `letters of the key at byte ${this.at}:`, length);
      const key = this.text(length);
      object.set(key, this.value(this.marker(), depth + 1));
    }
  }

  private array(depth: number): DocumentValue {
    let marker = this.marker();
    let packed: string | undefined;
    if (marker === "$") {
      packed = this.marker();
      marker = this.marker();
      if (marker !== "#") return this.fail("a packed array has no count", this.at - 1);
    }
    if (marker === "#") {
      const count = this.length();
      if (packed !== undefined) return this.packed(packed, count);
      if (count > this.bytes.length - this.at) return this.fail(`an array of ${count} does not fit the file`);
      return Array.from({ length: count }, () => this.value(this.marker(), depth + 1));
    }
    const list: DocumentValue[] = [];
    for (; marker !== "]"; marker = this.marker()) list.push(this.value(marker, depth + 1));
    return list;
  }

  private packed(kind: string, count: number): NumberArray {
    const width = ELEMENT_BYTES[kind];
    if (width === undefined) return this.fail(`a packed array of "${printable(kind)}"`);
    if (count > (this.bytes.length - this.at) / width) return this.fail(`an array of ${count} does not fit the file`);
    const start = this.take(count * width);
    const { view } = this;
    const at = (i: number): number => start + i * width;
    switch (kind) {
      case "d":
        return Float32Array.from({ length: count }, (_, i) => view.getFloat32(at(i)));
      case "D":
        return Float64Array.from({ length: count }, (_, i) => view.getFloat64(at(i)));
      case "i":
        return Int8Array.from({ length: count }, (_, i) => view.getInt8(at(i)));
      case "U":
        return this.bytes.slice(start, start + count);
      case "I":
        return Int16Array.from({ length: count }, (_, i) => view.getInt16(at(i)));
      case "l":
        return Int32Array.from({ length: count }, (_, i) => view.getInt32(at(i)));
      default:
        return Float64Array.from({ length: count }, (_, i) => this.safe(view.getBigInt64(at(i))));
    }
  }

  private length(): number {
    const marker = this.marker();
    const length = marker in INTEGER_BYTES ? this.integer(marker) : this.fail(`"${printable(marker)}" stands where a length is`, this.at - 1);
    return length >= 0 ? length : this.fail(`a length of ${length}`);
  }

  private integer(marker: string): number {
    const at = this.take(INTEGER_BYTES[marker]!);
    switch (marker) {
      case "i":
        return this.view.getInt8(at);
      case "U":
        return this.view.getUint8(at);
      case "I":
        return this.view.getInt16(at);
      case "u":
        return this.view.getUint16(at);
      case "l":
        return this.view.getInt32(at);
      default:
        return this.safe(this.view.getBigInt64(at));
    }
  }

  private text(length: number): string {
    if (length < 0) return this.fail(`a text of ${length} letters`);
    const start = this.take(length);
    return this.decoder.decode(this.bytes.subarray(start, start + length));
  }

  private safe(value: bigint): number {
    return Number.isSafeInteger(Number(value)) ? Number(value) : this.fail(`the number ${value}`);
  }

  private take(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) return this.fail(`${count} bytes are wanted and ${this.bytes.length - start} left`);
    this.at += count;
    return start;
  }

  fail(text: string, at = this.at): never {
    throw new NeoError({
      code: "NEO2030",
      message: `${this.file} is not readable UBJSON`,
      notes: [{ where: `byte ${at}`, text }],
      hint: "the file may be cut short: copy it again, or save the model again",
      file: this.file,
    });
  }
}

function printable(letter: string): string {
  return /^[\x20-\x7e]$/.test(letter) ? letter : `byte ${letter.charCodeAt(0)}`;
}
