import { ELEM_BYTES, type Elem } from "../../kernel/kernel.ts";
import { bytesOf, nameOf, type Shape } from "./arithmetic.ts";
import type { Support } from "./support.ts";

/** Lanes of one mask as the low bits of an i64. */
export function maskBits(support: Support, mask: Shape): string {
  const type = nameOf(mask);
  return support.define(`bitmask_${type}`, "i64", [`${type} m`], () => {
    if (mask.lanes === 1) return ["return m != 0;"];
    const x86 = support.arch === "x86_64" ? x86MaskBits(support, mask) : undefined;
    return x86 ?? ["i64 bits = 0;", `for (int i = 0; i < ${mask.lanes}; i++) bits |= (i64)(m[i] & 1) << i;`, "return bits;"];
  });
}

/** movmsk takes the sign bits of floats and bytes; AVX-512 has masks of its own. */
function x86MaskBits(support: Support, mask: Shape): string[] | undefined {
  const [width, bytes] = [ELEM_BYTES[mask.elem], bytesOf(mask)];
  if (bytes === 64) {
    const [letter, argument] = width === 1 ? ["b", support.type("c8x64")] : width === 2 ? ["w", "i16x32"] : width === 4 ? ["d", "i32x16"] : ["q", "i64x8"];
    return [`return (i64)${width === 1 ? "" : `(uint${Math.max(mask.lanes, 8)}_t)`}__builtin_ia32_cvt${letter}2mask512((${argument})m);`];
  }
  if (bytes !== 16 && bytes !== 32) return undefined;
  const wide = bytes === 32 ? "256" : "";
  if (width === 8) return [`return (i64)__builtin_ia32_movmskpd${wide}((${support.type(`f64x${mask.lanes}`)})m);`];
  if (width === 4) return [`return (i64)__builtin_ia32_movmskps${wide}((${support.type(`f32x${mask.lanes}`)})m);`];
  if (width === 1) return [`return (i64)(uint32_t)__builtin_ia32_pmovmskb${bytes * 8}((${support.type(`c8x${bytes}`)})m);`];
  if (bytes === 16) return [`return (i64)(uint32_t)__builtin_ia32_pmovmskb128((${support.type("c8x16")})__builtin_ia32_packsswb128(m, m)) & 0xff;`];
  return undefined;
}

/** Lanes of four masks of 32-bit lanes, one after the other, as the low bits of an i64: packed to bytes first, as movmsk takes signs of those. undefined: no faster here. */
export function fourMaskBits(support: Support, mask: Shape): string | undefined {
  const bytes = bytesOf(mask);
  if (support.arch !== "x86_64" || ELEM_BYTES[mask.elem] !== 4 || (bytes !== 16 && bytes !== 32)) return undefined;
  const type = nameOf(mask);
  return support.define(`bitmask4_${type}`, "i64", [`${type} a`, `${type} b`, `${type} c`, `${type} d`], () => {
    const chars = support.type(`c8x${bytes}`);
    const pack = `__builtin_ia32_packssdw${bytes * 8}`;
    const packed = `(${chars})__builtin_ia32_packsswb${bytes * 8}(${pack}((${type})a, (${type})b), ${pack}((${type})c, (${type})d))`;
    if (bytes === 16) return [`return (i64)(uint32_t)__builtin_ia32_pmovmskb128(${packed});`];
    // Packing works in halves of 16 bytes: four lanes of a, of b, of c and of d stand in each.
    return [
      `const ${type} order = {0, 4, 1, 5, 2, 6, 3, 7};`,
      `return (i64)(uint32_t)__builtin_ia32_pmovmskb256((${chars})__builtin_ia32_permvarsi256((${type})${packed}, order));`,
    ];
  });
}

