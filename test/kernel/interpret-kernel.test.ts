import { describe, expect, test } from "vitest";
import { F32, I32, KernelBuilder, scalar, vector, type Term } from "../../src/kernel/build.ts";
import { fusedMultiplyAdd } from "../../src/kernel/fused-multiply-add.ts";
import { interpretKernel } from "../../src/kernel/interpret-kernel.ts";
import type { Elem } from "../../src/kernel/kernel.ts";
import { InternalError } from "../../src/support/errors.ts";
import { randomUnits } from "./random.ts";

/** What `f` computes, stored as one element. */
function compute(elem: Elem, f: (k: KernelBuilder) => Term, mode: "fast" | "exact" = "exact", fused = false): number | bigint {
  const k = new KernelBuilder("compute", { lanes: 4, mode });
  k.param("y", elem, 1, "out");
  k.storeAs(scalar(elem), k.cursor("o", "y"), 0, f(k));
  const y = {
    i32: new Int32Array(1),
    i64: new BigInt64Array(1),
    f32: new Float32Array(1),
    f64: new Float64Array(1),
    u8: new Uint8Array(1),
    i8: new Int8Array(1),
    u16: new Uint16Array(1),
    i16: new Int16Array(1),
  }[elem];
  interpretKernel(k.finish(), { y }, { fused });
  return y[0]!;
}

/** An exact a*b + c of f32, rounded once: integers scaled by 2^400. */
function exactFma(a: number, b: number, c: number): number {
  const scaled = (x: number, bits: number): bigint => {
    const [mantissa, exponent] = split(x);
    return BigInt(mantissa) << BigInt(exponent + bits);
  };
  let sum = scaled(a, 300) * scaled(b, 300) + (scaled(c, 300) << 300n);
  if (sum === 0n) return Math.fround(a * b + c);
  const negative = sum < 0n;
  if (negative) sum = -sum;
  // Round to odd at 60 bits, so that the second rounding, to f32, is right.
  const extra = sum.toString(2).length - 60;
  let head = extra > 0 ? sum >> BigInt(extra) : sum;
  if (extra > 0 && head << BigInt(extra) !== sum) head |= 1n;
  // 53 bits of a double would round first: keep 50.
  const low = head & 0x3ffn;
  head = (head >> 10n) | (low ? 1n : 0n);
  const value = Number(head) * 2 ** (Math.max(extra, 0) + 10 - 600);
  return Math.fround(negative ? -value : value);
}

/** x = m * 2^e, m an integer below 2^24, for moderate x. */
function split(x: number): [number, number] {
  if (x === 0) return [0, 0];
  const e = Math.floor(Math.log2(Math.abs(x))) - 23;
  return [x / 2 ** e, e];
}

describe("fused multiply-add", () => {
  test("rounds once", () => {
    const units = randomUnits(60000, 1).map((u) => Math.fround((u - 0.5) * 2));
    for (let i = 0; i < units.length; i += 3) {
      const [a, b] = [units[i]!, units[i + 1]!];
      // Every other addend nearly cancels the product, where a wrong rounding shows most.
      const c = i % 2 ? Math.fround(units[i + 2]! * 2 ** (i % 40)) : Math.fround(-Math.fround(a * b) * (1 + ((i % 5) - 2) * 2 ** -23));
      expect(fusedMultiplyAdd(a, b, c), `${a} * ${b} + ${c}`).toBe(exactFma(a, b, c));
    }
  });

  test("is not what two roundings give where the sum cancels or ties", () => {
    const a = 1 + 2 ** -23;
    expect(fusedMultiplyAdd(a, a, -Math.fround(a * a))).toBe(2 ** -46);
    // The product is just above a tie of the sum.
    expect(fusedMultiplyAdd(2 ** 24, 1, 1 + 2 ** -23)).toBe(2 ** 24 + 2);
    expect(fusedMultiplyAdd(1 + 2 ** -12, 1 + 2 ** -12, 2 ** 25 + 4)).toBe(2 ** 25 + 4);
  });

  test("keeps infinities and NaN", () => {
    expect(fusedMultiplyAdd(Infinity, 1, -Infinity)).toBeNaN();
    expect(fusedMultiplyAdd(3e38, 10, 0)).toBe(Infinity);
    expect(fusedMultiplyAdd(NaN, 1, 1)).toBeNaN();
  });

  test("happens in fast kernels only, and only when asked for", () => {
    const a = Math.fround(1 + 2 ** -23);
    const f = (k: KernelBuilder): Term => k.madd(k.constant(F32, a), k.constant(F32, a), k.constant(F32, -Math.fround(a * a)));
    expect(compute("f32", f, "fast", true)).toBe(2 ** -46);
    expect(compute("f32", f, "fast", false)).toBe(0);
    expect(compute("f32", f, "exact", true)).toBe(0);
  });
});

