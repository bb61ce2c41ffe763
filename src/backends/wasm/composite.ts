import { ELEM_BYTES, type Elem } from "../../kernel/kernel.ts";
import type { Ref } from "./binaryen.ts";
import { isFloat, signOf, type Lanes, type Shape } from "./lanes.ts";

/** Ops of the kernel IR that take several instructions of WebAssembly. */

const BYTES: Shape = { elem: "u8", lanes: 16 };
const WORDS: Shape = { elem: "i32", lanes: 4 };

export function compare(e: Lanes, name: string, shape: Shape, a: Ref, b: Ref): Ref {
  const sign = isFloat(shape.elem) || name === "eq" || name === "ne" ? "" : `_${signOf(shape.elem)}`;
  const test = e.method(shape, `${name}${sign}`)(a, b);
  return shape.lanes === 1 ? test : e.maskAs(test, ELEM_BYTES[shape.elem], 16 / shape.lanes);
}

/** Vectors of integers know maxima (but for i64), those of floats pmax. The others compare and choose. */
export function extremum(e: Lanes, op: "pmax" | "pmin", shape: Shape, a: Ref, b: Ref): Ref {
  const isVector = shape.lanes > 1;
  if (isVector && isFloat(shape.elem)) return e.method(shape, op)(a, b);
  if (isVector && shape.elem !== "i64") return e.method(shape, `${op.slice(1)}_${signOf(shape.elem)}`)(a, b);
  return e.twice(shape, a, (first) =>
    e.twice(shape, b, (second) => {
      const test = op === "pmax" ? compare(e, "lt", shape, first(), second()) : compare(e, "lt", shape, second(), first());
      return isVector ? e.module.v128.bitselect(second(), first(), test) : e.module.select(test, second(), first());
    }),
  );
}

/** Saturating narrowing does nothing to values in range. */
export function narrow(e: Lanes, from: Shape, to: Shape, x: Ref): Ref {
  const { module: m } = e;
  const sign = signOf(to.elem);
  if (from.elem === "i16") return m.i8x16[`narrow_i16x8_${sign}`](x, e.zero());
  if (ELEM_BYTES[to.elem] === 2) return m.i16x8[`narrow_i32x4_${sign}`](x, e.zero());
  return m.i8x16[`narrow_i16x8_${sign}`](m.i16x8.narrow_i32x4_s(x, e.zero()), e.zero());
}

export function convert(e: Lanes, from: Elem, to: Elem, x: Ref): Ref {
  const { module: m } = e;
  if (isFloat(from)) {
    if (isFloat(to)) return to === "f64" ? m.f64.promote(x) : m.f32.demote(x);
    return (to === "i64" ? m.i64 : m.i32).trunc_s_sat[from](x);
  }
  if (isFloat(to)) return m[to].convert_s[from === "i64" ? "i64" : "i32"](x);
  return to === "i64" ? m.i64.extend_s(x) : m.i32.wrap(x);
}

/** Four masks of four lanes (two of eight) become bytes before their signs are gathered; what is left goes one by one. */
export function bitmask(e: Lanes, masks: readonly Ref[], lanes: number): Ref {
  const { module: m } = e;
  const perWord = lanes === 4 || lanes === 8 ? 16 / lanes : 1;
  let result: Ref | undefined;
  for (let k = 0; k < masks.length;) {
    const group = masks.length - k >= perWord ? perWord : 1;
    const bits = m.i64.extend_u(gatherSigns(e, masks.slice(k, k + group), lanes));
    const placed = k === 0 ? bits : m.i64.shl(bits, m.i64.const(BigInt(k * lanes)));
    result = result === undefined ? placed : m.i64.or(result, placed);
    k += group;
  }
  return result!;
}

function gatherSigns({ module: m }: Lanes, masks: readonly Ref[], lanes: number): Ref {
  const [a, b, c, d] = masks as [Ref, Ref, Ref, Ref];
  if (lanes === 1) return a;
  if (masks.length === 4) return m.i8x16.bitmask(m.i8x16.narrow_i16x8_s(m.i16x8.narrow_i32x4_s(a, b), m.i16x8.narrow_i32x4_s(c, d)));
  if (masks.length === 2) return m.i8x16.bitmask(m.i8x16.narrow_i16x8_s(a, b));
  return m[lanes === 16 ? "i8x16" : lanes === 8 ? "i16x8" : lanes === 4 ? "i32x4" : "i64x2"].bitmask(a);
}