/** The low bits of a number as a mask: lane i from bit i. */
export function expandBits(support: Support, bits: Elem, mask: Shape): string {
  const type = nameOf(mask);
  return support.define(`expand_${bits}_${type}`, type, [`${bits} bits`], () => {
    if (mask.lanes === 1) return ["return (i32)(bits & 1);"];
    const width = ELEM_BYTES[mask.elem] * 8;
    if (width === 8 && support.hasVectors && mask.lanes >= 16 && mask.lanes <= 64) return expandToBytes(support, bits, mask);
    if (mask.lanes > width - 1)
      return [`${type} m = {0};`, `for (int i = 0; i < ${mask.lanes}; i++) m[i] = (${support.type(mask.elem)})-((bits >> i) & 1);`, "return m;"];
    const weights = Array.from({ length: mask.lanes }, (_, i) => 2 ** i).join(", ");
    return [`const ${type} weights = {${weights}};`, `return (${type})((((${support.type(mask.elem)})bits - (${type}){0}) & weights) == weights);`];
  });
}

/** Each byte gets the byte of the number that has its bit, and keeps that bit. No byte comes from another quarter of 128 bits. */
function expandToBytes(support: Support, bits: Elem, mask: Shape): string[] {
  const type = nameOf(mask);
  const splat = support.type(`${bits}x${mask.lanes / ELEM_BYTES[bits]}`);
  const bytes = support.type(`u8x${mask.lanes}`);
  // A number of 4 or 8 bytes stands in every quarter: byte n of it is at each place that is n modulo its size.
  const places = Array.from({ length: mask.lanes }, (_, i) => Math.floor(i / 16) * 16 + (Math.floor(i / 8) % ELEM_BYTES[bits]));
  const weights = Array.from({ length: mask.lanes }, (_, i) => 2 ** (i % 8)).join(", ");
  return [
    `const ${bytes} weights = {${weights}};`,
    `const ${bytes} all = (${bytes})(bits - (${splat}){0});`,
    `return (${type})((__builtin_shufflevector(all, all, ${places.join(", ")}) & weights) == weights);`,
  ];
}

/** Bit i of a byte becomes the low bit of byte i. The product puts seven copies of the byte where each bit can be picked. */
export function spreadByte(support: Support): string {
  return support.define("spread8", "i64", ["i32 b"], () => [
    "return (i64)(((uint64_t)(b & 127) * 0x0002040810204081u & 0x0101010101010101u) | (uint64_t)(b & 128) << 49);",
  ]);
}

export function populationCount(support: Support, elem: "i32" | "i64"): string {
  return support.define(`popcnt_${elem}`, elem, [`${elem} a`], () => {
    if (hasBitInstructions(support)) return [`return (${elem})__builtin_popcount${elem === "i64" ? "ll" : ""}((uint${elem.slice(1)}_t)a);`];
    const [word, m1, m2, m4, ones, shift] =
      elem === "i64"
        ? ["uint64_t", "0x5555555555555555u", "0x3333333333333333u", "0x0f0f0f0f0f0f0f0fu", "0x0101010101010101u", 56]
        : ["uint32_t", "0x55555555u", "0x33333333u", "0x0f0f0f0fu", "0x01010101u", 24];
    return [
      `${word} n = (${word})a;`,
      `n -= (n >> 1) & ${m1};`,
      `n = (n & ${m2}) + ((n >> 2) & ${m2});`,
      `n = (n + (n >> 4)) & ${m4};`,
      `return (${elem})((n * ${ones}) >> ${shift});`,
    ];
  });
}

/** Zeros below the lowest one; of 0, the width. */
export function trailingZeros(support: Support, elem: "i32" | "i64"): string {
  return support.define(`ctz_${elem}`, elem, [`${elem} a`], () => {
    if (hasBitInstructions(support))
      return [`return a == 0 ? ${elem.slice(1)} : (${elem})__builtin_ctz${elem === "i64" ? "ll" : ""}((uint${elem.slice(1)}_t)a);`];
    return [`return ${populationCount(support, elem)}((a & -a) - 1);`];
  });
}

/** Elsewhere gcc calls its own library for these. */
function hasBitInstructions(support: Support): boolean {
  return support.arch === "x86_64" || support.arch === "aarch64" || support.arch === "wasm32";
}