describe("scalars", () => {
  const I64 = scalar("i64");
  const F64 = scalar("f64");
  const cases: readonly [string, Elem, (k: KernelBuilder) => Term, number | bigint][] = [
    ["i32 add wraps", "i32", (k) => k.add(k.constant(I32, 2 ** 31 - 1), k.constant(I32, 1)), -(2 ** 31)],
    ["i32 mul keeps the low bits", "i32", (k) => k.mul(k.constant(I32, 65537), k.constant(I32, 65537)), 131073],
    ["i64 mul wraps", "i64", (k) => k.mul(k.constant(I64, 2n ** 62n), k.constant(I64, 2n)), -(2n ** 63n)],
    ["i32 div goes towards zero", "i32", (k) => k.div(k.constant(I32, -7), k.constant(I32, 2)), -3],
    ["rem has the sign of its first operand", "i32", (k) => k.op("rem", I32, [k.constant(I32, -7), k.constant(I32, 2)]), -1],
    ["shrU of i64 brings zeros", "i64", (k) => k.shrU(k.constant(I64, -1n), 60), 15n],
    ["a shift count in a register is modulo 32", "i32", (k) => k.op("shl", I32, [k.constant(I32, 1), k.constant(I32, 33)]), 2],
    ["nearest ties to even", "f32", (k) => k.op("nearest", F32, [k.constant(F32, 2.5)]), 2],
    ["nearest keeps the sign of zero", "f32", (k) => k.op("nearest", F32, [k.constant(F32, -0.5)]), -0],
    ["convert saturates", "i32", (k) => k.convert(k.constant(F64, 1e10), "i32"), 2 ** 31 - 1],
    ["convert makes 0 of NaN", "i64", (k) => k.convert(k.constant(F32, NaN), "i64"), 0n],
    ["convert of i64 to i32 keeps the low bits", "i32", (k) => k.convert(k.constant(I64, 2n ** 40n + 5n), "i32"), 5],
    ["convert of i64 to f32 rounds once", "f32", (k) => k.convert(k.constant(I64, 2n ** 60n + 2n ** 36n + 1n), "f32"), 2 ** 60 + 2 ** 37],
    ["ctz of 0", "i64", (k) => k.op("ctz", I64, [k.constant(I64, 0n)]), 64n],
    ["popcnt", "i64", (k) => k.op("popcnt", I64, [k.constant(I64, -2n)]), 63n],
    ["spread8", "i64", (k) => k.op("spread8", I64, [k.constant(I32, 0x1a5)]), 0x0100010000010001n],
    ["mux takes b where p is set", "i32", (k) => k.op("mux", I32, [k.constant(I32, 0b1100), k.constant(I32, 0b1010), k.constant(I32, 0b0101)]), 0b0110],
    ["a narrow store keeps the low bits", "u8", (k) => k.constant(I32, 0x1ff), 255],
    ["bitcast", "i32", (k) => k.bitcast(k.constant(F32, -2), "i32"), 0xc0000000 | 0],
    ["pmax with NaN second drops it", "f32", (k) => k.pmax(k.constant(F32, 1), k.constant(F32, NaN)), 1],
    ["pmax with NaN first keeps it", "f32", (k) => k.pmax(k.constant(F32, NaN), k.constant(F32, 1)), NaN],
  ];
  test.each(cases)("%s", (_name, elem, f, want) => {
    expect(compute(elem, f)).toBe(want);
  });
});

