import { integerRange, isFloat, type DType } from "../../ir/types.ts";
import { lanesOfType, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";
import type { Expression } from "./expression.ts";
import { wordOf } from "./integer-expressions.ts";
import { registerElem } from "./storage.ts";

/** Registers of one dtype to registers of another; narrow results are cut to size afterwards. */
export const castTo: Expression = ({ b, args: [x], from, to, type }) => castRegister(b, x!, from[0]!, to, type);

/** 64-bit sides, and u32 from floats, go one by one. */
export function castIsScalar(from: readonly DType[], to: DType): boolean {
  return isFloat(from[0]!) && to === "u32";
}

export function castRegister(b: KernelBuilder, x: Term, from: DType, to: DType, type: Type): Term {
  if (from === to) return x;
  if (to === "bool") return b.select(b.compare("ne", x, zeroLike(b, x)), b.constant(type, 1), b.constant(type, 0));
  if (isFloat(from)) return isFloat(to) ? floatToFloat(b, x, to, type) : floatToInteger(b, x, from, to, type);
  if (isFloat(to)) return integerToFloat(b, x, from, to, type);
  return integerToInteger(b, x, from, type);
}

function zeroLike(b: KernelBuilder, x: Term): Term {
  return !("mask" in x.type) && (x.type.elem === "f32" || x.type.elem === "f64") ? b.constant(x.type, 0) : wordOf(b, x, 0);
}

function elemOfTerm(x: Term): Elem {
  return "mask" in x.type ? "i32" : x.type.elem;
}

function convert(b: KernelBuilder, x: Term, elem: Elem): Term {
  return elemOfTerm(x) === elem ? x : b.let("v", b.op("convert", scalar(elem), [x]));
}

function floatToFloat(b: KernelBuilder, x: Term, to: DType, type: Type): Term {
  if (elemOfTerm(x) !== "f64" || to === "f64") return "mask" in type || type.elem === elemOfTerm(x) ? x : convert(b, x, type.elem);
  if (to !== "f16") return convert(b, x, "f32");
  // Rounding twice goes wrong on ties: the bits that f32 has no room for become its last one.
  const long = scalar("i64");
  const bits = b.let("d", b.op("bitcast", long, [x]));
  const rest = b.op("and", long, [bits, b.constant(long, 0x1fffffffn)]);
  const sticky = b.select(b.compare("ne", rest, b.constant(long, 0n)), b.constant(long, 0x20000000n), b.constant(long, 0n));
  const odd = b.op("or", long, [b.op("and", long, [bits, b.constant(long, ~0x1fffffffn)]), sticky]);
  const value = b.select(b.compare("eq", x, x), b.op("bitcast", scalar("f64"), [odd]), x);
  return b.let("v", b.op("convert", scalar("f32"), [value]));
}

/** Cut off, saturated; 0 of NaN. */
function floatToInteger(b: KernelBuilder, x: Term, from: DType, to: DType, type: Type): Term {
  const [low, high] = integerRange(to);
  if (to === "u64") return floatToU64(b, convert(b, x, "f64"));
  if (registerElem(to) === "i64") return convert(b, x, "i64");
  if (to === "u32") {
    const long = convert(b, x, "i64");
    const clamped = b.let("v", b.pmin(b.pmax(long, wordOf(b, long, low)), wordOf(b, long, high)));
    return convert(b, clamped, "i32");
  }
  if (registerElem(from) === "f64") {
    const word = convert(b, x, "i32");
    return to === "i32" ? word : b.pmin(b.pmax(word, b.constant(type, low)), b.constant(type, high));
  }
  const c = (value: number): Term => b.constant(x.type, value);
  // The greatest f32 below 2^31 is not the greatest i32.
  const top = to === "i32" ? 2 ** 31 - 128 : high;
  const inside = b.let("v", b.pmin(b.pmax(c(low), x), c(top)));
  const cut = b.let("v", b.op("truncToInt", type, [inside]));
  const saturated = to === "i32" ? b.let("v", b.select(b.compare("ge", x, c(2 ** 31)), b.constant(type, high), cut)) : cut;
  return b.select(b.compare("eq", x, x), saturated, b.constant(type, 0));
}

function floatToU64(b: KernelBuilder, x: Term): Term {
  const [long, double] = [scalar("i64"), scalar("f64")];
  const half = b.constant(double, 2 ** 63);
  const low = convert(b, b.let("v", b.pmax(x, b.constant(double, 0))), "i64");
  const high = convert(b, b.let("v", b.sub(x, half)), "i64");
  const upper = b.let("v", b.op("xor", long, [high, b.constant(long, -(2n ** 63n))]));
  const most = b.select(b.compare("ge", x, b.constant(double, 2 ** 64)), b.constant(long, -1n), upper);
  return b.select(b.compare("ge", x, half), most, low);
}

function integerToFloat(b: KernelBuilder, x: Term, from: DType, to: DType, type: Type): Term {
  const target = registerElem(to);
  if (from === "u32") return unsignedToFloat(b, x, type, target);
  if (from === "u64") {
    // Halved, the lost bit kept as the last one, so that it rounds as the whole would.
    const long = scalar("i64");
    const one = b.constant(long, 1n);
    const halved = b.let("v", b.op("or", long, [b.op("shrU", long, [x], [1]), b.op("and", long, [x, one])]));
    const doubled = convert(b, halved, target);
    return b.select(b.compare("lt", x, b.constant(long, 0n)), b.add(doubled, doubled), convert(b, x, target));
  }
  if (to === "f16" && from === "i64") return floatToFloat(b, convert(b, x, "f64"), to, type);
  if (registerElem(from) === "i32" && target === "f32") return b.op("toFloat", type, [x]);
  return convert(b, x, target);
}

function unsignedToFloat(b: KernelBuilder, x: Term, type: Type, target: Elem): Term {
  if (target === "f64") {
    const long = scalar("i64");
    return convert(b, b.let("v", b.op("and", long, [b.op("convert", long, [x]), b.constant(long, 0xffffffffn)])), "f64");
  }
  const word: Type = { elem: "i32", lanes: lanesOfType(type) };
  const high = b.op("toFloat", type, [b.op("shrU", word, [x], [16])]);
  const low = b.op("toFloat", type, [b.op("and", word, [x, b.constant(word, 0xffff)])]);
  return b.madd(high, b.constant(type, 65536), low);
}

function integerToInteger(b: KernelBuilder, x: Term, from: DType, type: Type): Term {
  const target = "mask" in type ? "i32" : type.elem;
  if (elemOfTerm(x) === target) return x;
  const wide = convert(b, x, target);
  if (target !== "i64" || from !== "u32") return wide;
  return b.op("and", type, [wide, b.constant(type, 0xffffffffn)]);
}
