import { isMask } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";
import { typeName } from "./names.ts";

/** A constant of any type as C: scalars as literals, vectors as a splat that folds away. */
export function literal(type: Type, value: number | bigint, kernelLanes: number): string {
  if (isMask(type)) {
    if (type.mask === 1) return value ? "1" : "0";
    return value ? `~(${typeName(type, kernelLanes)}){0}` : `(${typeName(type, kernelLanes)}){0}`;
  }
  if (type.lanes === 1) return scalarLiteral(type.elem, value);
  const zero = `(${typeName(type, kernelLanes)}){0}`;
  // x - 0 is x for every x, -0 and NaN included; x + 0 is not.
  return value === 0 && !Object.is(value, -0) ? zero : value === 0n ? zero : `${castNarrow(type.elem, value)} - ${zero}`;
}

/** gcc splats a scalar only if its type is not wider than the lane. */
function castNarrow(elem: Elem, value: number | bigint): string {
  const text = scalarLiteral(elem, value);
  return elem === "u8" || elem === "i8" || elem === "u16" || elem === "i16" ? `(${elem})${text.startsWith("-") ? `(${text})` : text}` : text;
}

export function scalarLiteral(elem: Elem, value: number | bigint): string {
  switch (elem) {
    case "f32":
      return floatLiteral(Math.fround(Number(value)), "f", isFloat);
    case "f64":
      return floatLiteral(Number(value), "", () => false);
    case "i64": {
      const wide = BigInt.asIntN(64, BigInt(value));
      return wide === -(2n ** 63n) ? "(-9223372036854775807ll - 1)" : `${wide}ll`;
    }
    case "i32": {
      const word = Number(BigInt.asIntN(32, BigInt(value)));
      return word === -(2 ** 31) ? "(-2147483647 - 1)" : String(word);
    }
    default:
      return String(Number(value));
  }
}

function floatLiteral(value: number, suffix: string, isExact: (text: string, value: number) => boolean): string {
  if (Number.isNaN(value)) return `__builtin_nan${suffix}("")`;
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}__builtin_inf${suffix}()`;
  if (Object.is(value, -0)) return `-0.0${suffix}`;
  const text = shortest(value, isExact);
  return `${/[.e]/.test(text) ? text : `${text}.0`}${suffix}`;
}

function shortest(value: number, isExact: (text: string, value: number) => boolean): string {
  for (let digits = 1; digits <= 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (isExact(text, value)) return text;
  }
  return String(value);
}

/** True if the decimal reads as the f32 `value`, with room for the double rounding of reading it here through f64. */
function isFloat(text: string, value: number): boolean {
  const read = Number(text);
  return [1 - 2 ** -50, 1, 1 + 2 ** -50].every((near) => Math.fround(read * near) === value);
}
