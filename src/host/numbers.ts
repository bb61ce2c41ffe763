import { roundToBf16, roundToF16 } from "../support/half.ts";
import { HostProblem, textAttr, wantInputs, type HostData, type HostFunction, type HostType } from "./host-function.ts";

const FLOATS = ["f64", "f32", "f16", "bf16"];
const INTEGERS = ["i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8"];
const NUMBERS = [...FLOATS, ...INTEGERS, "bool"];

/** Numbers from decimal text. Words for infinity and NaN are read in any case; an empty text is NaN, or 0 of integers. */
export const textToNumber: HostFunction = {
  results(inputs, attrs) {
    wantInputs(inputs, "string");
    const to = textAttr(attrs, "to");
    if (!NUMBERS.includes(to)) throw new HostProblem(`casts text to ${to}`);
    return [{ dtype: to, shape: inputs[0]!.shape }];
  },
  run([x], attrs) {
    const to = textAttr(attrs, "to");
    const texts = Array.from(x!.data as ArrayLike<string>);
    const data: HostData = to === "i64" || to === "u64" ? texts.map((text) => wholeNumber(text, to)) : texts.map((text) => numberOf(text, to));
    return [{ dtype: to, shape: x!.shape, data }];
  },
};

const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function numberOf(text: string, to: string): number {
  const word = text.trim();
  const isFloat = FLOATS.includes(to);
  if (word === "") return isFloat ? NaN : 0;
  if (isFloat) {
    const named = /^([+-]?)(?:(inf|infinity)|nan)$/i.exec(word);
    if (named) return named[2] === undefined ? NaN : named[1] === "-" ? -Infinity : Infinity;
  }
  if (!REAL.test(word)) throw new HostProblem(`can't cast "${shown(text)}" to ${to}`);
  const value = Number(word);
  return isFloat ? value : to === "bool" ? Number(value !== 0) : Math.trunc(value);
}

function wholeNumber(text: string, to: string): bigint {
  const word = text.trim();
  return /^[+-]?\d+$/.test(word) ? BigInt(word.replace(/^\+/, "")) : BigInt(numberOf(text, to));
}

function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Decimal text of numbers, as short as tells them from their neighbours: 3, 0.5, 1e-07, NaN, INF, -INF; bools are 0 and 1. */
export const numberToText: HostFunction = {
  results(inputs) {
    wantInputs(inputs, NUMBERS);
    return [{ dtype: "string", shape: inputs[0]!.shape }];
  },
  run([x]) {
    return [{ dtype: "string", shape: x!.shape, data: Array.from(x!.data as ArrayLike<number | bigint>, (value) => textOf(value, x!)) }];
  },
};

function textOf(value: number | bigint, { dtype }: HostType): string {
  if (typeof value === "bigint" || !FLOATS.includes(dtype)) return String(value);
  if (Object.is(value, -0)) return "-0";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-INF" : "INF";
  const round = ROUNDED[dtype];
  const short = round ? shortest(value, round) : value;
  const size = Math.abs(short);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = short.toExponential().split("e") as [string, string];
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  return String(short);
}

const ROUNDED: Readonly<Record<string, ((x: number) => number) | undefined>> = { f32: Math.fround, f16: roundToF16, bf16: roundToBf16 };

/** The number of fewest digits that rounds to this one. */
function shortest(value: number, round: (x: number) => number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (round(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
