import { bool } from "../attr.ts";
import { binary, TRANSCENDENTAL, unary } from "../elementwise.ts";
import type { Sample } from "../op-def.ts";
import { BITS, type DType } from "../types.ts";

/** A float operand drawn from where the function is defined. */
const within = (range: string): readonly Sample[] => [{ x: `2x3x5xf32 in ${range}` }, { x: `17xf64 in ${range}` }];

export const neg = unary({ name: "neg", summary: "-x", on: "number", compute: (x) => -x, wide: (x) => -x });
export const abs = unary({ name: "abs", summary: "|x|; the least integer stays itself.", on: "number", compute: Math.abs, wide: (x) => (x < 0n ? -x : x) });
export const sign = unary({
  name: "sign",
  summary: "-1, 0 or 1; NaN stays.",
  on: "number",
  compute: Math.sign,
  wide: (x) => (x < 0n ? -1n : x > 0n ? 1n : 0n),
});
export const floor = unary({ name: "floor", summary: "The largest integer that is not above x.", on: "float", compute: Math.floor });
export const ceil = unary({ name: "ceil", summary: "The smallest integer that is not below x.", on: "float", compute: Math.ceil });
export const round = unary({
  name: "round",
  summary: "The nearest integer; halfway, the even one.",
  on: "float",
  samples: within("-4..4"),
  compute: roundHalfEven,
});
export const sqrt = unary({ name: "sqrt", summary: "The square root.", on: "float", samples: within("0..9"), compute: Math.sqrt });
export const reciprocal = unary({ name: "reciprocal", summary: "1 / x", on: "float", samples: within("0.2..4"), compute: (x) => 1 / x });

export const exp = unary({ name: "exp", summary: "e to the x.", on: "float", tolerance: TRANSCENDENTAL, compute: Math.exp });
export const log = unary({
  name: "log",
  summary: "The natural logarithm.",
  on: "float",
  samples: within("0.01..9"),
  tolerance: TRANSCENDENTAL,
  compute: Math.log,
});
export const sin = unary({
  name: "sin",
  summary: "The sine of x radians.",
  on: "float",
  samples: within("-9..9"),
  tolerance: TRANSCENDENTAL,
  compute: Math.sin,
});
export const cos = unary({
  name: "cos",
  summary: "The cosine of x radians.",
  on: "float",
  samples: within("-9..9"),
  tolerance: TRANSCENDENTAL,
  compute: Math.cos,
});
export const tan = unary({
  name: "tan",
  summary: "The tangent of x radians.",
  on: "float",
  samples: within("-1.2..1.2"),
  tolerance: TRANSCENDENTAL,
  compute: Math.tan,
});
export const asin = unary({
  name: "asin",
  summary: "The angle whose sine is x.",
  on: "float",
  samples: within("-1..1"),
  tolerance: TRANSCENDENTAL,
  compute: Math.asin,
});
export const acos = unary({
  name: "acos",
  summary: "The angle whose cosine is x.",
  on: "float",
  samples: within("-1..1"),
  tolerance: TRANSCENDENTAL,
  compute: Math.acos,
});
export const atan = unary({ name: "atan", summary: "The angle whose tangent is x.", on: "float", tolerance: TRANSCENDENTAL, compute: Math.atan });
export const sinh = unary({ name: "sinh", summary: "The hyperbolic sine.", on: "float", tolerance: TRANSCENDENTAL, compute: Math.sinh });
export const cosh = unary({ name: "cosh", summary: "The hyperbolic cosine.", on: "float", tolerance: TRANSCENDENTAL, compute: Math.cosh });
export const tanh = unary({ name: "tanh", summary: "The hyperbolic tangent.", on: "float", tolerance: TRANSCENDENTAL, compute: Math.tanh });
export const asinh = unary({ name: "asinh", summary: "The inverse of sinh.", on: "float", tolerance: TRANSCENDENTAL, compute: Math.asinh });
export const acosh = unary({
  name: "acosh",
  summary: "The inverse of cosh, for x >= 1.",
  on: "float",
  samples: within("1..9"),
  tolerance: TRANSCENDENTAL,
  compute: Math.acosh,
});
export const atanh = unary({
  name: "atanh",
  summary: "The inverse of tanh, for |x| < 1.",
  on: "float",
  samples: within("-0.95..0.95"),
  tolerance: TRANSCENDENTAL,
  compute: Math.atanh,
});
export const erf = unary({ name: "erf", summary: "The error function.", on: "float", tolerance: TRANSCENDENTAL, compute: errorFunction });

