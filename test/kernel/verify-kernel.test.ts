import { describe, expect, test } from "vitest";
import { F32, I32, KernelBuilder, scalar, vector, type Term } from "../../src/kernel/build.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { pressureOf, verifyKernel, type Limits } from "../../src/kernel/verify-kernel.ts";
import { opCases } from "../backends/op-cases.ts";
import { planted, type Loose } from "./planted.ts";
import { PROGRAMS } from "./programs.ts";

const V = vector("f32", 4);

function found(kernel: Kernel, limits?: Limits): string[] {
  return verifyKernel(kernel, limits).map((finding) => `${finding.rule}: ${finding.text}`);
}

/** y = relu(x * w) over rows of pixels with groups of channels side by side: the shape of a product kernel. */
function product(mode: "serial" | "parallel" = "parallel"): Kernel {
  const k = new KernelBuilder("product_f32_4x3x16", { lanes: 4, mode: "fast" });
  k.param("x", "f32", 4 * 3 * 8, "in");
  k.param("w", "f32", 2 * 8 * 8, "in");
  k.param("y", "f32", 4 * 3 * 16, "out");
  const [i, w, o] = [k.cursor("i", "x"), k.cursor("k", "w"), k.cursor("o", "y")];
  k.loop(
    "g",
    2,
    { [w]: 64, [o]: 8 },
    () => {
      k.loop("row", 4, { [i]: 24, [o]: 48 }, () => {
        k.loop("col", 3, { [i]: 8, [o]: 16 }, () => {
          const acc = [k.let("a", k.constant(V, 0)), k.let("a", k.constant(V, 0))];
          k.loop("c", 8, { [i]: 1, [w]: 8 }, () => {
            const s = k.let("s", k.splat(V, i));
            acc.forEach((a, n) => k.set(a, k.madd(s, k.load(V, w, 4 * n), a)));
          });
          acc.forEach((a, n) => k.store(o, 4 * n, k.pmax(a, k.constant(V, 0))));
        });
      });
    },
    mode,
  );
  return k.finish();
}

/** A complete tree of four levels in heap order: h = 1, four times 2h + bit. */
function heapWalk(depth = 4, mode: "serial" | "unrolled" = "serial"): Kernel {
  const k = new KernelBuilder("heapWalk", { lanes: 4, mode: "exact" });
  k.param("node", "u16", 16, "in", [0, 7]);
  k.param("x", "f32", 8, "in");
  k.param("t", "f32", 16, "in");
  k.param("leaf", "f32", 16, "in");
  k.param("y", "f32", 1, "out");
  const [n, x, t, leaf, y] = [k.cursor("n", "node"), k.cursor("xs", "x"), k.cursor("ts", "t"), k.cursor("l", "leaf"), k.cursor("o", "y")];
  const h = k.let("h", k.constant(I32, 1));
  k.loop(
    "d",
    depth,
    {},
    () => {
      const value = k.load(F32, x, 0, k.load(scalar("u16"), n, 0, h));
      const right = k.select(k.compare("ge", value, k.load(F32, t, 0, h)), k.constant(I32, 1), k.constant(I32, 0));
      k.set(h, k.add(k.shl(h, 1), right));
    },
    mode,
  );
  k.store(y, 0, k.load(F32, leaf, 0, k.sub(h, k.constant(I32, 16))));
  return k.finish();
}

describe("sound kernels pass", () => {
  test("a product over interleaved groups, and a heap walk", () => {
    expect(found(product())).toEqual([]);
    expect(found(heapWalk())).toEqual([]);
    expect(found(heapWalk(4, "unrolled"))).toEqual([]);
  });
  test("every op in every form", () => {
    for (const lanes of [4, 16])
      for (const c of opCases(lanes, "exact"))
        expect(
          found(c.kernel).filter((f) => !f.startsWith("ranges") && !f.includes("is not as wide")),
          c.name,
        ).toEqual([]);
  });
  test("the kernels of the sample programs", () => {
    for (const { program } of PROGRAMS) for (const kernel of program.kernels) expect(found(kernel)).toEqual([]);
  });
});

