const WORDS = new Uint32Array(2);
const DOUBLE = new Float64Array(WORDS.buffer);

/**
 * A decimal number as a double that rounds to the f32 nearest to the decimal. `Number` alone rounds twice: where the double falls
 * on the middle between two f32 and the decimal does not, it is moved to the decimal's side.
 */
export function singleFromText(text: string): number {
  const value = Number(text);
  if (!isBetweenSingles(value) || !Number.isFinite(value)) return value;
  const side = compareDecimal(text, value);
  if (side === 0) return value;
  const bits = new BigUint64Array(DOUBLE.buffer);
  bits[0] = bits[0]! + (side > 0 === value > 0 ? 1n : -1n);
  return DOUBLE[0]!;
}

/** Whether a double is in the middle between two f32. Subnormal ones have their middles elsewhere; no shortest decimal of one is that near to a middle. */
export function isBetweenSingles(value: number): boolean {
  DOUBLE[0] = value;
  return (WORDS[0]! & 0x1fffffff) === 0x10000000;
}

/** 10^0 to 10^22, which are doubles. */
const POWERS = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * The double nearest to a decimal that is spelled in bytes `start` to `end`, where one operation on doubles gives it: at most 15
 * digits and a power of ten up to 22 (Clinger 1990). Undefined for others, and for what is no decimal.
 */
export function quickDecimal(bytes: Uint8Array, start: number, end: number): number | undefined {
  const isNegative = bytes[start] === 0x2d;
  let at = isNegative ? start + 1 : start;
  let [digits, count, places] = [0, 0, 0];
  const first = at;
  for (; isDigit(bytes[at]) && at < end; at++, count++) digits = digits * 10 + bytes[at]! - 0x30;
  if (at === first) return undefined;
  if (bytes[at] === 0x2e && at < end) {
    at++;
    for (; isDigit(bytes[at]) && at < end; at++, count++, places++) digits = digits * 10 + bytes[at]! - 0x30;
  }
  if (count > 15) return undefined;
  let power = 0;
  if ((bytes[at]! | 0x20) === 0x65 && at < end) {
    at++;
    const isSmall = bytes[at] === 0x2d;
    if (isSmall || bytes[at] === 0x2b) at++;
    const from = at;
    for (; isDigit(bytes[at]) && at < end; at++) power = Math.min(1000, power * 10 + bytes[at]! - 0x30);
    if (at === from) return undefined;
    if (isSmall) power = -power;
  }
  power -= places;
  if (at !== end || power < -22 || power > 22) return undefined;
  const value = power < 0 ? digits / POWERS[-power]! : digits * POWERS[power]!;
  return isNegative ? -value : value;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The sign of decimal less double, exactly. */
function compareDecimal(text: string, value: number): number {
  const [, sign, whole, fraction = "", exponent = "0"] = /^\s*([-+]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([-+]?[0-9]+))?\s*$/.exec(text) ?? [];
  if (whole === undefined || Math.abs(Number(exponent)) > 400) return 0;
  const power = Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction || "0") * (sign === "-" ? -1n : 1n);
  // value = mantissa * 2^twos
  DOUBLE[0] = value;
  const high = WORDS[1]!;
  const field = (high >>> 20) & 0x7ff;
  const mantissa = (BigInt((high & 0xfffff) | (field > 0 ? 0x100000 : 0)) << 32n) | BigInt(WORDS[0]!);
  const twos = Math.max(1, field) - 1075;
  const [tens, rest] = [10n ** BigInt(Math.abs(power)), 2n ** BigInt(Math.abs(twos))];
  const left = digits * (power >= 0 ? tens : 1n) * (twos < 0 ? rest : 1n);
  const right = (value < 0 ? -mantissa : mantissa) * (power < 0 ? tens : 1n) * (twos >= 0 ? rest : 1n);
  return left < right ? -1 : left > right ? 1 : 0;
}
