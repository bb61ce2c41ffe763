import { exactProduct } from "./exact-product.ts";

const [ZERO, NINE, POINT, PLUS, MINUS, UPPER_E, LOWER_E] = [48, 9, 46, 43, 45, 69, 101];

/** Whole powers of ten that a double holds exactly. */
const TENS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Below it every whole number is a double. */
const EXACT = 2 ** 53;

/**
 * Reads decimal numbers from bytes: sign, digits, point, exponent. The result is the double nearest to what is written, ties to even.
 * `end` tells where the number ends; a byte that belongs to no number must stand behind it.
 */
export class DecimalScanner {
  /** Behind the number that was read last; where `scan` began, if there was none. */
  end = 0;

  /** The number at `start`, NaN if none begins there. Up to 18 digits without exponent are read in one go. */
  scan(bytes: Uint8Array, start: number): number {
    let at = start;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    let digit = 0;
    let high = 0;
    const whole = at;
    const mostWhole = at + 9;
    while ((digit = bytes[at]! ^ ZERO) <= NINE && at < mostWhole) {
      high = (high * 10 + digit) | 0;
      at++;
    }
    if (digit <= NINE || at === whole) return this.scanLong(bytes, start);
    let low = 0;
    let lowDigits = 0;
    let places = 0;
    if (bytes[at] === POINT) {
      const point = at++;
      let room = 9 - (point - whole);
      if (high === 0) {
        while (bytes[at] === ZERO) at++;
        room = 9;
      }
      const mostHigh = at + room;
      while ((digit = bytes[at]! ^ ZERO) <= NINE && at < mostHigh) {
        high = (high * 10 + digit) | 0;
        at++;
      }
      if (digit <= NINE) {
        const middle = at;
        const mostLow = at + 9;
        while ((digit = bytes[at]! ^ ZERO) <= NINE && at < mostLow) {
          low = (low * 10 + digit) | 0;
          at++;
        }
        lowDigits = at - middle;
      }
      places = at - point - 1;
      if (digit <= NINE || places > 40) return this.scanLong(bytes, start);
    }
    const next = bytes[at]! | 0x20;
    if (next === LOWER_E) return this.scanLong(bytes, start);
    this.end = at;
    const magnitude = lowDigits === 0 && places <= 22 ? (places === 0 ? high : high / TENS[places]!) : valueOf(high, low, lowDigits, -places);
    if (magnitude !== magnitude) return this.scanLong(bytes, start);
    return negative ? -magnitude : magnitude;
  }

  /** Any decimal number: more digits, a plus, an exponent, a point at an end. */
  private scanLong(bytes: Uint8Array, start: number): number {
    let at = start;
    this.end = start;
    if (bytes[at] === MINUS || bytes[at] === PLUS) at++;
    const negative = bytes[start] === MINUS;
    let [high, low, kept, dropped, places, digits] = [0, 0, 0, 0, 0, 0];
    let behindPoint = false;
    for (; ; at++) {
      const digit = bytes[at]! ^ ZERO;
      if (digit <= NINE) {
        digits++;
        if (behindPoint) places++;
        if (high === 0 && kept === 0 && digit === 0) continue;
        if (kept < 9) high = high * 10 + digit;
        else if (kept < 18) low = low * 10 + digit;
        else dropped++;
        kept++;
      } else if (bytes[at] === POINT && !behindPoint) behindPoint = true;
      else break;
    }
    if (digits === 0) return NaN;
    let exponent = 0;
    if (bytes[at] === LOWER_E || bytes[at] === UPPER_E) {
      let from = at + 1;
      const sign = bytes[from] === MINUS ? -1 : 1;
      if (bytes[from] === MINUS || bytes[from] === PLUS) from++;
      let value = 0;
      let power = from;
      for (let digit = 0; (digit = bytes[power]! ^ ZERO) <= NINE; power++) value = Math.min(value * 10 + digit, 99_999);
      // An e without digits belongs to what follows.
      if (power > from) [exponent, at] = [sign * value, power];
    }
    this.end = at;
    const magnitude = dropped === 0 ? valueOf(high, low, Math.max(0, kept - 9), exponent - places) : NaN;
    const exact = magnitude === magnitude ? magnitude : Math.abs(Number(textOf(bytes, start, at)));
    return negative ? -exact : exact;
  }
}

/** (high * 10^lowDigits + low) * 10^exponent, rounded once; NaN where that takes more than two doubles to tell. */
function valueOf(high: number, low: number, lowDigits: number, exponent: number): number {
  const digits = lowDigits === 0 ? high : high * TENS[lowDigits]! + low;
  if (digits === 0) return 0;
  if (digits < EXACT && exponent >= -22 && exponent <= 22) return exponent < 0 ? digits / TENS[-exponent]! : digits * TENS[exponent]!;
  return exactProduct(high, TENS[lowDigits]!, low, exponent);
}

/** ASCII as text. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
