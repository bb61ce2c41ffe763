import { describe, expect, test } from "vitest";
import { F32, I32, KernelBuilder, vector } from "../../src/kernel/build.ts";
import { interpretKernel } from "../../src/kernel/interpret-kernel.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { simplify } from "../../src/kernel/simplify.ts";
import { printKernel } from "../../src/kernel/text/print-kernel.ts";
import { verifyKernel } from "../../src/kernel/verify-kernel.ts";
import { walkStatements } from "../../src/kernel/walk.ts";
import { opCases } from "../backends/op-cases.ts";
import { interpretCases } from "../backends/op-program.ts";
import { randomBuffers, randomKernel, type Buffers } from "./random-kernel.ts";

const V = vector("f32", 4);

function bitsOf({ q, y }: Buffers): string {
  return [q, y].map((data) => Buffer.from(data.buffer).toString("latin1")).join();
}

function bodyOf(kernel: Kernel): string {
  return printKernel(kernel).replace(/^.*\n(?: {2}(?:loc|in|out|inout) .*\n)*/, "");
}

describe("any kernel", () => {
  test.each([0, 100])("gives the same bits, and still passes the verifier (from seed %i)", (first) => {
    for (let seed = first; seed < first + 60; seed++) {
      const kernel = randomKernel(seed);
      const simple = simplify(kernel);
      expect([...verifyKernel(kernel), ...verifyKernel(simple)], kernel.name).toEqual([]);
      for (const n of [0, 3]) {
        const [want, got] = [randomBuffers(seed), randomBuffers(seed)];
        interpretKernel(kernel, { ...want }, { extents: { n }, fused: true });
        interpretKernel(simple, { ...got }, { extents: { n }, fused: true });
        expect(bitsOf(got) === bitsOf(want) || printKernel(kernel)).toBe(true);
      }
      expect(printKernel(simplify(simple))).toBe(printKernel(simple));
    }
  });

  test("is left without unrolled loops and loops of one trip", () => {
    for (let seed = 0; seed < 50; seed++) {
      walkStatements(simplify(randomKernel(seed)).body, (stmt) => {
        if (stmt.kind === "for") expect(stmt.mode === "serial" && stmt.trips !== 1 && stmt.body.length > 0).toBe(true);
      });
    }
  });

  test("of one op stays the same, whatever the op", () => {
    const cases = opCases(4, "exact");
    const simple = cases.map((c) => ({ ...c, kernel: simplify(c.kernel) }));
    expect(interpretCases(simple)).toEqual(interpretCases(cases));
  });
});

test("an unrolled loop becomes offsets, also backwards", () => {
  const k = new KernelBuilder("unroll", { lanes: 4, mode: "exact" });
  k.param("x", "f32", 8, "in");
  k.param("y", "f32", 8, "out");
  const [i, o] = [k.cursor("i", "x"), k.cursor("o", "y", 4)];
  k.loop("u", 2, { [i]: 4, [o]: -4 }, () => k.store(o, 0, k.load(V, i)), "unrolled");
  expect(bodyOf(simplify(k.finish()))).toBe(`  cursor i = x[0]
  cursor o = y[0]
  store f32x4 o[4] = load f32x4 i[0]
  store f32x4 o[0] = load f32x4 i[4]
}
`);
});

test("copies of an inner loop have names and steps of their own", () => {
  const k = new KernelBuilder("copies", { lanes: 1, mode: "exact" });
  k.param("y", "f32", 6, "out");
  const o = k.cursor("o", "y");
  k.loop("u", 2, { [o]: 3 }, () => k.loop("l", 3, { [o]: 1 }, () => k.store(o, 0, k.constant(F32, 1))), "unrolled");
  expect(bodyOf(simplify(k.finish()))).toBe(`  cursor o = y[0] {l: 1, l_1: 1}
  for l 3 {
    store f32 o[0] = f32 1
  }
  for l_1 3 {
    store f32 o[3] = f32 1
  }
}
`);
});

test("what is known of whole numbers goes into addresses; what nobody reads goes", () => {
  const k = new KernelBuilder("heap", { lanes: 1, mode: "exact" });
  k.param("x", "f32", 8, "in");
  k.param("y", "f32", 1, "out");
  const [i, o] = [k.cursor("i", "x"), k.cursor("o", "y")];
  const h = k.let("h", k.constant(I32, 1));
  k.let("unused", k.load(F32, i, 3));
  k.loop("d", 2, {}, () => k.set(h, k.add(k.shl(h, 1), k.constant(I32, 1))), "unrolled");
  k.loop("empty", 5, { [i]: 1 }, () => undefined);
  k.store(o, 0, k.load(F32, i, 0, h));
  expect(bodyOf(simplify(k.finish()))).toBe(`  cursor i = x[0]
  cursor o = y[0]
  store f32 o[0] = load f32 i[7]
}
`);
});

test("a parallel loop stays, even of one trip", () => {
  const k = new KernelBuilder("parallel", { lanes: 1, mode: "exact" });
  k.param("y", "f32", 1, "out");
  const o = k.cursor("o", "y");
  k.loop("p", 1, { [o]: 1 }, () => k.store(o, 0, k.constant(F32, 1)), "parallel");
  const kernel = k.finish();
  expect(simplify(kernel)).toEqual(kernel);
});

test("what would be out of range, or NaN, is left to be computed", () => {
  const k = new KernelBuilder("left", { lanes: 1, mode: "fast" });
  k.param("y", "f32", 4, "out");
  const o = k.cursor("o", "y");
  const [zero, inf] = [k.constant(F32, 0), k.constant(F32, Infinity)];
  k.store(o, 0, k.sub(inf, inf));
  k.store(o, 1, k.toFloat(k.div(k.constant(I32, 1), k.constant(I32, 0))));
  k.store(o, 2, k.madd(zero, zero, inf));
  expect(simplify(k.finish()).body).toEqual(k.finish().body);
});
