import { bool } from "../attr.ts";
import { binary, unary, type Domain } from "../elementwise.ts";
import type { OpDef } from "../op-def.ts";

type Compare = (a: number | bigint | string, b: number | bigint | string) => boolean;

/** One definition for numbers, bigints and, where it is equality, strings: JavaScript compares each kind exactly. */
function comparison(name: string, summary: string, on: Domain, compare: Compare, commutative = false): OpDef<readonly ["a", "b"], {}> {
  const test = (a: number | bigint, b: number | bigint): number => (compare(a, b) ? 1 : 0);
  return binary({ name, summary, on, result: "bool", commutative, compute: test, wide: test });
}

export const equal = comparison("equal", "a == b", "any", (a, b) => a === b, true);
export const notEqual = comparison("notEqual", "a != b", "any", (a, b) => a !== b, true);
export const less = comparison("less", "a < b", "number", (a, b) => a < b);
export const lessEqual = comparison("lessEqual", "a <= b", "number", (a, b) => a <= b);
export const greater = comparison("greater", "a > b", "number", (a, b) => a > b);
export const greaterEqual = comparison("greaterEqual", "a >= b", "number", (a, b) => a >= b);

export const isNan = unary({ name: "isNan", summary: "True where x is not a number.", on: "float", result: "bool", compute: (x) => (Number.isNaN(x) ? 1 : 0) });
export const isInf = unary({
  name: "isInf",
  summary: "True where x is infinite, of the signs asked for.",
  on: "float",
  result: "bool",
  attrs: { detectNegative: bool(true), detectPositive: bool(true) },
  compute: (x, { detectNegative, detectPositive }) => ((detectPositive && x === Infinity) || (detectNegative && x === -Infinity) ? 1 : 0),
});
