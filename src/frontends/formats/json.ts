import { NeoError } from "../../support/errors.ts";
import { checkLimit, limitError, type Limits } from "../../support/limits.ts";
import { isBetweenSingles, quickDecimal } from "./decimal.ts";
import type { DocumentValue } from "./document.ts";

/**
 * JSON as model writers write it: also bare NaN, Infinity and -Infinity. Read from bytes without recursion, so that neither size
 * nor depth is the engine's to bear. Throws NEO2030 with the byte, or a limit. Of equal keys the last counts.
 */
export function readJson(bytes: Uint8Array, file: string, limits: Limits, toNumber: (text: string) => number = Number): DocumentValue {
  checkLimit("fileBytes", limits, file, "bytes of the file:", bytes.length);
  return new JsonReader(bytes, file, limits, toNumber).document();
}

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, PLUS, DOT] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2b, 0x2e];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const WORDS: ReadonlyMap<string, boolean | null | number> = new Map<string, boolean | null | number>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", NaN],
  ["nan", NaN],
  ["-NaN", NaN],
  ["-nan", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["inf", Infinity],
  ["-inf", -Infinity],
]);
const LONGEST_NUMBER = 1100;

interface Open {
  readonly object: Map<string, DocumentValue> | undefined;
  readonly array: DocumentValue[] | undefined;
  key: string;
}

class JsonReader {
  private readonly bytes: Uint8Array;
  private readonly file: string;
  private readonly limits: Limits;
  private readonly toNumber: (text: string) => number;
  private readonly decoder = new TextDecoder();
  private at = 0;
  /** Containers, keys and texts so far; numbers are bounded by the file's size. */
  private parts = 0;

  constructor(bytes: Uint8Array, file: string, limits: Limits, toNumber: (text: string) => number) {
    this.bytes = bytes;
    this.file = file;
    this.limits = limits;
    this.toNumber = toNumber;
  }

  document(): DocumentValue {
    const stack: Open[] = [];
    for (;;) {
      let value = this.begin(stack);
      if (value === undefined) continue;
      for (;;) {
        const inner = stack.at(-1);
        if (!inner) {
          this.skipSpace();
          return this.at < this.bytes.length ? this.fail("the document ends, and more follows") : value;
        }
        if (inner.object) inner.object.set(inner.key, value);
        else inner.array!.push(value);
        this.skipSpace();
        const byte = this.bytes[this.at++];
        if (byte === COMMA) {
          if (inner.object) inner.key = this.key();
          break;
        }
        if (byte !== (inner.object ? CLOSE_OBJECT : CLOSE_ARRAY)) return this.fail(`wanted a comma or ${inner.object ? "}" : "]"}`, this.at - 1);
        stack.pop();
        value = (inner.object ?? inner.array)!;
      }
    }
  }

  /** A whole value, or undefined where a container has been opened. */
  private begin(stack: Open[]): DocumentValue | undefined {
    this.skipSpace();
    const byte = this.bytes[this.at];
    if (byte === QUOTE) return this.text();
    if (byte !== OPEN_OBJECT && byte !== OPEN_ARRAY) return this.word(byte);
    this.at++;
    this.count();
    this.skipSpace();
    const isObject = byte === OPEN_OBJECT;
    if (this.bytes[this.at] === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
      this.at++;
      return isObject ? new Map<string, DocumentValue>() : [];
    }
    if (stack.length >= this.limits.depth) throw limitError("depth", this.limits, this.file, `levels of the document at byte ${this.at}:`, stack.length + 1);
    const open: Open = isObject ? { object: new Map(), array: undefined, key: "" } : { object: undefined, array: [], key: "" };
    stack.push(open);
    if (isObject) open.key = this.key();
    return undefined;
  }

  private key(): string {
    this.skipSpace();
    if (this.bytes[this.at] !== QUOTE) return this.fail("wanted a key in quotes");
    const key = this.text();
    checkLimit("nameBytes", this.limits, this.file, `letters of the key at byte ${this.at}:`, key.length);
    this.skipSpace();
    if (this.bytes[this.at++] !== COLON) return this.fail("wanted a colon", this.at - 1);
    return key;
  }

  private text(): string {
    this.count();
    const start = ++this.at;
    let end = start;
    let escaped = false;
    for (; this.bytes[end] !== QUOTE; end++) {
      if (this.bytes[end] === BACKSLASH) [escaped, end] = [true, end + 1];
      if (end >= this.bytes.length) return this.fail("the text does not end", start - 1);
    }
    this.at = end + 1;
    const raw = this.decoder.decode(this.bytes.subarray(start, end));
    return escaped ? this.unescaped(raw, start) : raw;
  }

  private unescaped(raw: string, start: number): string {
    return raw.replace(/\\(u[0-9a-fA-F]{4}|[^])/g, (_, code: string) => {
      if (code.length > 1) return String.fromCharCode(parseInt(code.slice(1), 16));
      return ESCAPES[code] ?? this.fail(`the text has the escape \\${code}`, start);
    });
  }

  private word(first: number | undefined): DocumentValue {
    const start = this.at;
    if (first === undefined) return this.fail("the document ends in the middle");
    let whole = 0;
    let isWhole = true;
    let end = start;
    for (; ; end++) {
      const byte = this.bytes[end]!;
      if (byte >= 0x30 && byte <= 0x39) whole = whole * 10 + byte - 0x30;
      else if (isWordByte(byte)) isWhole = false;
      else break;
    }
    this.at = end;
    const length = end - start;
    if (isWhole && length > 0 && length < 16) return whole;
    if (length === 0 || length > LONGEST_NUMBER) return this.fail(length === 0 ? "wanted a value" : `a word of ${length} letters`, start);
    const quick = quickDecimal(this.bytes, start, end);
    // Two roundings of a decimal are one, but in the middle.
    if (quick !== undefined && !isBetweenSingles(quick)) return quick;
    const word = String.fromCharCode(...this.bytes.subarray(start, end));
    const known = WORDS.get(word);
    if (known !== undefined) return known;
    if (!/^-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$/.test(word)) return this.fail(`"${word.slice(0, 40)}" is no value`, start);
    return this.toNumber(word);
  }

  private skipSpace(): void {
    for (let byte = this.bytes[this.at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = this.bytes[this.at]) this.at++;
  }

  private count(): void {
    if (++this.parts > this.limits.parts) throw limitError("parts", this.limits, this.file, "containers and texts of the document:", this.parts);
  }

  private fail(text: string, at = this.at): never {
    throw new NeoError({
      code: "NEO2030",
      message: `${this.file} is not readable JSON`,
      notes: [{ where: `byte ${at}`, text }],
      hint: "the file may be cut short: copy it again, or save the model again",
      file: this.file,
    });
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Letters, signs and points of numbers and bare words; digits are looked at before. */
function isWordByte(byte: number): boolean {
  return byte === MINUS || byte === PLUS || byte === DOT || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
