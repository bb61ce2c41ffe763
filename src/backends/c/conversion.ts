import { ELEM_BYTES, type Elem } from "../../kernel/kernel.ts";
import { bitsOf, bytesOf, isFloatElem, nameOf, type Shape } from "./arithmetic.ts";
import { byCompiler, type Support } from "./support.ts";

/** Extends each element of a short vector. */
export function widening(support: Support, from: Shape, to: Shape): string {
  const [source, target] = [nameOf(from), nameOf(to)];
  return support.define(`widen_${source}_${target}`, target, [`${source} a`], () => {
    const generic = [`return __builtin_convertvector(a, ${target});`];
    const call = support.arch === "x86_64" ? x86Widening(support, from, to) : undefined;
    return call ? byCompiler([`return ${call};`], generic) : generic;
  });
}

const LETTER: Readonly<Partial<Record<Elem, string>>> = { u8: "b", i8: "b", u16: "w", i16: "w", i32: "d", i64: "q" };

/** gcc 12 takes `__builtin_convertvector` of short vectors apart; pmovzx and pmovsx do it in one. They want 16 bytes at least. */
function x86Widening(support: Support, from: Shape, to: Shape): string | undefined {
  const [a, b, bytes] = [LETTER[from.elem], LETTER[to.elem], bytesOf(to)];
  if (!a || !b || ELEM_BYTES[from.elem] >= ELEM_BYTES[to.elem] || (bytes !== 16 && bytes !== 32 && bytes !== 64)) return undefined;
  const target = nameOf(to);
  const builtin = `__builtin_ia32_pmov${from.elem.startsWith("u") ? "zx" : "sx"}${a}${b}${bytes * 8}${bytes === 64 ? "_mask" : ""}`;
  const argument = x86Source(support, from);
  if (bytes < 64) return `(${target})${builtin}(${argument})`;
  const zero = support.type(nameOf({ elem: b === "w" ? "i16" : b === "d" ? "i32" : "i64", lanes: to.lanes }));
  return `(${target})${builtin}(${argument}, (${zero}){0}, -1)`;
}

/** `a` as the vector of at least 16 bytes that the builtins take: bytes are plain chars to them. */
function x86Source(support: Support, from: Shape): string {
  const bytes = bytesOf(from);
  const width = Math.max(bytes, 16) / ELEM_BYTES[from.elem];
  const wide = support.type(ELEM_BYTES[from.elem] === 1 ? `c8x${width}` : nameOf({ elem: bitsOf(from).elem, lanes: width }));
  if (bytes >= 16) return `(${wide})a`;
  const word = bytes === 8 ? "i64" : bytes === 4 ? "i32" : "i16";
  const words = support.type(`${word}x${16 / bytes}`);
  return `(${wide})(${words}){(${support.type(word)})a}`;
}

/** To narrower integers; the values are in their range. */
export function narrowing(support: Support, from: Shape, to: Shape): string {
  const [source, target] = [nameOf(from), nameOf(to)];
  return support.define(`narrow_${source}_${target}`, target, [`${source} a`], () => {
    const generic = [`return __builtin_convertvector(a, ${target});`];
    const lines = support.arch === "x86_64" ? x86Narrowing(support, from, to) : undefined;
    return lines ? byCompiler(lines, generic) : generic;
  });
}

/** Saturating packs: the saturation does nothing to values in range. They work on halves of 16 bytes; AVX-512 has its own. */
function x86Narrowing(support: Support, from: Shape, to: Shape): string[] | undefined {
  const bytes = bytesOf(from);
  const target = nameOf(to);
  const unsigned = to.elem.startsWith("u");
  if (bytes === 64) {
    const zero = support.type(ELEM_BYTES[to.elem] === 1 ? `c8x${to.lanes}` : `i16x${to.lanes}`);
    return [`return (${target})__builtin_ia32_pmov${LETTER[from.elem]}${LETTER[to.elem]}512_mask(a, (${zero}){0}, -1);`];
  }
  if (bytes !== 16 && bytes !== 32) return undefined;
  support.type("i16x8");
  const part = (first: number): string => `__builtin_shufflevector(a, a, ${Array.from({ length: from.lanes / 2 }, (_, i) => first + i).join(", ")})`;
  const halves = bytes === 16 ? "a, a" : `${part(0)}, ${part(from.lanes / 2)}`;
  const bytesPack = (operands: string): string => `__builtin_ia32_pack${unsigned ? "us" : "ss"}wb128(${operands})`;
  if (from.elem === "i16") return [`return ${x86Low(support, bytesPack(halves), to)};`];
  const words = `__builtin_ia32_pack${to.elem === "u16" ? "us" : "ss"}dw128(${halves})`;
  if (ELEM_BYTES[to.elem] === 2) return [`return ${x86Low(support, words, to)};`];
  return [`const i16x8 w = (i16x8)${words};`, `return ${x86Low(support, bytesPack("w, w"), to)};`];
}

