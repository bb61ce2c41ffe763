/**
 * `dense<[1, 2.5, nan]> : tensor<3xf32>`: elements in row-major order; one element without brackets is all of them; `0x` and the
 * little-endian bytes of `encodeData` where elements are many, or NaNs that a word would not bring back bit for bit.
 */
import { checkLimit, DEFAULT_LIMITS, safeProduct } from "../../support/limits.ts";
import { allocate, byteLength, convertElement, decodeData, encodeData, type Data, type Tensor } from "../tensor.ts";
import { BITS, integerRange, isFloat, isStatic, isWide, type DType, type StaticType } from "../types.ts";
import type { Scanner } from "../../support/scanner.ts";
import { parseNumber, parseType, printNumber, printType } from "./types.ts";

/** More elements than this are written as bytes. */
const LISTED = 16;

/** With `short`, many elements are left out; that form can't be parsed. */
export function printTensor({ type, data }: Tensor, short = false): string {
  return `dense<${printElements(type.dtype, data, short)}> : ${printType(type)}`;
}

export function parseTensor(scanner: Scanner, file: string): Tensor {
  scanner.expect("dense<");
  const start = scanner.at;
  skipElements(scanner);
  scanner.expect(">");
  scanner.expect(":");
  const type = parseType(scanner);
  const end = scanner.at;
  if (!isStatic(type)) return scanner.fail("a type whose extents are numbers");
  const count = safeProduct(type.shape) ?? Infinity;
  checkLimit("tensorBytes", DEFAULT_LIMITS, file, `a constant of ${printType(type)} has`, Math.ceil((count * Math.max(BITS[type.dtype], 8)) / 8));
  scanner.at = start;
  const data = parseElements(scanner, type, count);
  scanner.expect(">");
  scanner.at = end;
  return { type, data };
}

function printElements(dtype: DType, data: Data, short: boolean): string {
  if (dtype === "string") return short && data.length > LISTED ? "..." : `[${(data as string[]).map((s) => JSON.stringify(s)).join(", ")}]`;
  if (data.length > 0 && isSplat(data)) {
    const [word] = printList(dtype, data.slice(0, 1) as Data);
    if (word !== undefined) return word;
  }
  if (data.length > LISTED && short) return "...";
  const words = data.length <= LISTED ? printList(dtype, data) : [];
  if (words.length === data.length) return `[${words.join(", ")}]`;
  return `0x${hex(encodeData(dtype, data))}`;
}

/** Elements as words; none where they would not come back with the same bits. */
function printList(dtype: DType, data: Data): string[] {
  const copy = allocate(dtype, data.length) as { [i: number]: unknown };
  for (let i = 0; i < data.length; i++) copy[i] = Number.isNaN(data[i]) ? NaN : data[i];
  if (isFloat(dtype) && hex(encodeData(dtype, data)) !== hex(encodeData(dtype, copy as unknown as Data))) return [];
  return Array.from(data as ArrayLike<number | bigint>, (element) => printElement(dtype, element));
}

function printElement(dtype: DType, element: number | bigint): string {
  if (typeof element === "bigint") return String(element);
  if (dtype === "bool") return element ? "true" : "false";
  if (!isFloat(dtype) || !Number.isFinite(element)) return printNumber(element);
  for (let digits = 1; digits < 17; digits++) {
    const shorter = Number(element.toPrecision(digits));
    if (Object.is(convertElement(dtype, shorter), element)) return printNumber(shorter);
  }
  return printNumber(element);
}

function isSplat(data: Data): boolean {
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], data[0])) return false;
  return true;
}

function hex(bytes: Uint8Array): string {
  const codes = new Uint8Array(bytes.length * 2);
  for (let i = 0; i < bytes.length; i++) {
    codes[2 * i] = digitCode(bytes[i]! >> 4);
    codes[2 * i + 1] = digitCode(bytes[i]! & 15);
  }
  return new TextDecoder().decode(codes);
}

function digitCode(digit: number): number {
  return digit < 10 ? 48 + digit : 87 + digit;
}

/** Finds the end of the elements, which mean something only when the type behind them is known. */
function skipElements(scanner: Scanner): void {
  const { text } = scanner;
  while (scanner.at < text.length) {
    const code = text.charCodeAt(scanner.at);
    if (code === CLOSING) return;
    if (code === QUOTE) scanner.string();
    else if (code === SLASH) scanner.comment();
    else scanner.at++;
  }
}

const [CLOSING, QUOTE, SLASH] = [62, 34, 47];

function parseElements(scanner: Scanner, type: StaticType, count: number): Data {
  if (scanner.accept("0x")) return parseBytes(scanner, type.dtype, count);
  if (scanner.isAt("...")) scanner.fail("elements (they were left out when this was printed)");
  const element = (): number | bigint | string => parseElement(scanner, type.dtype);
  if (!scanner.isAt("[")) {
    const one = convertElement(type.dtype, element());
    return (allocate(type.dtype, count) as Float64Array).fill(one as number);
  }
  const start = scanner.at;
  const elements = scanner.list("[", "]", element);
  if (elements.length !== count) {
    scanner.at = start;
    scanner.fail(`${count} elements, not ${elements.length}`);
  }
  const data = allocate(type.dtype, count) as { [i: number]: unknown };
  elements.forEach((value, i) => (data[i] = convertElement(type.dtype, value)));
  return data as unknown as Data;
}

function parseElement(scanner: Scanner, dtype: DType): number | bigint | string {
  if (dtype === "string") return scanner.string();
  if (dtype === "bool") return scanner.accept("true") ? 1 : scanner.accept("false") ? 0 : scanner.fail("true or false");
  if (isFloat(dtype)) return parseNumber(scanner);
  const start = scanner.at;
  const digits = scanner.match(/-?\d{1,20}(?![\d.])/y, "an integer");
  const inside = isWide(dtype) ? wideFits(BigInt(digits), dtype) : Number(digits) >= integerRange(dtype)[0] && Number(digits) <= integerRange(dtype)[1];
  if (!inside) {
    scanner.at = start;
    scanner.fail(`a number that ${dtype} can hold`);
  }
  return isWide(dtype) ? BigInt(digits) : Number(digits);
}

function wideFits(value: bigint, dtype: DType): boolean {
  return value === (dtype === "i64" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
}

function parseBytes(scanner: Scanner, dtype: DType, count: number): Data {
  const wanted = byteLength(dtype, count);
  const bytes = new Uint8Array(Math.min(wanted, (scanner.text.length - scanner.at) >> 1));
  const start = scanner.at;
  for (let i = 0; i < bytes.length; i++) {
    const [high, low] = [digitOf(scanner.text.charCodeAt(start + 2 * i)), digitOf(scanner.text.charCodeAt(start + 2 * i + 1))];
    if (high < 0 || low < 0) break;
    bytes[i] = high * 16 + low;
    scanner.at += 2;
  }
  if (scanner.at !== start + 2 * wanted || !scanner.isAt(">")) return scanner.fail(`${2 * wanted} hexadecimal digits (0-9, a-f)`);
  if (dtype === "string" || (dtype === "bool" && bytes.some((byte) => byte > 1))) return scanner.fail("bytes of 00 and 01");
  return decodeData(dtype, bytes, count);
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}
