import { ELEM_BYTES, type Elem, type OpName, type Type } from "./kernel.ts";

/**
 * What every op means, once for the interpreter, the verifier and the printers. In signatures `T` is any one type of the listed
 * elements, scalar (i32, i64, f32, f64: narrow scalars live in i32) or vector; `x:n` is a vector of n lanes; L is the kernel's
 * lanes, V = 4L bytes. "Range" marks what the verifier proves from intervals, so printers need not guard it.
 */
export interface OpSpec {
  readonly signature: string;
  readonly meaning: string;
  /** What is wrong with a use, or undefined. */
  readonly check: (use: OpUse) => string | undefined;
}

/** The types of one use of an op. */
export interface OpUse {
  /** Of the result. */
  readonly type: Type;
  readonly args: readonly Type[];
  readonly imm: readonly number[];
}

type Rule = OpSpec["check"];

const FLOATS: readonly Elem[] = ["f32", "f64"];
const WORDS: readonly Elem[] = ["i32", "i64"];
const INTEGERS: readonly Elem[] = ["u8", "i8", "u16", "i16", "i32", "i64"];
const NUMBERS: readonly Elem[] = [...INTEGERS, ...FLOATS];
const SHIFTABLE: readonly Elem[] = ["u16", "i16", "i32", "i64"];
const SIGNED: readonly Elem[] = ["i8", "i16", "i32", "i64", "f32", "f64"];

const binary = (elems: readonly Elem[], meaning: string): OpSpec => ({ signature: `(a: T, b: T): T of ${elems.join(" ")}`, meaning, check: same(2, elems) });
const unary = (elems: readonly Elem[], meaning: string): OpSpec => ({ signature: `(x: T): T of ${elems.join(" ")}`, meaning, check: same(1, elems) });
const scalars = (count: number, elems: readonly Elem[], meaning: string): OpSpec => ({
  signature: `(${count === 1 ? "x" : "a, b"}: scalar T): T of ${elems.join(" ")}`,
  meaning,
  check: both(scalarOnly, same(count, elems)),
});
const bitwise = (count: number, names: string, meaning: string): OpSpec => ({
  signature: `(${names}: T): T of integers or masks`,
  meaning,
  check: same(count, INTEGERS, true),
});
const compare = (meaning: string): OpSpec => ({
  signature: "(a: T, b: T): mask of as many lanes; u8, u16 unsigned, other integers signed",
  meaning,
  check: comparison,
});
const shift = (meaning: string): OpSpec => ({
  signature: "(x: T [, count: scalar i32]): T; imm [count] for vectors, imm or operand for scalars",
  meaning: `${meaning} The count is taken modulo the element's bits; imm is within them.`,
  check: shifting,
});