/** Each lane keeps its own bit of the number and compares. */
export function expand(e: Lanes, mask: Shape, bits: Elem, value: Ref): Ref {
  const { module: m } = e;
  const word = bits === "i64" ? m.i32.wrap(value) : value;
  if (mask.lanes === 1) return m.i32.and(word, m.i32.const(1));
  const width = ELEM_BYTES[mask.elem];
  // A lane of 8 bytes holds the number twice: its weight has no bits in the upper half.
  const weights = (): Ref => e.bytes(Uint8Array.from({ length: 16 }, (_, i) => (width === 1 ? 1 << (i % 8) : i % width === 0 ? 1 << (i / width) : 0)));
  return e.method(mask, "eq")(m.v128.and(spreadWord(e, word, width), weights()), weights());
}

/** The low bits of a word in every lane; of bytes, the first eight lanes get the lowest byte and the others the next. */
function spreadWord(e: Lanes, word: Ref, width: number): Ref {
  const { module: m } = e;
  if (width === 2) return m.i16x8.splat(word);
  if (width > 2) return m.i32x4.splat(word);
  return e.shuffle(
    m.i32x4.splat(word),
    undefined,
    Array.from({ length: 16 }, (_, i) => i >> 3),
    BYTES,
  );
}

/** The product puts seven copies of the byte where each bit can be picked; the eighth bit is placed on its own. */
export function spread8(e: Lanes, byte: Ref): Ref {
  const { module: m } = e;
  const { and, const: word } = m.i32;
  return e.twice({ elem: "i32", lanes: 1 }, byte, (b) =>
    m.i64.or(
      m.i64.and(m.i64.mul(m.i64.extend_u(and(b(), word(127))), m.i64.const(0x0002040810204081n)), m.i64.const(0x0101010101010101n)),
      m.i64.shl(m.i64.extend_u(and(b(), word(128))), m.i64.const(49n)),
    ),
  );
}

/** swizzle gives 0 for indices past its 16 bytes, so that the tables are joined by or. Entry n of 32 bits is its bytes 4n to 4n + 3. */
export function lookup(e: Lanes, tables: readonly Ref[], index: Ref, shape: Shape): Ref {
  const { module: m } = e;
  const bytes = ELEM_BYTES[shape.elem] === 1 ? index : m.i32x4.add(m.i32x4.mul(index, e.constant(WORDS, 0x04040404)), e.constant(WORDS, 0x03020100));
  const tableBytes = ELEM_BYTES[shape.elem] * shape.lanes;
  return e.twice(BYTES, bytes, (i) =>
    tables.map((table, k) => m.i8x16.swizzle(table, k === 0 ? i() : m.i8x16.sub(i(), e.constant(BYTES, k * tableBytes)))).reduce((a, b) => m.v128.or(a, b)),
  );
}

/** Bytes as 16-bit words: pairs are added by the dot product, pairs of pairs by two shuffles. */
export function dot4(e: Lanes, acc: Ref, x: Shape, xs: Ref, ws: Ref): Ref {
  const { module: m } = e;
  const sign = signOf(x.elem);
  const half = (part: "low" | "high", a: Ref, w: Ref): Ref =>
    m.i32x4.dot_i16x8_s(m.i16x8[`extend_${part}_i8x16_${sign}`](a), m.i16x8[`extend_${part}_i8x16_s`](w));
  return e.twice(BYTES, xs, (a) =>
    e.twice(BYTES, ws, (w) =>
      e.twice(WORDS, half("low", a(), w()), (p) =>
        e.twice(WORDS, half("high", a(), w()), (q) => {
          const pick = (first: number): Ref => e.shuffle(p(), q(), [first, first + 2, first + 4, first + 6], WORDS);
          return m.i32x4.add(acc, m.i32x4.add(pick(0), pick(1)));
        }),
      ),
    ),
  );
}
