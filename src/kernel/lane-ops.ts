import { fusedMultiplyAdd } from "./fused-multiply-add.ts";
import { ELEM_BYTES, type Elem, type OpName, type Type } from "./kernel.ts";
import { isFloat } from "./ops.ts";

/** One element: bigint for i64, else a number. */
export type Lane = number | bigint;

/** An op of one lane. Integers narrower than i32 come back unwrapped: what stores them wraps. */
export type LaneOp = (a: never, b: never, c: never) => Lane;

/** A constant as a lane: rounded to f32, wrapped to the bits of an integer. */
export function constantLane(type: Type, value: number | bigint): Lane {
  if ("mask" in type) return value ? 1 : 0;
  const { elem } = type;
  if (elem === "i64") return BigInt.asIntN(64, BigInt(value));
  if (elem === "f64") return Number(value);
  if (elem === "f32") return Math.fround(Number(value));
  return Number(BigInt.asIntN(Math.max(32, 8 * ELEM_BYTES[elem]), BigInt(value)));
}

/** The lane function of an op whose lanes do not see each other, by the element type of its result (compares: of its operands). */
export function laneOp(op: OpName, elem: Elem, fused: boolean): LaneOp | undefined {
  const table: LaneTable = elem === "f32" ? F32_OPS : elem === "f64" ? F64_OPS : elem === "i64" ? I64_OPS : I32_OPS;
  if (op === "madd" && elem === "f32" && fused) return fusedMultiplyAdd;
  const found = table[op] ?? SHARED_OPS[op];
  const bits = 8 * ELEM_BYTES[elem];
  if (bits >= 32 || (op !== "shrS" && op !== "shrU")) return found;
  const spare = 32 - bits;
  return op === "shrS" ? (x: number, n: number) => ((x << spare) >> spare) >> n : (x: number, n: number) => ((x << spare) >>> spare) >>> n;
}

/** The same masks as numbers 0 and 1. */
export const MASK_OPS: LaneTable = {
  and: (a: number, b: number) => a & b,
  or: (a: number, b: number) => a | b,
  xor: (a: number, b: number) => a ^ b,
  not: (a: number) => a ^ 1,
};

export type LaneTable = Partial<Record<OpName, LaneOp>>;

const fround = Math.fround;

export function nearestEven(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const low = Math.floor(x);
  const rest = x - low;
  const rounded = rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

const SHARED_OPS: LaneTable = {
  pmax: (a: number, b: number) => (a < b ? b : a),
  pmin: (a: number, b: number) => (b < a ? b : a),
  lt: (a: number, b: number) => +(a < b),
  le: (a: number, b: number) => +(a <= b),
  gt: (a: number, b: number) => +(a > b),
  ge: (a: number, b: number) => +(a >= b),
  eq: (a: number, b: number) => +(a === b),
  ne: (a: number, b: number) => +(a !== b),
  select: (m: number, a: Lane, b: Lane) => (m ? a : b),
};

const F64_OPS: LaneTable = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  neg: (a: number) => -a,
  abs: Math.abs as LaneOp,
  sqrt: Math.sqrt as LaneOp,
  floor: Math.floor as LaneOp,
  ceil: Math.ceil as LaneOp,
  trunc: Math.trunc as LaneOp,
  nearest: nearestEven as LaneOp,
  madd: (a: number, b: number, c: number) => a * b + c,
};

const F32_OPS: LaneTable = {
  ...F64_OPS,
  add: (a: number, b: number) => fround(a + b),
  sub: (a: number, b: number) => fround(a - b),
  mul: (a: number, b: number) => fround(a * b),
  div: (a: number, b: number) => fround(a / b),
  sqrt: (a: number) => fround(Math.sqrt(a)),
  madd: (a: number, b: number, c: number) => fround(fround(a * b) + c),
  toFloat: (a: number) => fround(a),
};