describe("faults are found", () => {
  test.each<[string, (k: Loose) => void, string]>([
    ["a base one too low", (k) => (k.cursors.i.base = -1), "bounds: splat f32x4 x[-1..94] through i is outside [0, 96)"],
    ["a base one too high", (k) => (k.cursors.i.base = 1), "bounds: splat f32x4 x[1..96] through i is outside [0, 96)"],
    ["a step too long", (k) => (k.cursors.k.steps.g = 65), "bounds: load f32x4 w[4..128] through k is outside [0, 128)"],
    ["an offset too far", (k) => (k.body[0].body[0].body[0].body.at(-1).at.offset = 5), "bounds: store f32x4 y[5..192] through o is outside [0, 192)"],
    ["a negative offset", (k) => (k.body[0].body[0].body[0].body.at(-1).at.offset = -4), "access: store through o: offset -4 is not a number from 0"],
    ["a trip too many", (k) => (k.body[0].body[0].trips = 5), "bounds: splat f32x4 x[0..119] through i is outside [0, 96)"],
    ["no trips", (k) => (k.body[0].trips = 0), "trips: loop g has 0 trips"],
    ["a store to what is only read", (k) => (k.params[2].access = "in"), "access: store to y, which is only read"],
    ["two things of one name", (k) => (k.registers.g = V), "names: g names a register and a loop"],
    ["a step in no loop", (k) => (k.cursors.i.steps.q = 1), "names: cursor i moves with q, which is no loop"],
    ["a cursor over nothing", (k) => (k.cursors.i.param = "z"), "names: cursor i walks over z, which is no parameter"],
    ["an access through no cursor", (k) => (k.body[0].body[0].body[0].body.at(-1).at.cursor = "q"), "names: there is no cursor q"],
    ["a register of another type", (k) => (k.registers.s = F32), "types: register s of f32 is set to f32x4"],
    ["a vector of another width", (k) => (k.lanes = 8), "types: register a: f32x4 is not as wide as the kernel's vectors of 32 bytes"],
    ["another view", (k) => (k.cursors.o.elem = "i32"), "types: store through o: f32x4 in a view of i32"],
    ["a parallel loop inside", (k) => (k.body[0].body[0].mode = "parallel"), "parallel: loop row is parallel beside g"],
    [
      "groups that overlap",
      (k) => (k.cursors.o.steps.g = 4),
      "parallel: iterations of g may meet in y: one iteration reaches over 32 bytes modulo 64, a step is 16",
    ],
    [
      "a loop that does not move the output",
      (k) => (k.cursors.o.steps.g = 0),
      "parallel: iterations of g may meet in y: its cursors do not move with the loop",
    ],
  ])("%s", (_name, fault, text) => {
    expect(found(planted(product(), fault))).toContain(text);
  });

  test("a row step one vector too short, where rows run in parallel", () => {
    const rows = (step: number): Kernel => {
      const k = new KernelBuilder("rows", { lanes: 4, mode: "exact" });
      k.param("y", "f32", 64, "out");
      const o = k.cursor("o", "y");
      k.loop("row", 4, { [o]: step }, () => k.loop("col", 4, { [o]: 4 }, () => k.store(o, 0, k.constant(V, 0))), "parallel");
      return k.finish();
    };
    expect(found(rows(16))).toEqual([]);
    expect(found(rows(12))).toEqual(["parallel: iterations of row may meet in y: one iteration reaches over 64 bytes, a step is 48"]);
  });

  test("a load of what another part writes", () => {
    const k = new KernelBuilder("shift", { lanes: 1, mode: "exact" });
    k.param("y", "i32", 9, "inout");
    const [i, o] = [k.cursor("i", "y", 1), k.cursor("o", "y")];
    k.loop("p", 8, { [i]: 1, [o]: 1 }, () => k.store(o, 0, k.load(I32, i)), "parallel");
    expect(found(k.finish())).toEqual(["parallel: iterations of p may meet in y: one iteration reaches over 8 bytes, a step is 4"]);
  });

  test("a store beside the parallel loop", () => {
    const kernel = planted(product(), (k) =>
      k.body.push({ kind: "store", type: V, at: { cursor: "o", offset: 0 }, value: { kind: "const", type: V, value: 0 } }),
    );
    expect(found(kernel)).toContain("parallel: a store stands beside the parallel loop g");
  });

  test("a node number one too large, a threshold table one too short, a level too many", () => {
    expect(found(planted(heapWalk(), (k) => (k.params[0].range = [0, 8])))).toEqual(["bounds: load f32 x[0..8] through xs is outside [0, 8)"]);
    expect(found(planted(heapWalk(), (k) => (k.params[2].size = 15)))).toEqual(["bounds: load f32 t[8..15] through ts is outside [0, 15)"]);
    expect(found(heapWalk(5))).toContain("bounds: load u16 node[16..31] through n is outside [0, 16)");
  });

  test("an index that nothing bounds, and one that is clamped", () => {
    const gather = (clamp: (k: KernelBuilder, i: Term) => Term): Kernel => {
      const k = new KernelBuilder("gather", { lanes: 4, mode: "exact" });
      k.param("i", "i32", 4, "in");
      k.param("x", "f32", 10, "in");
      k.param("y", "f32", 4, "out");
      const [i, x, o] = [k.cursor("c", "i"), k.cursor("d", "x"), k.cursor("e", "y")];
      k.loop("l", 4, { [i]: 1, [o]: 1 }, () => k.store(o, 0, k.load(F32, x, 0, clamp(k, k.load(I32, i)))));
      return k.finish();
    };
    expect(found(gather((_, i) => i))).toEqual(["bounds: load f32 x[-2147483648..2147483647] through d is outside [0, 10)"]);
    expect(found(gather((k, i) => k.pmin(k.pmax(i, k.constant(I32, 0)), k.constant(I32, 9))))).toEqual([]);
    expect(found(gather((k, i) => k.pmin(k.pmax(i, k.constant(I32, 0)), k.constant(I32, 10))))).toHaveLength(1);
    expect(found(gather((k, i) => k.and(i, k.constant(I32, 7))))).toEqual([]);
  });

  test("a register that is read before it is set", () => {
    const k = new KernelBuilder("early", { lanes: 4, mode: "exact" });
    k.param("y", "i32", 1, "out");
    k.store(k.cursor("o", "y"), 0, k.register("r", I32));
    expect(found(k.finish())).toEqual(["registers: register r is read before it is set"]);
  });
});

