import { nearestEven } from "./lane-ops.ts";
import { ELEM_BYTES, type Elem, type OpName, type Type } from "./kernel.ts";
import { isFloat } from "./ops.ts";

/** What is known of a value, of all lanes of a vector: it lies within the bounds, or is NaN if `nan`. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly nan: boolean;
}

/** Everything an element can be. i64 bounds are doubles and lie outside. */
export function anything(elem: Elem): Interval {
  if (isFloat(elem)) return { low: -Infinity, high: Infinity, nan: true };
  const bits = 8 * ELEM_BYTES[elem];
  return elem === "u8" || elem === "u16" ? exactly(0, 2 ** bits - 1) : exactly(-(2 ** (bits - 1)), elem === "i64" ? 2 ** 63 : 2 ** (bits - 1) - 1);
}

export function exactly(low: number, high = low): Interval {
  return { low, high, nan: false };
}

export function hull(a: Interval, b: Interval): Interval {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high), nan: a.nan || b.nan };
}

export function equalIntervals(a: Interval, b: Interval): boolean {
  return a.low === b.low && a.high === b.high && a.nan === b.nan;
}

export function isInside(x: Interval, low: number, high: number): boolean {
  return !x.nan && x.low >= low && x.high <= high;
}

/** Bits of the smallest all-ones number that is at least x >= 0, as that number. */
function onesAbove(x: number): number {
  let ones = 0;
  while (ones < x) ones = 2 * ones + 1;
  return ones;
}

/** The interval of an op's result. Masks have no interval: an op that gives one, or takes others than select's, is not asked. */
export function opInterval(op: OpName, type: Type, args: readonly Interval[], imm: readonly number[]): Interval {
  if ("mask" in type) return exactly(0, 1);
  const { elem } = type;
  return isFloat(elem) ? floatInterval(op, elem, args) : integerInterval(op, elem, args, imm);
}

function integerInterval(op: OpName, elem: Elem, args: readonly Interval[], imm: readonly number[]): Interval {
  const all = anything(elem);
  const bits = 8 * ELEM_BYTES[elem];
  const wrapped = (low: number, high: number): Interval => (low >= all.low && high <= all.high && fitsDouble(low, high, elem) ? exactly(low, high) : all);
  const [a = all, b = all] = args;
  switch (op) {
    case "add":
      return wrapped(a.low + b.low, a.high + b.high);
    case "sub":
      return wrapped(a.low - b.high, a.high - b.low);
    case "mul": {
      const [low, high] = products(a, b);
      return wrapped(low, high);
    }
    case "div": {
      if (b.low <= 0 && b.high >= 0) return wrapped(-Math.max(Math.abs(a.low), Math.abs(a.high)), Math.max(Math.abs(a.low), Math.abs(a.high)));
      const quotients = [a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high].map(Math.trunc);
      return wrapped(Math.min(...quotients), Math.max(...quotients));
    }
    case "rem": {
      const most = Math.max(Math.abs(b.low), Math.abs(b.high)) - 1;
      return wrapped(a.low >= 0 ? 0 : Math.max(-most, a.low), a.high <= 0 ? 0 : Math.min(most, a.high));
    }
    case "neg":
      return wrapped(-a.high, -a.low);
    case "abs":
      return wrapped(a.low > 0 ? a.low : a.high < 0 ? -a.high : 0, Math.max(-a.low, a.high));
    case "pmax":
      return exactly(Math.max(a.low, b.low), Math.max(a.high, b.high));
    case "pmin":
      return exactly(Math.min(a.low, b.low), Math.min(a.high, b.high));
    case "and":
      if (a.low < 0 && b.low < 0) return all;
      return exactly(0, Math.min(a.low >= 0 ? a.high : Infinity, b.low >= 0 ? b.high : Infinity));
    case "or":
      return a.low >= 0 && b.low >= 0 ? wrapped(Math.max(a.low, b.low), onesAbove(Math.max(a.high, b.high))) : all;
    case "xor":
    case "mux": {
      const parts = op === "mux" ? args.slice(1) : args;
      return parts.every((p) => p.low >= 0) ? wrapped(0, onesAbove(Math.max(...parts.map((p) => p.high)))) : all;
    }
    case "not":
      return elem === "u8" || elem === "u16" ? all : wrapped(-1 - a.high, -1 - a.low);
    case "shl":
    case "shrS":
    case "shrU": {
      const by = imm.length > 0 ? exactly(imm[0]!) : b;
      return isInside(by, 0, bits - 1) ? shifted(op, a, by, all, bits, wrapped) : all;
    }
    case "popcnt":
      return exactly(0, a.low >= 0 && a.high < 2 ** 53 ? Math.log2(onesAbove(a.high) + 1) : bits);
    case "ctz":
      return exactly(0, bits);
    case "roundToInt":
      return a.nan ? all : wrapped(nearestEven(a.low), nearestEven(a.high));
    case "truncToInt":
      return a.nan ? all : wrapped(Math.trunc(a.low), Math.trunc(a.high));
    case "narrow":
      return wrapped(a.low, a.high);
    case "convert": {
      const whole = a.nan ? hull(exactly(Math.trunc(a.low), Math.trunc(a.high)), exactly(0)) : exactly(Math.trunc(a.low), Math.trunc(a.high));
      return wrapped(whole.low, whole.high);
    }
    case "splatScalar":
    case "extract":
    case "laneSplat":
      return wrapped(a.low, a.high);
    case "select":
      return hull(args[1] ?? all, args[2] ?? all);
    case "shuffle":
      return args.reduce(hull);
    case "lookup8":
    case "lookup32":
      return args.slice(0, -1).reduce(hull);
    case "spread8":
      return exactly(0, 0x0101010101010101);
    default:
      return all;
  }
}

