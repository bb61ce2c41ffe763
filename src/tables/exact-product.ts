/** Powers of ten as two doubles each, the second being what the first leaves over: together right to 2^-105. */
const MOST = 80;
const HIGH = new Float64Array(2 * MOST + 1);
const LOW = new Float64Array(2 * MOST + 1);

for (let exponent = -MOST; exponent <= MOST; exponent++) {
  const at = exponent + MOST;
  HIGH[at] = Number(`1e${exponent}`);
  LOW[at] = remainder(exponent, HIGH[at]!);
}

/** 10^exponent less the double, in units of 2^-400, exactly enough. */
function remainder(exponent: number, double: number): number {
  const shift = 400n;
  const power = exponent >= 0 ? (10n ** BigInt(exponent)) << shift : (1n << shift) / 10n ** BigInt(-exponent);
  // A double is a whole number of 2^-400: 10^-80 has its last bit at about 2^-318.
  const units = BigInt(double * 2 ** 200 * 2 ** 120) << (shift - 320n);
  return Number(power - units) / 2 ** 200 / 2 ** 200;
}

/** Splits a double into two of 26 bits. */
const SPLIT = 2 ** 27 + 1;

/**
 * (a * b + c) * 10^exponent rounded once to the nearest double, for whole a and c below 10^9, b a power of ten up to 10^9. NaN where
 * the exponent is beyond the table, or the value lies so near to the middle between two doubles that more digits would be wanted.
 */
export function exactProduct(a: number, b: number, c: number, exponent: number): number {
  if (exponent < -MOST || exponent > MOST) return NaN;
  // a * b + c as two doubles.
  const product = a * b;
  const digits = product + c;
  const rest = twoProduct(a, b, product) + (c - (digits - product));
  const [power, powerRest] = [HIGH[exponent + MOST]!, LOW[exponent + MOST]!];
  const high = digits * power;
  const low = twoProduct(digits, power, high) + (digits * powerRest + rest * power);
  const value = high + low;
  const over = low - (value - high);
  const doubt = value * 2 ** -96;
  return value + (over + doubt) === value && value + (over - doubt) === value ? value : NaN;
}

/** a * b - product, exactly. */
function twoProduct(a: number, b: number, product: number): number {
  const [bigA, bigB] = [a * SPLIT, b * SPLIT];
  const [highA, highB] = [bigA - (bigA - a), bigB - (bigB - b)];
  const [lowA, lowB] = [a - highA, b - highB];
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