describe("counters", () => {
  /** Writes the positive elements of x one after another. */
  const compress = (trips: number, next: (k: KernelBuilder, count: Term, more: Term) => Term, size: number): Kernel => {
    const k = new KernelBuilder("compress", { lanes: 1, mode: "exact" });
    k.param("x", "f32", trips, "in");
    k.param("y", "f32", size, "out");
    const [i, o] = [k.cursor("i", "x"), k.cursor("o", "y")];
    const count = k.let("n", k.constant(I32, 0));
    k.loop("l", trips, { [i]: 1 }, () => {
      const x = k.let("v", k.load(F32, i));
      k.store(o, 0, x, count);
      k.set(count, next(k, count, k.select(k.compare("gt", x, k.constant(F32, 0)), k.constant(I32, 1), k.constant(I32, 0))));
    });
    return k.finish();
  };
  const sum = (k: KernelBuilder, count: Term, more: Term): Term => k.add(count, more);
  const capped =
    (most: number) =>
    (k: KernelBuilder, count: Term, more: Term): Term =>
      k.pmin(k.add(count, more), k.constant(I32, most));

  test.each([8, 1000])("a running count of %i trips stays within them", (trips) => {
    expect(found(compress(trips, sum, trips + 1))).toEqual([]);
    expect(found(compress(trips, sum, trips - 1))).toHaveLength(1);
  });
  test("a capped count of many trips stays under its cap", () => {
    expect(found(compress(1000, capped(9), 10))).toEqual([]);
    expect(found(compress(1000, capped(10), 10))).toHaveLength(1);
  });
});