/** Beyond 2^53 a bound is not exact any more, so that only the whole range will do. */
function fitsDouble(low: number, high: number, elem: Elem): boolean {
  return elem !== "i64" || (low >= -(2 ** 53) && high <= 2 ** 53);
}

function products(a: Interval, b: Interval): [number, number] {
  const all = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high].map((x) => (Number.isNaN(x) ? 0 : x));
  return [Math.min(...all), Math.max(...all)];
}

function shifted(
  op: "shl" | "shrS" | "shrU",
  a: Interval,
  by: Interval,
  all: Interval,
  bits: number,
  wrapped: (low: number, high: number) => Interval,
): Interval {
  const [least, most] = [2 ** by.low, 2 ** by.high];
  if (op === "shl") return wrapped(Math.min(a.low * most, a.low * least), Math.max(a.high * most, a.high * least));
  if (op === "shrS" || a.low >= 0) return exactly(Math.floor(Math.min(a.low / least, a.low / most)), Math.floor(Math.max(a.high / least, a.high / most)));
  return by.low > 0 ? exactly(0, Math.floor((2 ** bits - 1) / least)) : all;
}

function floatInterval(op: OpName, elem: Elem, args: readonly Interval[]): Interval {
  const all = anything(elem);
  const round = elem === "f32" ? Math.fround : (x: number): number => x;
  const rounded = (low: number, high: number, nan: boolean): Interval =>
    Number.isNaN(low) || Number.isNaN(high) ? all : { low: round(low), high: round(high), nan };
  const [a = all, b = all, c = all] = args;
  const nan = a.nan || (args.length > 1 && b.nan);
  switch (op) {
    case "add":
      return rounded(a.low + b.low, a.high + b.high, nan || opposed(a, b));
    case "sub":
      return rounded(a.low - b.high, a.high - b.low, nan || opposed(a, { ...b, low: -b.high, high: -b.low }));
    case "mul":
    case "madd": {
      const [low, high] = products(a, b);
      const product = { low, high, nan: nan || (!isBounded(a) && touches0(b)) || (!isBounded(b) && touches0(a)) };
      if (op === "mul") return rounded(low, high, product.nan);
      const twice = rounded(round(low) + c.low, round(high) + c.high, product.nan || c.nan || opposed(product, c));
      return hull(twice, rounded(low + c.low, high + c.high, twice.nan));
    }
    case "div": {
      if (touches0(b) || !isBounded(a) || !isBounded(b)) return all;
      const quotients = [a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high];
      return rounded(Math.min(...quotients), Math.max(...quotients), nan);
    }
    case "neg":
      return { low: -a.high, high: -a.low, nan: a.nan };
    case "abs":
      return { low: a.low > 0 ? a.low : a.high < 0 ? -a.high : 0, high: Math.max(-a.low, a.high), nan: a.nan };
    case "sqrt":
      return rounded(Math.sqrt(Math.max(0, a.low)), Math.sqrt(Math.max(0, a.high)), a.nan || a.low < 0);
    case "floor":
      return { ...a, low: Math.floor(a.low), high: Math.floor(a.high) };
    case "ceil":
      return { ...a, low: Math.ceil(a.low), high: Math.ceil(a.high) };
    case "trunc":
      return { ...a, low: Math.trunc(a.low), high: Math.trunc(a.high) };
    case "nearest":
      return { ...a, low: nearestEven(a.low), high: nearestEven(a.high) };
    case "pmax":
      return { low: b.nan ? a.low : Math.max(a.low, b.low), high: Math.max(a.high, b.high), nan: a.nan };
    case "pmin":
      return { low: Math.min(a.low, b.low), high: b.nan ? a.high : Math.min(a.high, b.high), nan: a.nan };
    case "toFloat":
    case "convert":
    case "splatScalar":
    case "extract":
    case "laneSplat":
      return rounded(a.low, a.high, a.nan);
    case "select":
      return hull(b, c);
    case "shuffle":
      return args.reduce(hull);
    case "lookup32":
      return args.slice(0, -1).reduce(hull);
    default:
      return all;
  }
}

function isBounded(x: Interval): boolean {
  return Number.isFinite(x.low) && Number.isFinite(x.high);
}

function touches0(x: Interval): boolean {
  return x.low <= 0 && x.high >= 0;
}

/** Their sum may be of infinities of both signs. */
function opposed(a: Interval, b: Interval): boolean {
  return (a.high === Infinity && b.low === -Infinity) || (a.low === -Infinity && b.high === Infinity);
}
