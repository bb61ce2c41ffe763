/** A float format: what its numbers are, and the one above each. */
export interface FloatKind {
  readonly round: (x: number) => number;
  /** The least number of the format above one of it, which is neither NaN nor infinity. */
  readonly step: (x: number) => number;
}

const BITS32 = new Int32Array(1);
const FLOAT32 = new Float32Array(BITS32.buffer);
const BITS64 = new BigInt64Array(1);
const FLOAT64 = new Float64Array(BITS64.buffer);

const f32: FloatKind = {
  round: Math.fround,
  step(x) {
    if (x === 0) return 2 ** -149;
    FLOAT32[0] = x;
    BITS32[0]! += x > 0 ? 1 : -1;
    return FLOAT32[0];
  },
};

const f64: FloatKind = {
  round: (x) => x,
  step(x) {
    if (x === 0) return 2 ** -1074;
    FLOAT64[0] = x;
    BITS64[0]! += x > 0 ? 1n : -1n;
    return FLOAT64[0];
  },
};

export const FLOAT_KINDS = { f32, f64 } as const;

/** The least number of the format that is at least x: y < x just where y < it, for all y of the format. */
export function nextNotBelow(kind: FloatKind, x: number): number {
  const rounded = kind.round(x);
  return rounded >= x ? rounded : kind.step(rounded);
}

/** The least number of the format above x, which is not infinity: y <= x just where y < it. */
export function nextAbove(kind: FloatKind, x: number): number {
  const rounded = kind.round(x);
  return rounded > x ? rounded : kind.step(rounded);
}