describe("ranges that printers rely on", () => {
  const of = (elem: "f32" | "i32" | "i64", f: (k: KernelBuilder, x: Term) => Term, range?: [number, number]): string[] => {
    const k = new KernelBuilder("range", { lanes: 4, mode: "exact" });
    k.param("x", elem, 4, "in", range);
    const value = f(k, k.let("v", k.load(scalar(elem), k.cursor("i", "x"))));
    k.param("y", (value.type as { elem: "i32" }).elem, 4, "out");
    k.store(k.cursor("o", "y"), 0, value);
    return found(k.finish());
  };
  const at = (k: KernelBuilder, x: Term, value: number): Term => k.constant(x.type, value);

  test("rounding wants less than 2^22; NaN is no matter", () => {
    expect(of("f32", (k, x) => k.roundToInt(x))).toHaveLength(1);
    expect(of("f32", (k, x) => k.roundToInt(k.pmin(k.pmax(x, at(k, x, -1e6)), at(k, x, 1e6))))).toEqual([]);
    expect(of("f32", (k, x) => k.roundToInt(k.mul(k.pmin(k.pmax(x, at(k, x, -1e6)), at(k, x, 1e6)), at(k, x, 10))))).toHaveLength(1);
  });
  test("truncation wants an i32, and NaN dropped", () => {
    expect(of("f32", (k, x) => k.truncToInt(k.pmin(k.pmax(x, at(k, x, -9)), at(k, x, 9))))).toEqual(["ranges: truncToInt i32 gets -9..9 or NaN, wants an i32"]);
    expect(of("f32", (k, x) => k.truncToInt(k.pmin(k.pmax(at(k, x, -9), x), at(k, x, 9))))).toEqual([]);
    expect(of("f32", (k, x) => k.truncToInt(k.sqrt(x)), [0, 100])).toEqual([]);
  });
  test("an index that NaN could make arbitrary is refused", () => {
    const index = (k: KernelBuilder, x: Term): Term => k.pmin(k.pmax(x, at(k, x, 0)), at(k, x, 3));
    expect(of("f32", (k, x) => k.load(F32, "i", 0, k.roundToInt(index(k, x))))).toHaveLength(1);
    expect(of("f32", (k, x) => k.load(F32, "i", 0, k.roundToInt(k.pmin(k.pmax(at(k, x, 0), x), at(k, x, 3)))))).toEqual([]);
  });
  test.each(["i32", "i64"] as const)("division of %s wants a divisor that is neither 0, nor -1 under the smallest integer", (elem) => {
    const guard = (k: KernelBuilder, x: Term, ...bad: number[]): Term => {
      const masks = bad.map((b) => k.compare("eq", x, at(k, x, b)));
      return k.select(
        masks.reduce((a, b) => k.op("or", { mask: 1 }, [a, b])),
        at(k, x, 1),
        x,
      );
    };
    expect(of(elem, (k, x) => k.div(at(k, x, 7), x))).toHaveLength(1);
    expect(of(elem, (k, x) => k.div(at(k, x, 7), guard(k, x, 0)))).toEqual([]);
    expect(of(elem, (k, x) => k.div(x, guard(k, x, 0)))).toHaveLength(1);
    expect(of(elem, (k, x) => k.div(x, guard(k, x, 0, -1)))).toEqual([]);
    expect(of(elem, (k, x) => k.op("rem", x.type, [x, at(k, x, 5)]))).toEqual([]);
    expect(of(elem, (k, x) => k.div(at(k, x, 7), x), [1, 9])).toEqual([]);
    expect(of(elem, (k, x) => k.div(at(k, x, 7), x), [0, 9])).toHaveLength(1);
  });
  test("narrowing wants a value that fits", () => {
    const narrowed = (low: number, high: number): string[] => {
      const k = new KernelBuilder("narrow", { lanes: 4, mode: "exact" });
      k.param("x", "i32", 4, "in");
      k.param("y", "u8", 4, "out");
      const wide = vector("i32", 4);
      const clamped = k.pmin(k.pmax(k.load(wide, k.cursor("i", "x")), k.constant(wide, low)), k.constant(wide, high));
      k.store(k.cursor("o", "y"), 0, k.op("narrow", vector("u8", 4), [clamped]));
      return found(k.finish());
    };
    expect(narrowed(0, 255)).toEqual([]);
    expect(narrowed(-1, 255)).toEqual(["ranges: narrow u8x4 gets -1..255, wants 0..255"]);
    expect(narrowed(0, 256)).toHaveLength(1);
  });
});

describe("register pressure", () => {
  /** mr pixels by nv vectors, unrolled by `unroll`. */
  const tile = (mr: number, nv: number, unroll = 1, mode: "fast" | "exact" = "fast"): Kernel => {
    const k = new KernelBuilder("tile", { lanes: 4, mode });
    k.param("x", "f32", mr * unroll, "in");
    k.param("w", "f32", nv * 4 * unroll, "in");
    k.param("y", "f32", mr * nv * 4, "out");
    const [i, w, o] = [k.cursor("i", "x"), k.cursor("k", "w"), k.cursor("o", "y")];
    const acc = Array.from({ length: mr * nv }, () => k.let("a", k.constant(V, 0)));
    k.loop("c", 1, {}, () => {
      for (let u = 0; u < unroll; u++) {
        const weights = Array.from({ length: nv }, (_, n) => k.let("w", k.load(V, w, (u * nv + n) * 4)));
        for (let m = 0; m < mr; m++) {
          const s = k.let("s", k.splat(V, i, u * mr + m));
          weights.forEach((b, n) => k.set(acc[m * nv + n]!, k.madd(s, b, acc[m * nv + n]!)));
        }
      }
    });
    acc.forEach((a, n) => k.store(o, 4 * n, a));
    return k.finish();
  };
  test("is MR*NV + NV + 1 in program order, and MR*NV + NV + MR with loads first", () => {
    expect(pressureOf(tile(14, 2), "order", true)).toBe(31);
    expect(pressureOf(tile(4, 2), "order", true)).toBe(11);
    expect(pressureOf(tile(4, 2), "hoist", true)).toBe(14);
    expect(pressureOf(tile(4, 2, 4), "hoist", true)).toBe(32);
    expect(pressureOf(tile(4, 2), "order", false)).toBe(12);
  });
  test("beyond the registers is an error", () => {
    const limits: Limits = { registers: 14, pressure: "hoist", fma: "yes" };
    expect(found(tile(4, 2), limits)).toEqual([]);
    expect(found(tile(4, 2), { ...limits, fma: "no" })).toEqual(["pressure: the innermost block needs 15 vector registers (hoist), there are 14"]);
    expect(found(tile(4, 2, 1, "exact"), limits)).toHaveLength(1);
    expect(found(tile(5, 2), limits)).toHaveLength(1);
  });
});