export const OP_SPECS: Readonly<Record<OpName, OpSpec>> = {
  add: binary(NUMBERS, "a + b. Integers wrap around, floats round once."),
  sub: binary(NUMBERS, "a - b. Integers wrap around, floats round once."),
  mul: binary(["u16", "i16", "i32", "i64", ...FLOATS], "a * b. Integers keep the low bits, floats round once."),
  div: {
    signature: "(a: T, b: T): T of f32 f64, or of scalar i32 i64",
    meaning: "a / b. Floats: IEEE. Integers: towards zero; range: b is not 0, and not -1 unless a is not the smallest integer.",
    check: (use) => (isInteger(use.type) ? both(scalarOnly, same(2, WORDS))(use) : same(2, FLOATS)(use)),
  },
  rem: scalars(2, WORDS, "a - b * (a / b), with the sign of a. Range as for div."),
  neg: unary(SIGNED, "-x. Floats: flips the sign bit, NaN included. Integers wrap around."),
  abs: unary(SIGNED, "Floats: clears the sign bit. Integers wrap around (the smallest stays)."),
  sqrt: unary(FLOATS, "Rounds once; NaN below 0, -0 of -0."),
  floor: unary(FLOATS, "The next integer below or equal, as a float; keeps -0, infinities and NaN."),
  ceil: unary(FLOATS, "The next integer above or equal; small negative numbers give -0."),
  trunc: unary(FLOATS, "Towards zero."),
  nearest: unary(FLOATS, "The nearest integer, ties to even."),
  madd: {
    signature: "(a: T, b: T, c: T): T of f32 f64",
    meaning: "a * b + c: one rounding in a fast kernel on a target with FMA, else two. The interpreter fuses f32 only.",
    check: same(3, FLOATS),
  },
  pmax: binary(NUMBERS, "a < b ? b : a. A NaN first passes, a NaN second is dropped: pmax(x, bound) keeps NaN, pmax(bound, x) gives bound."),
  pmin: binary(NUMBERS, "b < a ? b : a. NaN as for pmax."),
  roundToInt: {
    signature: "(x: f32): i32, lanes kept",
    meaning: "Nearest integer, ties to even. Range: |x| < 2^22. Of NaN any integer.",
    check: cast("f32", "i32"),
  },
  truncToInt: {
    signature: "(x: f32): i32, lanes kept",
    meaning: "Towards zero. Range: |x| < 2^31, and no NaN (drop it with pmax(bound, x)).",
    check: cast("f32", "i32"),
  },
  toFloat: { signature: "(x: i32): f32, lanes kept", meaning: "Nearest float, ties to even.", check: cast("i32", "f32") },
  narrow: {
    signature: "(x: i32:n): i16:n u16:n i8:n u8:n, or (x: i16:n): i8:n u8:n",
    meaning: "The same value in fewer bits, so that V/2 or V/4 bytes can be stored. Range: the value fits. Vectors only: scalars are stored narrow.",
    check: narrowing,
  },
  convert: {
    signature: "(x: scalar T): scalar U of i32 i64 f32 f64, U other than T",
    meaning:
      "i32 to i64 extends the sign, i64 to i32 keeps the low bits, to a float rounds to nearest even, a float to an integer goes towards zero, saturates, and gives 0 of NaN.",
    check: conversion,
  },
  bitcast: {
    signature: "(x: T): U of as many bytes",
    meaning: "The same bits, little-endian. Vectors to vectors, i32 <-> f32, i64 <-> f64.",
    check: bitcasting,
  },
  and: bitwise(2, "a, b", "a & b"),
  or: bitwise(2, "a, b", "a | b"),
  xor: bitwise(2, "a, b", "a ^ b"),
  not: bitwise(1, "x", "~x"),
  shl: shift("x << count."),
  shrS: shift("x >> count with copies of the sign bit, also for u16."),
  shrU: shift("x >> count with zeros, within the element's own bits."),
  popcnt: scalars(1, WORDS, "The number of ones, in x's type."),
  ctz: scalars(1, WORDS, "The number of zeros below the lowest one; of 0 the number of bits."),
  lt: compare("a < b, false with NaN"),
  le: compare("a <= b, false with NaN"),
  gt: compare("a > b, false with NaN"),
  ge: compare("a >= b, false with NaN"),
  eq: compare("a == b, false with NaN; -0 equals 0"),
  ne: compare("not(a == b): true with NaN"),
  select: { signature: "(m: mask, a: T, b: T): T of m's lanes", meaning: "m ? a : b by lane. Both sides are computed.", check: selecting },
  mux: { signature: "(p: T, a: T, b: T): T of integers", meaning: "By bit: p ? b : a, that is a ^ (p & (a ^ b)). Mind the order.", check: same(3, INTEGERS) },
  bitmask: { signature: "(m0: mask, m1 …): i64", meaning: "Lane i of mask k gives bit k*lanes + i; at most 64 in all, higher bits 0.", check: bitmasking },
  expand: { signature: "(bits: scalar i32 or i64): mask", meaning: "Bit i gives lane i; i32 for at most 32 lanes.", check: expanding },
  spread8: { signature: "(b: i32): i64", meaning: "Bit i of the low byte becomes the lowest bit of byte i.", check: signature(["i32"], "i64") },
  shuffle: {
    signature: "(a: T [, b: T]): T of vectors; imm: one lane number for each lane",
    meaning: "Lane i is lane imm[i] of a, then (from the number of lanes on) of b.",
    check: shuffling,
  },
  splatScalar: {
    signature: "(x: scalar): vector of x's element, from i32 also of narrow ones",
    meaning: "x in every lane; of narrow elements the low bits.",
    check: splatting,
  },
  laneSplat: { signature: "(v: T): T of vectors; imm [lane]", meaning: "One lane in every lane.", check: both(lane, vectorOnly, same(1, NUMBERS)) },
  extract: { signature: "(v: T): T's scalar; imm [lane]", meaning: "One lane; narrow elements extend to i32 by their sign.", check: both(lane, extracting) },
  lookup8: {
    signature: "(t…: u8 vectors, i: u8 vector): u8 vector; imm [entries]",
    meaning:
      "Entry i[j] of the table, by lane. Range: i < entries. With 16 entries and V > 16 every 16 bytes of the one table vector hold the same; else entries = vectors * V.",
    check: lookup(["u8"], "u8", 1),
  },
  lookup32: {
    signature: "(t…: T, i: i32:L): T of f32:L i32:L",
    meaning: "Lane i[j] of the vectors one after the other. Range: i inside.",
    check: lookup(["f32", "i32"], "i32", 0),
  },
  dot2: {
    signature: "(acc: i32:L, a: i16:2L, b: i16:2L): i32:L",
    meaning: "acc[j] + a[2j]*b[2j] + a[2j+1]*b[2j+1], wrapping around.",
    check: dot(2, ["i16"], ["i16"]),
  },
  dot4: {
    signature: "(acc: i32:L, x: u8:4L or i8:4L, w: i8:4L): i32:L",
    meaning:
      "acc[j] + the four products of bytes 4j … 4j+3, exact but for wrapping around. Which x a target has is its profile's `dot`; s8i7 wants x in 0..127.",
    check: dot(4, ["u8", "i8"], ["i8"]),
  },
};