/** The low bytes of a 16-byte vector. */
function x86Low(support: Support, vector: string, to: Shape): string {
  const bytes = bytesOf(to);
  if (bytes === 16) return `(${nameOf(to)})${vector}`;
  return `(${nameOf(to)})((${support.type(bytes === 8 ? "i64x2" : "i32x4")})${vector})[0]`;
}

/** The same bits as another type of the same size. Vectors are cast; scalars go through a union. */
export function scalarBits(support: Support, from: Elem, to: Elem): string {
  return support.define(`bits_${from}_${to}`, to, [`${from} a`], () => [`const union { ${from} from; ${to} to; } bits = {a};`, "return bits.to;"]);
}

/** Whole numbers of 64 bits are divided by a library function on 32-bit Arm; here bit by bit. */
export function longDivision(support: Support, which: "div" | "rem"): string {
  return support.define(`${which}_i64`, "i64", ["i64 a", "i64 b"], () => [
    "const uint64_t divisor = b < 0 ? -(uint64_t)b : (uint64_t)b;",
    "uint64_t quotient = a < 0 ? -(uint64_t)a : (uint64_t)a, rest = 0;",
    "for (int i = 0; i < 64; i++) {",
    "  rest = rest << 1 | quotient >> 63;",
    "  quotient <<= 1;",
    "  if (rest >= divisor) {",
    "    rest -= divisor;",
    "    quotient |= 1;",
    "  }",
    "}",
    which === "div" ? "return (a < 0) != (b < 0) ? -(i64)quotient : (i64)quotient;" : "return a < 0 ? -(i64)rest : (i64)rest;",
  ]);
}

/** f32 to i32, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves the integer in the low bits. */
export function roundToInteger(support: Support, shape: Shape): string {
  const source = nameOf(shape);
  const target = support.type(nameOf(bitsOf(shape)));
  return support.define(`round_${source}_${target}`, target, [`${source} a`], () => {
    if (shape.lanes > 1) return [`return (${target})(a + 12582912.0f) - 0x4b400000;`];
    return [`return ${scalarBits(support, "f32", "i32")}(a + 12582912.0f) - 0x4b400000;`];
  });
}

/** Between scalars of any kind: floats to integers truncate, saturate and take NaN to 0; integers wrap. */
export function conversion(support: Support, from: Elem, to: Elem): string {
  return support.define(`convert_${from}_${to}`, to, [`${from} a`], () => scalarConversion(support, from, to));
}

function scalarConversion(support: Support, from: Elem, to: Elem): string[] {
  const helped = support.arch === "armv7" ? armv7Conversion(support, from, to) : undefined;
  if (!isFloatElem(from) || isFloatElem(to)) return helped ?? [`return (${to})a;`];
  const bits = to === "i64" ? 63 : 31;
  const [limit, least, greatest] =
    bits === 63 ? ["9223372036854775808.0", "(-9223372036854775807ll - 1)", "9223372036854775807ll"] : ["2147483648.0", "(-2147483647 - 1)", "2147483647"];
  const suffix = from === "f32" ? "f" : "";
  return [
    "if (a != a) return 0;",
    `if (a >= ${limit}${suffix}) return ${greatest};`,
    `if (a <= -${limit}${suffix}) return ${least};`,
    ...(helped ?? [`return (${to})a;`]),
  ];
}

/** 64-bit integers and floats meet in library calls on 32-bit Arm; here by halves. Values to i64 are in range. */
function armv7Conversion(support: Support, from: Elem, to: Elem): string[] | undefined {
  support.type("f64");
  if (from === "i64" && to === "f64") return ["return (f64)(int32_t)(a >> 32) * 4294967296.0 + (f64)(uint32_t)a;"];
  if (from === "i64" && to === "f32") {
    const exact = conversion(support, "i64", "f64");
    return [
      "// 53 bits are exact in f64. Longer numbers drop low bits, of which one that stays tells that there were some.",
      `if (a < 9007199254740992ll && a > -9007199254740992ll) return (f32)${exact}(a);`,
      `return (f32)${exact}((a >> 11) | ((a & 2047) != 0)) * 2048.0f;`,
    ];
  }
  if (to === "i64" && isFloatElem(from)) {
    return [
      "const f64 m = __builtin_fabs((f64)a);",
      "const uint32_t high = (uint32_t)(m * 2.3283064365386963e-10);",
      "const i64 r = (i64)(((uint64_t)high << 32) | (uint32_t)(m - (f64)high * 4294967296.0));",
      "return a < 0 ? -r : r;",
    ];
  }
  return undefined;
}
