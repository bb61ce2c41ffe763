const WORDS = new Uint32Array(2);
const DOUBLE = new Float64Array(WORDS.buffer);

/**
 * A decimal number as a double that rounds to the f32 nearest to the decimal. `Number` alone rounds twice: where the double falls
 * on the middle between two f32 and the decimal does not, it is moved to the decimal's side.
 */
export function singleFromText(text: string): number {
  const value = Number(text);
  DOUBLE[0] = value;
  // Subnormal f32 have their middles elsewhere; no shortest decimal of one is that near to a middle.
  if ((WORDS[0]! & 0x1fffffff) !== 0x10000000 || !Number.isFinite(value)) return value;
  const side = compareDecimal(text, value);
  if (side === 0) return value;
  const bits = new BigUint64Array(DOUBLE.buffer);
  bits[0] = bits[0]! + (side > 0 === value > 0 ? 1n : -1n);
  return DOUBLE[0];
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