export function typeText(type: Type): string {
  if ("mask" in type) return `mask${type.mask}`;
  return type.lanes === 1 ? type.elem : `${type.elem}x${type.lanes}`;
}

export function sameType(a: Type, b: Type): boolean {
  if ("mask" in a || "mask" in b) return "mask" in a && "mask" in b && a.mask === b.mask;
  return a.elem === b.elem && a.lanes === b.lanes;
}

/** u8, i8, u16, i16: as scalars they have a memory form only. */
export function isNarrow(elem: Elem): boolean {
  return elem === "u8" || elem === "i8" || elem === "u16" || elem === "i16";
}

export function isFloat(elem: Elem): boolean {
  return elem === "f32" || elem === "f64";
}

/** The type in a register of what is loaded as `type`. */
export function registerType(type: Type): Type {
  return "mask" in type || type.lanes > 1 || !isNarrow(type.elem) ? type : { elem: "i32", lanes: 1 };
}

function isInteger(type: Type): boolean {
  return !("mask" in type) && !isFloat(type.elem);
}

function lanesIn(type: Type): number {
  return "mask" in type ? type.mask : type.lanes;
}

function both(...rules: readonly Rule[]): Rule {
  return (use) => {
    for (const rule of rules) {
      const problem = rule(use);
      if (problem) return problem;
    }
    return undefined;
  };
}

function count(use: OpUse, wanted: number): string | undefined {
  return use.args.length === wanted ? undefined : `has ${use.args.length} operands, wants ${wanted}`;
}

function elemIn(type: Type, elems: readonly Elem[], masks = false): string | undefined {
  if ("mask" in type) return masks ? undefined : `${typeText(type)} is a mask, wants ${elems.join(" ")}`;
  if (type.lanes === 1 && isNarrow(type.elem)) return `${type.elem} scalars live in i32 registers`;
  return elems.includes(type.elem) ? undefined : `${typeText(type)} is not of ${elems.join(" ")}`;
}

function same(operands: number, elems: readonly Elem[], masks = false): Rule {
  return (use) => {
    const odd = use.args.find((arg) => !sameType(arg, use.type));
    return count(use, operands) ?? elemIn(use.type, elems, masks) ?? (odd && `operand of type ${typeText(odd)} differs from result type ${typeText(use.type)}`);
  };
}

function signature(args: readonly Elem[], result: Elem): Rule {
  return (use) => {
    const odd = use.args.findIndex((arg, i) => !sameType(arg, { elem: args[i]!, lanes: 1 }));
    if (use.args.length !== args.length) return count(use, args.length);
    if (odd >= 0) return `operand ${odd} is ${typeText(use.args[odd]!)}, wants ${args[odd]!}`;
    return sameType(use.type, { elem: result, lanes: 1 }) ? undefined : `gives ${result}, not ${typeText(use.type)}`;
  };
}

function scalarOnly(use: OpUse): string | undefined {
  return lanesIn(use.type) === 1 ? undefined : `is for scalars, not ${typeText(use.type)}`;
}

function vectorOnly(use: OpUse): string | undefined {
  return lanesIn(use.type) > 1 ? undefined : `is for vectors, not ${typeText(use.type)}`;
}