describe("accesses", () => {
  const copy = (base: number, trips: number, step = 4): KernelBuilder => {
    const k = new KernelBuilder("copy", { lanes: 4, mode: "exact" });
    k.param("x", "f32", 8, "in");
    k.param("y", "f32", 8, "out");
    const [i, o] = [k.cursor("i", "x", base), k.cursor("o", "y")];
    k.loop("l", trips, { [i]: step, [o]: step }, () => k.store(o, 0, k.load(vector("f32", 4), i)));
    return k;
  };
  const buffers = (): Record<string, Float32Array> => ({ x: Float32Array.from({ length: 8 }, (_, i) => i), y: new Float32Array(8) });

  test("cursors move and come back", () => {
    const b = buffers();
    interpretKernel(copy(0, 2).finish(), b);
    expect(b["y"]).toEqual(b["x"]);
  });

  test("each is checked, and the error names kernel, parameter, cursor and address", () => {
    expect(() => interpretKernel(copy(1, 2).finish(), buffers())).toThrow("copy: load f32x4 x[5] through cursor i is outside [0, 8)");
    expect(() => interpretKernel(copy(-1, 1).finish(), buffers())).toThrow(InternalError);
    expect(() => interpretKernel(copy(0, 3).finish(), buffers())).toThrow("outside");
  });

  test("buffers that are missing or too short are refused", () => {
    expect(() => interpretKernel(copy(0, 2).finish(), { x: new Float32Array(8) })).toThrow("no buffer for parameter y");
    expect(() => interpretKernel(copy(0, 2).finish(), { ...buffers(), x: new Float32Array(7) })).toThrow("parameter x has 28 bytes, wants 32");
  });

  test("buffers at odd addresses are read and written", () => {
    const bytes = new Uint8Array(33).subarray(1);
    const b = buffers();
    interpretKernel(copy(0, 2).finish(), { x: b["x"]!, y: bytes });
    expect(new Float32Array(bytes.slice().buffer)).toEqual(b["x"]);
  });

  test("a cursor sees a parameter as other elements", () => {
    const k = new KernelBuilder("view", { lanes: 4, mode: "exact" });
    k.param("x", "i64", 1, "in");
    k.param("y", "i32", 3, "out");
    const [b, o] = [k.cursor("b", "x", 0, "u8"), k.cursor("o", "y")];
    k.loop("l", 3, { [b]: 1, [o]: 1 }, () => k.store(o, 0, k.load(scalar("u8"), b)));
    const y = new Int32Array(3);
    interpretKernel(k.finish(), { x: BigInt64Array.of(0x332211n), y });
    expect([...y]).toEqual([0x11, 0x22, 0x33]);
  });

  test("an index adds to the address", () => {
    const k = new KernelBuilder("gather", { lanes: 4, mode: "exact" });
    k.param("i", "i32", 3, "in", [0, 3]);
    k.param("x", "f32", 4, "in");
    k.param("y", "f32", 3, "out");
    const [i, x, y] = [k.cursor("c", "i"), k.cursor("d", "x"), k.cursor("e", "y")];
    k.loop("l", 3, { [i]: 1, [y]: 1 }, () => k.store(y, 0, k.load(F32, x, 0, k.load(I32, i))));
    const got = new Float32Array(3);
    const kernel = k.finish();
    interpretKernel(kernel, { i: Int32Array.of(3, 0, 2), x: Float32Array.of(1, 2, 3, 4), y: got });
    expect([...got]).toEqual([4, 1, 3]);
    expect(() => interpretKernel(kernel, { i: Int32Array.of(4, 0, 2), x: Float32Array.of(1, 2, 3, 4), y: got })).toThrow("load f32 x[4]");
  });
});

describe("loops", () => {
  test("a range runs part of the parallel loop", () => {
    const k = new KernelBuilder("parts", { lanes: 1, mode: "exact" });
    k.param("y", "i32", 6, "inout");
    const o = k.cursor("o", "y");
    k.loop("p", 6, { [o]: 1 }, () => k.store(o, 0, k.add(k.load(I32, o), k.constant(I32, 1))), "parallel");
    const y = new Int32Array(6);
    interpretKernel(k.finish(), { y }, { range: [2, 5] });
    expect([...y]).toEqual([0, 0, 1, 1, 1, 0]);
    expect(() => interpretKernel(k.finish(), { y }, { range: [2, 7] })).toThrow("range [2, 7) leaves the 6 trips of p");
  });

  test("an extent gives trips, none among them, up to its maximum", () => {
    const k = new KernelBuilder("rows", { lanes: 1, mode: "exact" });
    k.param("y", "i32", 4, "inout");
    const o = k.cursor("o", "y");
    k.loop("r", { extent: "n", per: 2, max: 4 }, { [o]: 1 }, () => k.store(o, 0, k.constant(I32, 1)));
    const run = (n: number): number[] => {
      const y = new Int32Array(4);
      interpretKernel(k.finish(), { y }, { extents: { n } });
      return [...y];
    };
    expect(run(0)).toEqual([0, 0, 0, 0]);
    expect(run(3)).toEqual([1, 1, 0, 0]);
    expect(run(8)).toEqual([1, 1, 1, 1]);
    expect(() => run(9)).toThrow("extent n = 9 gives 5 trips, at most 4");
    expect(() => interpretKernel(k.finish(), { y: new Int32Array(4) })).toThrow("no value for extent n");
  });
});

describe("ranges that printers rely on", () => {
  const divide = (a: number, b: number) => (): unknown => compute("i32", (k) => k.div(k.constant(I32, a), k.constant(I32, b)));
  test("division by 0, and of the smallest integer by -1", () => {
    expect(divide(1, 0)).toThrow("compute: div i32 divides by 0");
    expect(divide(-(2 ** 31), -1)).toThrow("divides -2147483648 by -1");
    expect(divide(-(2 ** 31), 1)()).toBe(-(2 ** 31));
  });
  test("conversions of floats to integers", () => {
    expect(() => compute("i32", (k) => k.truncToInt(k.constant(F32, 3e9)))).toThrow("truncToInt i32 gets 3000000000");
    expect(() => compute("i32", (k) => k.truncToInt(k.constant(F32, NaN)))).toThrow("gets NaN");
    expect(() => compute("i32", (k) => k.roundToInt(k.constant(F32, 2 ** 22)))).toThrow("roundToInt");
  });
});
