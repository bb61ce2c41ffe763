import type { Scanner } from "../../support/scanner.ts";
import { ELEM_BYTES, type Elem, type Type } from "../kernel.ts";
import { typeText } from "../ops.ts";

/** A name as text: bare where it can be, else a JSON string. */
export function printName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

export function parseName(scanner: Scanner, what: string): string {
  return scanner.isAt('"') ? scanner.string() : scanner.match(/[A-Za-z_]\w*/y, what);
}

export function printNumber(value: number | bigint): string {
  return typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : String(value);
}

export function parseNumber(scanner: Scanner): number | bigint {
  const text = scanner.match(/-?(?:Infinity|\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,4})?)n?|NaN/y, "a number");
  if (!text.endsWith("n")) return Number(text);
  return /^-?\d+n$/.test(text) ? BigInt(text.slice(0, -1)) : scanner.fail("an integer before n");
}

export function parseInteger(scanner: Scanner, what: string): number {
  const value = Number(scanner.match(/-?\d{1,16}(?![\d.])/y, what));
  return Number.isSafeInteger(value) ? value : scanner.fail(what);
}

/** The elements, longest first where one is the beginning of another. */
const ELEMS = Object.keys(ELEM_BYTES) as Elem[];

const TYPE = new RegExp(`(?:mask\\d{1,4}|(?:${ELEMS.join("|")})(?:x\\d{1,4})?)(?!\\w)`, "y");

export function parseElem(scanner: Scanner): Elem {
  return scanner.match(new RegExp(`(?:${ELEMS.join("|")})(?!\\w)`, "y"), "an element type") as Elem;
}

export function parseType(scanner: Scanner): Type {
  return typeOf(scanner.match(TYPE, "a type"));
}

export function typeOf(text: string): Type {
  if (text.startsWith("mask")) return { mask: Number(text.slice(4)) };
  const [elem, lanes] = text.split("x") as [Elem, string | undefined];
  return { elem, lanes: lanes === undefined ? 1 : Number(lanes) };
}

export { typeText as printType };