function cast(from: Elem, to: Elem): Rule {
  return (use) => {
    const [x] = use.args;
    if (use.args.length !== 1 || !x) return count(use, 1);
    return (
      elemIn(x, [from]) ??
      elemIn(use.type, [to]) ??
      (lanesIn(x) === lanesIn(use.type) ? undefined : `changes lanes from ${typeText(x)} to ${typeText(use.type)}`)
    );
  };
}

function narrowing(use: OpUse): string | undefined {
  const [x] = use.args;
  if (use.args.length !== 1 || !x) return count(use, 1);
  if ("mask" in x || "mask" in use.type || x.lanes === 1 || x.lanes !== use.type.lanes) return `cannot make ${typeText(use.type)} of ${typeText(x)}`;
  const fits = x.elem === "i32" ? isNarrow(use.type.elem) : x.elem === "i16" && ELEM_BYTES[use.type.elem] === 1;
  return fits ? undefined : `cannot make ${typeText(use.type)} of ${typeText(x)}`;
}

function conversion(use: OpUse): string | undefined {
  const [x] = use.args;
  if (use.args.length !== 1 || !x) return count(use, 1);
  const scalar: readonly Elem[] = ["i32", "i64", "f32", "f64"];
  if (lanesIn(x) !== 1) return `is for scalars, not ${typeText(x)}`;
  return scalarOnly(use) ?? elemIn(x, scalar) ?? elemIn(use.type, scalar) ?? (sameType(x, use.type) ? `changes nothing: ${typeText(x)}` : undefined);
}

function bitcasting(use: OpUse): string | undefined {
  const [x] = use.args;
  if (use.args.length !== 1 || !x) return count(use, 1);
  if ("mask" in x || "mask" in use.type) return "masks have no bits: select makes numbers of them";
  const problem = elemIn(x, NUMBERS) ?? elemIn(use.type, NUMBERS);
  if (problem) return problem;
  const equal = ELEM_BYTES[x.elem] * x.lanes === ELEM_BYTES[use.type.elem] * use.type.lanes && x.lanes > 1 === use.type.lanes > 1;
  return equal ? undefined : `${typeText(x)} and ${typeText(use.type)} differ in bytes`;
}

function comparison(use: OpUse): string | undefined {
  const [a, b] = use.args;
  if (use.args.length !== 2 || !a || !b) return count(use, 2);
  if (!sameType(a, b)) return `compares ${typeText(a)} with ${typeText(b)}`;
  return elemIn(a, NUMBERS) ?? (sameType(use.type, { mask: lanesIn(a) }) ? undefined : `gives mask${lanesIn(a)}, not ${typeText(use.type)}`);
}

function shifting(use: OpUse): string | undefined {
  const [x, by] = use.args;
  if (!x) return count(use, 1);
  if (!sameType(x, use.type)) return `operand of type ${typeText(x)} differs from result type ${typeText(use.type)}`;
  const problem = elemIn(x, SHIFTABLE);
  if (problem || "mask" in x) return problem;
  if (use.imm.length === 1) {
    const bits = use.imm[0]!;
    const inside = Number.isInteger(bits) && bits >= 0 && bits < 8 * ELEM_BYTES[x.elem];
    return count(use, 1) ?? (inside ? undefined : `shifts ${x.elem} by ${bits}`);
  }
  if (x.lanes > 1) return "vectors are shifted by a constant in imm";
  return count(use, 2) ?? (by && sameType(by, { elem: "i32", lanes: 1 }) ? undefined : "the count is a scalar i32");
}

function selecting(use: OpUse): string | undefined {
  const [m, a, b] = use.args;
  if (use.args.length !== 3 || !m || !a || !b) return count(use, 3);
  if (!("mask" in m)) return `operand 0 is ${typeText(m)}, wants a mask`;
  const problem = elemIn(use.type, NUMBERS);
  if (problem) return problem;
  if (!sameType(a, use.type) || !sameType(b, use.type)) return `selects ${typeText(a)} or ${typeText(b)} as ${typeText(use.type)}`;
  return m.mask === lanesIn(use.type) ? undefined : `${typeText(m)} cannot choose lanes of ${typeText(use.type)}`;
}