export const add = binary({ name: "add", summary: "a + b; integers wrap.", on: "number", commutative: true, compute: (a, b) => a + b, wide: (a, b) => a + b });
export const sub = binary({ name: "sub", summary: "a - b; integers wrap.", on: "number", compute: (a, b) => a - b, wide: (a, b) => a - b });
export const mul = binary({
  name: "mul",
  summary: "a * b; integers wrap.",
  on: "number",
  commutative: true,
  compute: (a, b) => a * b,
  integer: Math.imul,
  wide: (a, b) => a * b,
});
export const div = binary({
  name: "div",
  summary: "a / b; integers truncate towards zero, and give 0 where b is 0.",
  on: "number",
  samples: [
    { a: "2x3x5xf32", b: "2x3x5xf32 in 0.2..4" },
    { a: "2x3x5xf32", b: "3x1xf32 in 0.2..4" },
    { a: "4xi32", b: "4xi32" },
    { a: "2x3xi64", b: "3xi64" },
    { a: "6xu8", b: "u8" },
  ],
  compute: (a, b) => a / b,
  integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  wide: (a, b) => (b === 0n ? 0n : a / b),
});
export const mod = binary({
  name: "mod",
  summary: "The remainder of a / b: with the sign of b, or with fmod that of a; integers give 0 where b is 0.",
  on: "number",
  attrs: { fmod: bool(false) },
  samples: [
    { a: "4xi32", b: "4xi32" },
    { a: "2x3xi64", b: "3xi64" },
    { a: "2x3xf32", b: "3xf32 in 0.5..2", attrs: { fmod: true } },
    { a: "5xi8", b: "5xi8", attrs: { fmod: true } },
    { a: "5xf32", b: "5xf32 in 0.5..2" },
  ],
  compute: (a, b, { fmod }) => (fmod ? a % b : a - b * Math.floor(a / b)),
  integer: (a, b, { fmod }) => (b === 0 ? 0 : fmod ? a % b : a - b * Math.floor(a / b)),
  wide: (a, b, { fmod }) => (b === 0n ? 0n : fmod || a % b === 0n || a % b < 0n === b < 0n ? a % b : (a % b) + b),
});
export const pow = binary({
  name: "pow",
  summary: "a to the b; integers wrap, and a negative exponent truncates 1 / a^-b.",
  on: "number",
  samples: [
    { a: "2x3x5xf32 in 0.1..3", b: "2x3x5xf32" },
    { a: "2x3xf32", b: "f32 in 2..2" },
    { a: "4xi32", b: "4xi32 in 0..5" },
    { a: "3xi64", b: "i64 in 3..3" },
  ],
  tolerance: TRANSCENDENTAL,
  compute: power,
  integer: (a, b, _attrs, dtype) => integerPower(a, b, dtype),
  wide: (a, b) => widePower(a, b),
});
export const min = binary({
  name: "min",
  summary: "The smaller of a and b; NaN where one is NaN.",
  on: "number",
  commutative: true,
  compute: (a, b) => Math.min(a, b),
  wide: (a, b) => (a < b ? a : b),
});
export const max = binary({
  name: "max",
  summary: "The larger of a and b; NaN where one is NaN.",
  on: "number",
  commutative: true,
  compute: (a, b) => Math.max(a, b),
  wide: (a, b) => (a > b ? a : b),
});

/** Nearest integer, ties to even; -0 where the sign is lost otherwise. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  const rounded = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : rest >= 0.5 ? below + 1 : x;
  return rounded === 0 && x < 0 ? -0 : rounded;
}

/** Kummer's series, all terms of one sign: 2x/sqrt(pi) * exp(-x²) * sum of (2x²)^n / (1*3*5*...*(2n+1)). */
export function errorFunction(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  const square = 2 * x * x;
  let term = 1;
  let sum = 1;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= square / (2 * n + 1);
    sum += term;
  }
  return (2 * x * Math.exp(-x * x) * sum) / Math.sqrt(Math.PI);
}

/** IEEE pow: 1 to any power and (-1) to an infinite one are 1, where JavaScript has NaN. */
function power(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

function integerPower(a: number, b: number, dtype: DType): number {
  const wide = widePower(BigInt(a), BigInt(b));
  return Number(dtype.startsWith("u") ? BigInt.asUintN(BITS[dtype], wide) : BigInt.asIntN(BITS[dtype], wide));
}

/** Modulo 2^64, by squaring. */
function widePower(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  let base = a;
  for (let rest = b; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asUintN(64, result * base);
    base = BigInt.asUintN(64, base * base);
  }
  return result;
}
