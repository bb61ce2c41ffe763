import { BITS, integerRange, type DType } from "../../ir/types.ts";
import { scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Expression, Use } from "./expression.ts";
import { registerElem } from "./storage.ts";

/** Arithmetic, bits and comparisons of integers and bool in i32 or i64 registers. Results may exceed the dtype: they are cut to it afterwards. */

function isUnsigned(dtype: DType): boolean {
  return dtype.startsWith("u") || dtype === "bool";
}

/** Unsigned values that fill the register: the machine's compares take them for negative. */
function fillsRegister(dtype: DType): boolean {
  return dtype === "u32" || dtype === "u64";
}

/** A number of the register's type. */
export function wordOf(b: KernelBuilder, like: Term, value: number): Term {
  const isLong = !("mask" in like.type) && like.type.elem === "i64";
  return b.constant(like.type, isLong ? BigInt(value) : value);
}

/** A register that compares, signed, as the value of the dtype does. */
function ordered(b: KernelBuilder, dtype: DType, x: Term): Term {
  if (!fillsRegister(dtype)) return x;
  return b.op("xor", x.type, [x, b.constant(x.type, dtype === "u64" ? -(2n ** 63n) : -(2 ** 31))]);
}

export const compareIntegers =
  (op: "lt" | "le" | "gt" | "ge" | "eq" | "ne") =>
  ({ b, args, from }: Use): Term =>
    b.compare(op, ordered(b, from[0]!, args[0]!), ordered(b, from[0]!, args[1]!));

export const minimum: Expression = (use) => use.b.select(compareIntegers("lt")(use), use.args[0]!, use.args[1]!);
export const maximum: Expression = (use) => use.b.select(compareIntegers("gt")(use), use.args[0]!, use.args[1]!);

export const absolute: Expression = ({ b, args: [x], from }) => (isUnsigned(from[0]!) ? x! : b.pmax(x!, b.sub(wordOf(b, x!, 0), x!)));

export const signOf: Expression = ({ b, args: [x], from }) => {
  const [one, zero] = [wordOf(b, x!, 1), wordOf(b, x!, 0)];
  const positive = b.select(b.compare("ne", x!, zero), one, zero);
  return isUnsigned(from[0]!) ? positive : b.select(b.compare("lt", x!, zero), wordOf(b, x!, -1), positive);
};

/** Bounds rounded inwards; the upper one wins. */
export const clipInteger: Expression = ({ b, args: [x], from, attrs }) => {
  const dtype = from[0]!;
  const [least, most] = integerRange(dtype);
  const bound = (value: number): Term =>
    registerElem(dtype) === "i64" ? b.constant(x!.type, BigInt.asIntN(64, BigInt(value))) : b.constant(x!.type, value | 0);
  const [low, high] = [Math.ceil(attrs["low"] as number), Math.floor(attrs["high"] as number)];
  let clipped = x!;
  if (low > least) clipped = low > most ? bound(most) : choose(b, "gt", dtype, clipped, bound(low));
  if (high < most) clipped = high < least ? bound(least) : choose(b, "lt", dtype, clipped, bound(high));
  return clipped;
};

function choose(b: KernelBuilder, op: "lt" | "gt", dtype: DType, x: Term, bound: Term): Term {
  return b.let("c", b.select(b.compare(op, ordered(b, dtype, x), ordered(b, dtype, bound)), x, bound));
}

export interface Division {
  readonly quotient: Term;
  readonly remainder: Term;
}

/** Towards zero; 0 and 0 where the divisor is 0. Scalars only. */
export function divide(b: KernelBuilder, dtype: DType, a: Term, d: Term): Division {
  const result = registerElem(dtype) === "i64" ? divideLong(b, dtype, a, d) : divideShort(b, dtype, a, d);
  const zero = wordOf(b, d, 0);
  const isZero = b.let("z", b.select(b.compare("eq", d, zero), wordOf(b, d, -1), zero));
  const unlessZero = (x: Term): Term => b.let("q", b.op("and", x.type, [x, b.op("not", x.type, [isZero])]));
  return { quotient: unlessZero(result.quotient), remainder: unlessZero(result.remainder) };
}

/** In 64 bits nothing overflows. */
function divideShort(b: KernelBuilder, dtype: DType, a: Term, d: Term): Division {
  const long = scalar("i64");
  const extend = (x: Term): Term => {
    const wide = b.op("convert", long, [x]);
    return b.let("w", dtype === "u32" ? b.op("and", long, [wide, b.constant(long, 0xffffffffn)]) : wide);
  };
  const [wideA, wideD] = [extend(a), extend(d)];
  const { quotient } = signedDivide(b, wideA, wideD);
  const q = b.let("q", b.op("convert", a.type, [quotient]));
  return { quotient: q, remainder: b.sub(a, b.mul(q, d)) };
}