function bitmasking(use: OpUse): string | undefined {
  const [first] = use.args;
  if (!first || !use.args.every((arg) => "mask" in arg && sameType(arg, first))) return "wants masks of equal lanes";
  if (lanesIn(first) * use.args.length > 64) return `has ${lanesIn(first) * use.args.length} lanes, at most 64 fit`;
  return sameType(use.type, { elem: "i64", lanes: 1 }) ? undefined : `gives i64, not ${typeText(use.type)}`;
}

function expanding(use: OpUse): string | undefined {
  const [bits] = use.args;
  if (use.args.length !== 1 || !bits) return count(use, 1);
  if (!("mask" in use.type)) return `gives a mask, not ${typeText(use.type)}`;
  if ("mask" in bits || bits.lanes !== 1) return `wants a scalar, not ${typeText(bits)}`;
  return elemIn(bits, WORDS) ?? (use.type.mask <= 8 * ELEM_BYTES[bits.elem] ? undefined : `${bits.elem} has too few bits for ${typeText(use.type)}`);
}

function shuffling(use: OpUse): string | undefined {
  const operands = use.args.length;
  if (operands !== 1 && operands !== 2) return `has ${operands} operands, wants 1 or 2`;
  const lanes = lanesIn(use.type);
  const inside = use.imm.length === lanes && use.imm.every((i) => Number.isInteger(i) && i >= 0 && i < lanes * operands);
  return vectorOnly(use) ?? same(operands, NUMBERS)(use) ?? (inside ? undefined : `wants ${lanes} lane numbers below ${lanes * operands}`);
}

function splatting(use: OpUse): string | undefined {
  const [x] = use.args;
  if (use.args.length !== 1 || !x) return count(use, 1);
  const problem = vectorOnly(use) ?? elemIn(use.type, NUMBERS);
  if (problem || "mask" in use.type) return problem;
  return sameType(x, registerType({ elem: use.type.elem, lanes: 1 })) ? undefined : `cannot fill ${typeText(use.type)} with ${typeText(x)}`;
}

function lane(use: OpUse): string | undefined {
  const [v] = use.args;
  const [i, ...more] = use.imm;
  const inside = v && i !== undefined && more.length === 0 && Number.isInteger(i) && i >= 0 && i < lanesIn(v);
  return inside ? undefined : "wants one lane number inside the vector";
}

function extracting(use: OpUse): string | undefined {
  const [v] = use.args;
  if (use.args.length !== 1 || !v) return count(use, 1);
  if ("mask" in v || v.lanes === 1) return `takes lanes of vectors, not of ${typeText(v)}`;
  const wanted = registerType({ elem: v.elem, lanes: 1 });
  return sameType(use.type, wanted) ? undefined : `gives ${typeText(wanted)}, not ${typeText(use.type)}`;
}

function lookup(elems: readonly Elem[], index: Elem, imms: number): Rule {
  return (use) => {
    const tables = use.args.slice(0, -1);
    const i = use.args.at(-1);
    if (!i || tables.length === 0) return "wants at least one table and the indices";
    const problem = vectorOnly(use) ?? elemIn(use.type, elems);
    if (problem) return problem;
    const odd = tables.find((t) => !sameType(t, use.type));
    if (odd) return `table of type ${typeText(odd)} differs from result type ${typeText(use.type)}`;
    if (!sameType(i, { elem: index, lanes: lanesIn(use.type) })) return `indices are ${typeText(i)}, want ${index} of as many lanes`;
    if (use.imm.length !== imms) return `has ${use.imm.length} immediates, wants ${imms}`;
    const entries = use.imm[0];
    const whole = lanesIn(use.type) * tables.length;
    return entries === undefined || entries === whole || (entries === 16 && tables.length === 1) ? undefined : `${entries} entries in ${whole} lanes`;
  };
}

function dot(group: number, x: readonly Elem[], w: readonly Elem[]): Rule {
  return (use) => {
    const [acc, a, b] = use.args;
    if (use.args.length !== 3 || !acc || !a || !b) return count(use, 3);
    const lanes = lanesIn(use.type);
    if (!sameType(acc, use.type) || !sameType(use.type, { elem: "i32", lanes })) return `adds to ${typeText(acc)}, wants i32 lanes`;
    const fits = (type: Type, elems: readonly Elem[]): boolean => !("mask" in type) && elems.includes(type.elem) && type.lanes === lanes * group;
    return vectorOnly(use) ?? (fits(a, x) && fits(b, w) ? undefined : `multiplies ${typeText(a)} and ${typeText(b)}`);
  };
}
