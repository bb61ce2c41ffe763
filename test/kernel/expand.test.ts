import { describe, expect, test } from "vitest";
import * as expand from "../../src/kernel/expand.ts";
import type { Expansion } from "../../src/kernel/expand.ts";
import { verifyKernel } from "../../src/kernel/verify-kernel.ts";
import { evaluateMap, mapKernel } from "./expansion-run.ts";
import { randomUnits } from "./random.ts";

/** Taylor and a continued fraction: good to 1e-15. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let [sum, term] = [a, a];
    for (let n = 1; n < 100; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 100; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

interface Law {
  readonly f: Expansion;
  readonly want: (x: number) => number;
  readonly range: readonly [number, number];
  /** Allowed: abs + rel * |value|. */
  readonly abs: number;
  readonly rel: number;
  /** Pairs of argument and exact result. */
  readonly points: readonly (readonly [number, number])[];
}

const NAN = [NaN, NaN] as const;
const ODD = [[0, 0], [-0, -0], NAN] as const;

const LAWS: Readonly<Record<string, Law>> = {
  expFast: {
    f: expand.expFast,
    want: Math.exp,
    range: [-86.9, 88.7],
    abs: 0,
    rel: 2e-7,
    points: [[0, 1], [Infinity, Infinity], [-Infinity, 0], [89, Infinity], [1000, Infinity], [-88, 0], NAN],
  },
  logFast: {
    f: expand.logFast,
    want: Math.log,
    range: [1e-38, 1e4],
    abs: 0,
    rel: 2e-7,
    points: [[1, 0], [0, -Infinity], [-0, -Infinity], [-1, NaN], [Infinity, Infinity], [-Infinity, NaN], [2 ** -149, Math.fround(Math.log(2 ** -149))], NAN],
  },
  log1pFast: {
    f: expand.log1pFast,
    want: Math.log1p,
    range: [-0.99, 3],
    abs: 1e-12,
    rel: 4e-7,
    points: [[0, 0], [1e-30, Math.fround(1e-30)], [Infinity, Infinity], [-1, -Infinity], [-2, NaN], NAN],
  },
  tanhFast: {
    f: expand.tanhFast,
    want: Math.tanh,
    range: [-10, 10],
    abs: 0,
    rel: 4e-7,
    points: [...ODD, [Infinity, 1], [-Infinity, -1], [20, 1], [1e-40, Math.fround(1e-40)]],
  },
  sigmoid: {
    f: expand.sigmoid,
    want: (x) => 1 / (1 + Math.exp(-x)),
    range: [-80, 80],
    abs: 0,
    rel: 3e-7,
    points: [[0, 0.5], [Infinity, 1], [-Infinity, 0], NAN],
  },
  erfFast: { f: expand.erfFast, want: erf, range: [-5, 5], abs: 0, rel: 2e-7, points: [...ODD, [Infinity, 1], [-Infinity, -1], [6, 1]] },
  gelu: {
    f: expand.gelu,
    want: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    range: [-9, 9],
    abs: 5e-8,
    rel: 3e-7,
    points: [[0, 0], [Infinity, Infinity], [-1000, -0], [1000, 1000], NAN],
  },
  geluTanh: {
    f: expand.geluTanh,
    want: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    range: [-9, 9],
    abs: 1e-7,
    rel: 2e-6,
    points: [[0, 0], [Infinity, Infinity], [-1000, -0], [1000, 1000], NAN],
  },
  softplus: {
    f: expand.softplus,
    want: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    range: [-80, 80],
    abs: 0,
    rel: 4e-7,
    points: [[Infinity, Infinity], [-Infinity, 0], [1000, 1000], NAN],
  },
  sin: { f: expand.sin, want: Math.sin, range: [-1e5, 1e5], abs: 1.5e-7, rel: 0, points: [...ODD, [Infinity, NaN], [-Infinity, NaN]] },
  cos: { f: expand.cos, want: Math.cos, range: [-1e5, 1e5], abs: 1.5e-7, rel: 0, points: [[0, 1], [Infinity, NaN], NAN] },
  tan: { f: expand.tan, want: Math.tan, range: [-1e5, 1e5], abs: 0, rel: 2e-6, points: [...ODD, [Infinity, NaN]] },
  asin: { f: expand.asin, want: Math.asin, range: [-1, 1], abs: 0, rel: 4e-7, points: [...ODD, [1, Math.fround(Math.PI / 2)], [1.5, NaN], [Infinity, NaN]] },
  acos: { f: expand.acos, want: Math.acos, range: [-1, 0.9999], abs: 3e-7, rel: 0, points: [[1, 0], [-1, Math.fround(Math.PI)], [-1.5, NaN], NAN] },
  atan: {
    f: expand.atan,
    want: Math.atan,
    range: [-50, 50],
    abs: 0,
    rel: 3e-7,
    points: [...ODD, [Infinity, Math.fround(Math.PI / 2)], [-Infinity, -Math.fround(Math.PI / 2)]],
  },
  sinh: {
    f: expand.sinh,
    want: Math.sinh,
    range: [-89, 89],
    abs: 0,
    rel: 4e-7,
    points: [...ODD, [Infinity, Infinity], [-Infinity, -Infinity], [100, Infinity]],
  },
  cosh: { f: expand.cosh, want: Math.cosh, range: [-89, 89], abs: 0, rel: 4e-7, points: [[0, 1], [Infinity, Infinity], [-Infinity, Infinity], NAN] },
  asinh: {
    f: expand.asinh,
    want: Math.asinh,
    range: [-1e3, 1e3],
    abs: 0,
    rel: 4e-7,
    points: [...ODD, [Infinity, Infinity], [-Infinity, -Infinity], [1e38, Math.fround(Math.asinh(1e38))]],
  },
  acosh: { f: expand.acosh, want: Math.acosh, range: [1, 1e3], abs: 0, rel: 4e-7, points: [[1, 0], [0.5, NaN], [-5, NaN], [Infinity, Infinity], NAN] },
  atanh: {
    f: expand.atanh,
    want: Math.atanh,
    range: [-0.999, 0.999],
    abs: 0,
    rel: 4e-7,
    points: [...ODD, [1, Infinity], [-1, -Infinity], [2, NaN], [Infinity, NaN]],
  },
};