const I32_OPS: LaneTable = {
  add: (a: number, b: number) => (a + b) | 0,
  sub: (a: number, b: number) => (a - b) | 0,
  mul: Math.imul as LaneOp,
  div: (a: number, b: number) => (a / b) | 0,
  rem: (a: number, b: number) => (a % b) | 0,
  neg: (a: number) => -a | 0,
  abs: (a: number) => Math.abs(a) | 0,
  and: (a: number, b: number) => a & b,
  or: (a: number, b: number) => a | b,
  xor: (a: number, b: number) => a ^ b,
  not: (a: number) => ~a,
  shl: (a: number, n: number) => a << n,
  shrS: (a: number, n: number) => a >> n,
  shrU: (a: number, n: number) => (a >>> n) | 0,
  mux: (p: number, a: number, b: number) => a ^ (p & (a ^ b)),
  popcnt: popcount as LaneOp,
  ctz: (a: number) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
  roundToInt: (a: number) => nearestEven(a) | 0,
  truncToInt: (a: number) => Math.trunc(a) | 0,
};

const wrap64 = (x: bigint): bigint => BigInt.asIntN(64, x);

const I64_OPS: LaneTable = {
  add: (a: bigint, b: bigint) => wrap64(a + b),
  sub: (a: bigint, b: bigint) => wrap64(a - b),
  mul: (a: bigint, b: bigint) => wrap64(a * b),
  div: (a: bigint, b: bigint) => wrap64(a / b),
  rem: (a: bigint, b: bigint) => a % b,
  neg: (a: bigint) => wrap64(-a),
  abs: (a: bigint) => wrap64(a < 0n ? -a : a),
  and: (a: bigint, b: bigint) => a & b,
  or: (a: bigint, b: bigint) => a | b,
  xor: (a: bigint, b: bigint) => a ^ b,
  not: (a: bigint) => ~a,
  shl: (a: bigint, n: number) => wrap64(a << BigInt(n & 63)),
  shrS: (a: bigint, n: number) => a >> BigInt(n & 63),
  shrU: (a: bigint, n: number) => wrap64(BigInt.asUintN(64, a) >> BigInt(n & 63)),
  mux: (p: bigint, a: bigint, b: bigint) => a ^ (p & (a ^ b)),
  popcnt: (a: bigint) => BigInt(popcount(Number(a & 0xffffffffn) | 0) + popcount(Number((a >> 32n) & 0xffffffffn) | 0)),
  ctz: (a: bigint) => {
    let n = 0n;
    while (n < 64n && !((a >> n) & 1n)) n++;
    return n;
  },
};

function popcount(x: number): number {
  let n = 0;
  for (let rest = x; rest !== 0; rest &= rest - 1) n++;
  return n;
}

/** `convert`: numbers between scalar types. */
export function converter(from: Elem, to: Elem): (x: Lane) => Lane {
  if (to === "f32") return from === "i64" ? (x) => f32OfWide(x as bigint) : (x) => fround(Number(x));
  if (to === "f64") return (x) => Number(x);
  const wide = to === "i64";
  if (!isFloat(from)) return wide ? (x) => BigInt(x) : (x) => Number(BigInt.asIntN(32, x as bigint));
  return wide ? (x) => saturated64(x as number) : (x) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, (x as number) || 0)) | 0;
}

/** Rounds once: numbers beyond 2^53 would first be rounded to a double. */
function f32OfWide(x: bigint): number {
  const size = x < 0n ? -x : x;
  if (size < 2n ** 53n) return fround(Number(x));
  const odd = (size >> 11n) << 11n;
  const sticky = odd === size ? odd : odd | (1n << 11n);
  return fround(Number(x < 0n ? -sticky : sticky));
}

function saturated64(x: number): bigint {
  if (Number.isNaN(x)) return 0n;
  if (x >= 2 ** 63) return 2n ** 63n - 1n;
  return x < -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(x));
}