/** By magnitudes, the divisor at least 1. The smallest integer is its own magnitude, and as a dividend stays right. */
function signedDivide(b: KernelBuilder, a: Term, d: Term): Division {
  const zero = wordOf(b, a, 0);
  const magnitude = b.pmax(b.op("abs", d.type, [d]), wordOf(b, d, 1));
  const q = b.let("q", b.div(a, b.let("m", magnitude)));
  const quotient = b.let("q", b.select(b.compare("lt", d, zero), b.sub(zero, q), q));
  return { quotient, remainder: b.sub(a, b.mul(quotient, d)) };
}

function divideLong(b: KernelBuilder, dtype: DType, a: Term, d: Term): Division {
  const { type } = a;
  const [zero, one] = [wordOf(b, a, 0), wordOf(b, a, 1)];
  if (dtype === "i64") {
    // Nothing but the smallest integer is as large as the smallest integer.
    const smallest = b.constant(type, -(2n ** 63n));
    const plain = signedDivide(b, a, d);
    const quotient = b.let("q", b.select(b.compare("eq", d, smallest), b.select(b.compare("eq", a, smallest), one, zero), plain.quotient));
    return { quotient, remainder: b.sub(a, b.mul(quotient, d)) };
  }
  // Half the dividend is not negative; twice its quotient is at most one too small.
  const positive = b.let("m", b.pmax(d, one));
  const doubled = b.let("q", b.op("shl", type, [b.div(b.let("h", b.op("shrU", type, [a], [1])), positive)], [1]));
  const rest = b.let("r", b.sub(a, b.mul(doubled, positive)));
  const more = b.select(b.compare("ge", ordered(b, dtype, rest), ordered(b, dtype, positive)), one, zero);
  const large = b.select(b.compare("ge", ordered(b, dtype, a), ordered(b, dtype, d)), one, zero);
  const quotient = b.let("q", b.select(b.compare("lt", d, zero), large, b.add(doubled, more)));
  return { quotient, remainder: b.sub(a, b.mul(quotient, d)) };
}

export const remainder: Expression = ({ b, args: [a, d], from, attrs }) => {
  const { remainder: rest } = divide(b, from[0]!, a!, d!);
  if (attrs["fmod"] === true || isUnsigned(from[0]!)) return rest;
  const zero = wordOf(b, rest, 0);
  const signs = b.op("xor", rest.type, [rest, d!]);
  const moved = b.let("r", b.select(b.compare("lt", signs, zero), b.add(rest, d!), rest));
  return b.select(b.compare("eq", rest, zero), rest, moved);
};

/** By squaring. A negative exponent gives 1/base^n cut off: nothing but of 1 and -1. Scalars only. */
export const powerInteger: Expression = ({ b, args: [a, e], from }) => {
  const { type } = a!;
  const [zero, one] = [wordOf(b, a!, 0), wordOf(b, a!, 1)];
  const [result, base, rest] = [b.let("p", one), b.let("s", a!), b.let("e", e!)];
  b.loop("bit", registerElem(from[0]!) === "i64" ? 64 : 32, {}, () => {
    const odd = b.compare("ne", b.op("and", type, [rest, one]), zero);
    b.set(result, b.select(odd, b.mul(result, base), result));
    b.set(base, b.mul(base, base));
    b.set(rest, b.op("shrU", type, [rest], [1]));
  });
  if (isUnsigned(from[0]!)) return result;
  const minusOne = wordOf(b, a!, -1);
  const sign = b.select(b.compare("ne", b.op("and", type, [e!, one]), zero), minusOne, one);
  const inverse = b.select(b.compare("eq", a!, one), one, b.select(b.compare("eq", a!, minusOne), sign, zero));
  return b.select(b.compare("lt", e!, zero), inverse, result);
};

/** A count outside of the dtype's bits shifts everything out. Scalars only. */
export const shiftLeft: Expression = (use) => shift(use, "shl");
export const shiftRight: Expression = (use) => shift(use, isUnsigned(use.from[0]!) ? "shrU" : "shrS");

function shift({ b, args: [a, n], from }: Use, op: "shl" | "shrU" | "shrS"): Term {
  const bits = BITS[from[0]!];
  const count = registerElem(from[0]!) === "i64" ? b.let("n", b.op("convert", scalar("i32"), [n!])) : n!;
  const inside = (value: Term, otherwise: Term): Term => {
    const notBelow = b.select(b.compare("lt", n!, wordOf(b, n!, 0)), otherwise, value);
    return b.select(b.compare("ge", ordered(b, from[0]!, n!), ordered(b, from[0]!, wordOf(b, n!, bits))), otherwise, b.let("s", notBelow));
  };
  const shifted = b.let("s", b.op(op, a!.type, [a!, count]));
  const out = op === "shrS" ? b.let("s", b.op("shrS", a!.type, [a!], [registerElem(from[0]!) === "i64" ? 63 : 31])) : wordOf(b, a!, 0);
  return fillsRegister(from[0]!)
    ? b.select(b.compare("ge", ordered(b, from[0]!, n!), ordered(b, from[0]!, wordOf(b, n!, bits))), out, shifted)
    : inside(shifted, out);
}
