import { abs, add, mul, round } from "../../ir/ops/arithmetic.ts";
import { bitcast } from "../../ir/ops/bitcast.ts";
import { equal, greater, isNan, less } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { bitAnd, bitOr, select, shiftRight } from "../../ir/ops/logic.ts";
import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { tensor } from "../../ir/tensor.ts";
import { isFloat, type DType } from "../../ir/types.ts";
import { castTo, range } from "./rearrange.ts";
import { valueOfCode, type FloatFormat, type StoredType } from "./stored-types.ts";

export interface Rounding {
  /** What is too large becomes the largest number, else infinity or NaN. */
  readonly saturate: boolean;
  /** Of powers of two. */
  readonly mode: "up" | "down" | "nearest";
}

/** Numbers from codes: a table of all of them. Two-bit integers are what they are. */
export function decoded(b: Builder, codes: Value, type: StoredType, to: DType): Value {
  if (!type.float) return castTo(b, codes, to);
  const table = range(2 ** type.bits).map((code) => valueOfCode(type, code));
  const x = b.create(constant, {}, { value: tensor("f32", [table.length], table) });
  return castTo(b, b.create(gather, { x, indices: castTo(b, codes, "i32") }, { axis: 0 }), to);
}

/** Codes of numbers, rounded to nearest, ties to even. Integers wrap. */
export function encoded(b: Builder, x: Value, type: StoredType, rounding: Rounding): Value {
  if (!type.float) return wrapped(b, x, type);
  const emit = new Emitter(b);
  const value = x.type.dtype === "f64" ? roundedToOdd(emit, x) : castTo(b, x, "f32");
  const bits = b.create(bitcast, { x: value }, { to: "i32" });
  const magnitude = emit.and(bits, 0x7fffffff);
  const finite = type.float.mantissa === 0 ? power(emit, magnitude, rounding.mode) : rounded(emit, value, magnitude, type.float);
  const bounded = emit.choose(emit.above(finite, type.float.largest), emit.number(rounding.saturate ? type.float.largest : type.float.overflow), finite);
  const signed = type.float.mantissa === 0 ? bounded : withSign(emit, bounded, bits, type.float, 2 ** (type.bits - 1));
  const codes = emit.choose(b.create(isNan, { x: value }), emit.number(type.float.nan), signed);
  return castTo(b, codes, "u8");
}

/** The f32 of an f64 that rounds further as the f64 would: what it has no room for stands in its last bit. */
function roundedToOdd(emit: Emitter, x: Value): Value {
  const { b } = emit;
  const nearest = castTo(b, x, "f32");
  const bits = b.create(bitcast, { x: nearest }, { to: "i32" });
  const back = castTo(b, nearest, "f64");
  const tooFar = b.create(greater, { a: b.create(abs, { x: back }), b: b.create(abs, { x }) });
  const towardsZero = emit.choose(tooFar, emit.plus(bits, -1), bits);
  const odd = emit.choose(b.create(equal, { a: back, b: x }), bits, b.create(bitOr, { a: towardsZero, b: emit.number(1) }));
  return b.create(bitcast, { x: odd }, { to: "f32" });
}

/** The lowest two bits, of a number cut off. */
function wrapped(b: Builder, x: Value, type: StoredType): Value {
  const emit = new Emitter(b);
  const low = emit.and(castTo(b, isFloat(x.type.dtype) ? x : castTo(b, x, "i64"), "i32"), 3);
  return castTo(b, type.dtype === "u8" ? low : emit.choose(emit.above(low, 1), emit.plus(low, -4), low), type.dtype);
}

/** Exponent and mantissa by adding half of what is cut off to the bits; numbers below the normal ones are multiples of the least. */
function rounded(emit: Emitter, x: Value, magnitude: Value, { mantissa, bias }: FloatFormat): Value {
  const { b } = emit;
  const cut = 23 - mantissa;
  const odd = emit.and(emit.right(magnitude, cut), 1);
  const up = emit.plus(emit.sum(magnitude, odd), 2 ** (cut - 1) - 1);
  const normal = emit.plus(emit.right(up, cut), -((127 - bias) * 2 ** mantissa));
  const absolute = b.create(bitcast, { x: magnitude }, { to: "f32" });
  const multiples = b.create(round, { x: b.create(mul, { a: absolute, b: emit.real(x, 2 ** (bias - 1 + mantissa)) }) });
  const leastNormal = (128 - bias) * 2 ** 23;
  return emit.choose(b.create(less, { a: magnitude, b: emit.number(leastNormal) }), castTo(b, multiples, "i32"), normal);
}

function power(emit: Emitter, magnitude: Value, mode: Rounding["mode"]): Value {
  const exponent = emit.right(magnitude, 23);
  if (mode === "down") return exponent;
  const rest = emit.and(magnitude, 0x7fffff);
  // Below the least normal f32 the least code is half of 2^-126.
  const least = emit.b.create(equal, { a: exponent, b: emit.number(0) });
  const threshold = emit.choose(least, emit.number(0x400000), emit.number(mode === "up" ? 0 : 0x3fffff));
  const more = castTo(emit.b, emit.b.create(greater, { a: rest, b: threshold }), "i32");
  return emit.sum(exponent, more);
}

function withSign(emit: Emitter, code: Value, bits: Value, { unsignedZero }: FloatFormat, signBit: number): Value {
  const sign = emit.and(emit.right(bits, 31 - Math.log2(signBit)), signBit);
  const signed = emit.b.create(bitOr, { a: code, b: sign });
  return unsignedZero ? emit.choose(emit.b.create(equal, { a: code, b: emit.number(0) }), code, signed) : signed;
}

/** Formulas over i32. */
class Emitter {
  readonly b: Builder;

  constructor(b: Builder) {
    this.b = b;
  }

  number(value: number): Value {
    return this.b.create(constant, {}, { value: tensor("i32", [], [value]) });
  }

  real(like: Value, value: number): Value {
    return this.b.create(constant, {}, { value: tensor(like.type.dtype, [], [value]) });
  }

  and(x: Value, mask: number): Value {
    return this.b.create(bitAnd, { a: x, b: this.number(mask) });
  }

  right(x: Value, count: number): Value {
    return this.b.create(shiftRight, { a: x, b: this.number(count) });
  }

  plus(x: Value, value: number): Value {
    return this.sum(x, this.number(value));
  }

  sum(a: Value, other: Value): Value {
    return this.b.create(add, { a, b: other });
  }

  above(x: Value, value: number): Value {
    return this.b.create(greater, { a: x, b: this.number(value) });
  }

  choose(condition: Value, a: Value, other: Value): Value {
    return this.b.create(select, { condition, a, b: other });
  }
}
