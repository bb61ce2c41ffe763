const BITS = new Uint32Array(1);
const SINGLE = new Float32Array(BITS.buffer);

/** 10^0 to 10^60 to the last bit or two, which is more than enough beside the distance of two f32. */
const TENS = Float64Array.from({ length: 61 }, (_, i) => Number(`1e${i}`));
/** How far nine digits computed in doubles may be off. */
const DOUBT = 1e-5;

/** No f32 has more letters. */
export const LONGEST_SINGLE = 32;

const [ZERO, POINT, MINUS, PLUS, LETTER_E] = [48, 46, 45, 43, 101];

/** Writes the shortest decimal that is nearer to this f32 than to any other, as numpy does, plain from 1e-6 to 1e21. Gives the place behind it. */
export function writeSingle(bytes: Uint8Array, start: number, x: number): number {
  SINGLE[0] = x;
  const negative = BITS[0]! >>> 31;
  const bits = BITS[0]! & 0x7fffffff;
  let at = start;
  if (negative && bits <= 0x7f800000) bytes[at++] = MINUS;
  if (bits >= 0x7f7fffff || bits === 0) return writeText(bytes, at, bits > 0x7f800000 ? "nan" : bits === 0 ? "0" : slowly(Math.abs(x)));
  BITS[0] = bits;
  const magnitude = SINGLE[0];
  if (magnitude < 1e9 && Math.floor(magnitude) === magnitude && magnitude < 2 ** 24) return writeWhole(bytes, at, magnitude, countDigits(magnitude));
  BITS[0] = bits - 1;
  // Middles between neighbours are doubles.
  const below = (magnitude + SINGLE[0]) / 2;
  BITS[0] = bits + 1;
  const above = (magnitude + SINGLE[0]) / 2;
  // 10^exponent <= magnitude, or one less: then there is a digit more.
  let exponent = bits < 0x00800000 ? Math.floor(Math.log10(magnitude)) : Math.floor(((bits >>> 23) - 127) * 0.30102999);
  let nine = magnitudeOf(magnitude, 8 - exponent);
  if (nine >= 1e9) nine = magnitudeOf(magnitude, 8 - ++exponent);
  else if (nine < 1e8) nine = magnitudeOf(magnitude, 8 - --exponent);
  const low = magnitudeOf(below, 8 - exponent);
  const high = magnitudeOf(above, 8 - exponent);
  let digits = Math.round(nine);
  let dropped = 0;
  if (digits - low < DOUBT || high - digits < DOUBT) return writeText(bytes, at, slowly(magnitude));
  for (let unit = 10; unit < 1e9; unit *= 10) {
    const shorter = Math.round(nine / unit);
    const room = Math.min(shorter * unit - low, high - shorter * unit);
    if (room < -DOUBT) break;
    if (room < DOUBT) return writeText(bytes, at, slowly(magnitude));
    digits = shorter;
    dropped++;
  }
  let power = exponent - 8 + dropped;
  while (digits % 10 === 0) {
    digits /= 10;
    power++;
  }
  return writeDecimal(bytes, at, digits, power);
}

function magnitudeOf(value: number, power: number): number {
  return power < 0 ? value / TENS[-power]! : value * TENS[power]!;
}

/** digits * 10^power */
function writeDecimal(bytes: Uint8Array, start: number, digits: number, power: number): number {
  const count = countDigits(digits);
  const point = count + power;
  let at = start;
  if (point > 21 || point < -5) {
    at = writeWhole(bytes, at, digits, count);
    if (count > 1) {
      bytes.copyWithin(start + 2, start + 1, at++);
      bytes[start + 1] = POINT;
    }
    bytes[at++] = LETTER_E;
    bytes[at++] = point < 1 ? MINUS : PLUS;
    const exponent = Math.abs(point - 1);
    return writeWhole(bytes, at, exponent, countDigits(exponent));
  }
  if (power >= 0) {
    at = writeWhole(bytes, at, digits, count);
    for (let i = 0; i < power; i++) bytes[at++] = ZERO;
    return at;
  }
  if (point > 0) {
    at = writeWhole(bytes, at, digits, count) + 1;
    bytes.copyWithin(start + point + 1, start + point, at - 1);
    bytes[start + point] = POINT;
    return at;
  }
  bytes[at++] = ZERO;
  bytes[at++] = POINT;
  for (let i = 0; i < -point; i++) bytes[at++] = ZERO;
  return writeWhole(bytes, at, digits, count);
}

function writeWhole(bytes: Uint8Array, at: number, value: number, count: number): number {
  let rest = value | 0;
  for (let i = at + count - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    bytes[i] = ZERO + rest - next * 10;
    rest = next;
  }
  return at + count;
}

/** Of a whole number below 2^31. */
function countDigits(value: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  return count;
}

export function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** For magnitudes at the border of what doubles tell, the largest f32 and infinity. */
function slowly(magnitude: number): string {
  if (magnitude === Infinity) return "inf";
  for (let digits = 1; digits < 9; digits++) {
    const text = magnitude.toPrecision(digits);
    if (Math.fround(Number(text)) === magnitude) return String(Number(text));
  }
  return String(Number(magnitude.toPrecision(9)));
}