describe.each(Object.entries(LAWS))("%s", (_name, law) => {
  test.each([false, true])("is near its definition on its range, fused %s", (fused) => {
    const [low, high] = law.range;
    const units = randomUnits(3000, 5);
    // Half of them near 0, where relative precision is hardest.
    const xs = [
      ...units.map((u) => Math.fround(low + (high - low) * u)),
      ...units.map((u, i) => Math.fround((i % 2 && low < 0 ? -1 : 1) * u ** 4)).filter((x) => x >= low && x <= high),
    ];
    const got = evaluateMap(law.f, [xs], { fused });
    const far = xs.flatMap((x, i) =>
      Math.abs(got[i]! - law.want(x)) <= law.abs + law.rel * Math.abs(law.want(x)) + 1e-44 ? [] : [{ x, got: got[i], want: law.want(x) }],
    );
    expect(far.slice(0, 5)).toEqual([]);
  });

  test("has its special values", () => {
    const got = evaluateMap(law.f, [law.points.map(([x]) => x)], { lanes: 1 });
    for (const [i, [x, want]] of law.points.entries()) {
      const near = Object.is(got[i], want) || Math.abs(got[i]! - want) <= 2.4e-7 * Math.abs(want);
      expect(near ? want : got[i], `of ${Object.is(x, -0) ? "-0" : x}`).toBe(want);
    }
  });

  test("stays inside what the verifier can prove, in any number of lanes", () => {
    for (const lanes of [1, 4, 16]) expect(verifyKernel(mapKernel("map", lanes, 32, 1, law.f))).toEqual([]);
  });

  test("gives scalars and vectors the same bits", () => {
    const xs = randomUnits(64, 9).map((u) => Math.fround(u * 8 - 4));
    expect(evaluateMap(law.f, [xs], { lanes: 1 })).toEqual(evaluateMap(law.f, [xs], { lanes: 16 }));
  });
});

describe("pow", () => {
  test("is within 1e-6 of its value, near 1 and far from it", () => {
    const units = randomUnits(12000, 3);
    const xs = Array.from({ length: 4000 }, (_, i) =>
      Math.fround(i % 2 ? 2 ** (units[3 * i]! * 250 - 125) : 1 + (units[3 * i]! - 0.5) * 2 ** (-20 * units[3 * i + 1]!)),
    );
    const ys = xs.map((x, i) => Math.fround(((units[3 * i + 2]! - 0.5) * 240) / Math.log2(x || 2) || 2));
    const got = evaluateMap(expand.pow, [xs, ys]);
    const far = xs.flatMap((x, i) =>
      !Number.isFinite(ys[i]!) || Math.abs(got[i]! / x ** ys[i]! - 1) <= 1e-6 || got[i] === Math.fround(x ** ys[i]!)
        ? []
        : [{ x, y: ys[i], got: got[i], want: x ** ys[i]! }],
    );
    expect(far.slice(0, 5)).toEqual([]);
  });

  test("has the special cases of C's pow", () => {
    const values = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, Infinity, -Infinity, NaN, 1e10, -1e10, 16777217, 2.5];
    const pairs = values.flatMap((x) => values.map((y) => [Math.fround(x), Math.fround(y)] as const));
    const got = evaluateMap(expand.pow, [pairs.map((p) => p[0]), pairs.map((p) => p[1])], { lanes: 1 });
    for (const [i, [x, y]] of pairs.entries()) {
      const want = x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.fround(x ** y);
      const near = Object.is(got[i], want) || Math.abs(got[i]! - want) <= 1e-6 * Math.abs(want);
      expect(near ? want : got[i], `${x} to the ${y}`).toBe(want);
    }
  });

  test("stays inside what the verifier can prove", () => {
    expect(verifyKernel(mapKernel("map", 4, 32, 2, expand.pow))).toEqual([]);
  });
});
