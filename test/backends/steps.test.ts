import { describe, expect } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { I32, KernelBuilder, scalar } from "../../src/kernel/build.ts";
import { interpretProgram } from "../../src/kernel/interpret-program.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import type { Port, Program, Slice, Step } from "../../src/kernel/program.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { runNative } from "../executors/native.ts";
import { target } from "../executors/targets.ts";
import { runWasm } from "../executors/wasm.ts";
import { hostCompilers, nativeTest } from "./host-compilers.ts";

const host = target("host");

const arena = (offset: number): Slice => ({ space: "arena", index: 0, offset });
const call = (kernel: string, args: Record<string, Slice>, extents?: Record<string, string>): Step => ({
  kind: "call",
  kernel,
  args,
  parts: 1,
  ...(extents ? { extents } : {}),
});
const port = (name: string, count: number): Port => ({ name, dtype: "i32", shape: [count], elem: "i32", bytes: 4 * count });
const words = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const ints = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.slice().buffer)];

/** y[i] = x[i] */
function copy(count: number, name = `copy_${count}`): Kernel {
  const b = new KernelBuilder(name, { lanes: 4, mode: "exact" });
  b.param("x", "i32", count, "in");
  b.param("y", "i32", count, "out");
  const [i, o] = [b.cursor("i", "x"), b.cursor("o", "y")];
  b.loop("n", count, { [i]: 1, [o]: 1 }, () => b.store(o, 0, b.load(I32, i)));
  return b.finish();
}

/** y[0] += by */
function add(by: number): Kernel {
  const b = new KernelBuilder(by < 0 ? `subtract_${-by}` : `add_${by}`, { lanes: 4, mode: "exact" });
  b.param("y", "i32", 1, "inout");
  const o = b.cursor("o", "y");
  b.store(o, 0, b.add(b.load(I32, o), b.constant(I32, by)));
  return b.finish();
}

function zero(): Kernel {
  const b = new KernelBuilder("zero", { lanes: 4, mode: "exact" });
  b.param("y", "i32", 1, "out");
  b.store(b.cursor("o", "y"), 0, b.constant(I32, 0));
  return b.finish();
}

function program(fields: Partial<Program>): Program {
  return { name: "steps", inputs: [], outputs: [], steps: [], kernels: [], extents: {}, arenaBytes: 256, stateBytes: 0, segments: [], ...fields };
}

/** Outputs of a program by every executor. */
async function runEverywhere(p: Program, weights: Uint8Array, inputs: readonly Uint8Array[]): Promise<number[][]> {
  const { sources, headers } = printC(p, host);
  const natives: Uint8Array[][] = [];
  for (const compiler of hostCompilers) {
    const { bytes } = await compileC(sources, host, { compiler, headers, flags: ["-Wall", "-Wextra", "-Werror"] });
    natives.push(await runNative(bytes, p, weights, inputs));
  }
  const wasm = await runWasm(await emitWasm(p, target("wasm")), wasmMemoryPlan(p), p, weights, inputs);
  return [interpretProgram(p, weights, inputs), ...natives, wasm].map((outputs) => outputs.flatMap(ints));
}

describe("if and loop", () => {
  const [choice, trips, condition, sum] = [arena(128), arena(132), arena(136), arena(192)];
  const p = program({
    inputs: [port("controls", 3)],
    outputs: [port("sum", 1)],
    kernels: [copy(3), copy(1), zero(), add(1), add(10), add(100), add(1000), add(10000), add(-1)],
    steps: [
      call("copy_3", { x: { space: "input", index: 0, offset: 0 }, y: choice }),
      call("zero", { y: sum }),
      { kind: "if", condition: choice, then: [call("add_1", { y: sum })], else: [call("add_10", { y: sum })] },
      { kind: "if", condition: choice, then: [call("add_1", { y: sum })], else: [] },
      { kind: "loop", trips, body: [call("add_100", { y: sum }), { kind: "loop", trips: 2, body: [call("add_1000", { y: sum })] }] },
      { kind: "loop", trips: 7, condition, body: [call("add_10000", { y: sum }), call("subtract_1", { y: condition })] },
      call("copy_1", { x: sum, y: { space: "output", index: 0, offset: 0 } }),
    ],
  });

  nativeTest.each([
    [0, 0, 0, 10],
    [1, 3, 2, 2 + 3 * 2100 + 20000],
    [-5, 1, 100, 2 + 2100 + 70000],
    [0, -1, 1, 10 + 10000],
  ])("choice %i, %i trips, condition %i", async (a, b, c, want) => {
    for (const got of await runEverywhere(p, new Uint8Array(), [words(a, b, c)])) expect(got).toEqual([want]);
  });
});

describe("extents", () => {
  /** Copies x in groups of 4, ceil(n / 4) of them, then n words one by one to z. */
  function bounded(): Kernel {
    const b = new KernelBuilder("bounded", { lanes: 4, mode: "exact" });
    b.param("x", "i32", 12, "in");
    b.param("y", "i32", 12, "out");
    b.param("z", "i32", 12, "out");
    const [i, o, j, q] = [b.cursor("i", "x"), b.cursor("o", "y"), b.cursor("j", "x", 11), b.cursor("q", "z", 11)];
    b.loop("twice", 2, {}, () => {
      b.loop("g", { extent: "rows", per: 4, max: 3 }, { [i]: 4, [o]: 4 }, () => [0, 1, 2, 3].forEach((n) => b.store(o, n, b.load(I32, i, n))));
      b.loop("n", { extent: "rows", per: 1, max: 12 }, { [j]: -1, [q]: -1 }, () => b.store(q, 0, b.load(I32, j)));
    });
    return b.finish();
  }

  const x = Array.from({ length: 12 }, (_, i) => i + 1);
  const zeros: Step[] = [0, 1].flatMap((index) => x.map((_, i) => call("zero", { y: { space: "output" as const, index, offset: 4 * i } })));
  const p = program({
    inputs: [port("n", 1)],
    outputs: [port("y", 12), port("z", 12)],
    kernels: [copy(1), zero(), bounded()],
    stateBytes: 64,
    extents: { batch: { max: 12, at: arena(16) } },
    segments: [
      { offset: 0, bytes: 8, sha256: "" },
      { offset: 64, bytes: 56, sha256: "" },
    ],
    steps: [
      ...zeros,
      call("copy_1", { x: { space: "input", index: 0, offset: 0 }, y: arena(16) }),
      call(
        "bounded",
        { x: { space: "weights", index: 1, offset: 8 }, y: { space: "output", index: 0, offset: 0 }, z: { space: "output", index: 1, offset: 0 } },
        { rows: "batch" },
      ),
    ],
  });
  const weights = new Uint8Array(120);
  weights.set(words(...x), 72);

  nativeTest.each([0, 1, 4, 5, 12])("%i rows", async (n) => {
    const want = [...x.map((v, i) => (i < Math.ceil(n / 4) * 4 ? v : 0)), ...x.map((v, i) => (i >= 12 - n ? v : 0))];
    for (const got of await runEverywhere(p, weights, [words(n)])) expect(got).toEqual(want);
  });
});

nativeTest("kernels of both modes go into two files, each with its rounding", async () => {
  const kernel = (name: string, mode: "exact" | "fast"): Kernel => {
    const b = new KernelBuilder(name, { lanes: 4, mode });
    b.param("x", "f32", 3, "in");
    b.param("y", "f32", 1, "out");
    const i = b.cursor("i", "x");
    b.store(b.cursor("o", "y"), 0, b.madd(b.load(scalar("f32"), i), b.load(scalar("f32"), i, 1), b.load(scalar("f32"), i, 2)));
    return b.finish();
  };
  const p = program({
    inputs: [port("x", 3)],
    outputs: [port("fast", 1), port("exact", 1)],
    kernels: [kernel("fast_madd", "fast"), kernel("exact_madd", "exact")],
    steps: ["fast_madd", "exact_madd"].map((name, index) =>
      call(name, { x: { space: "input", index: 0, offset: 0 }, y: { space: "output", index, offset: 0 } }),
    ),
  });
  const { sources } = printC(p, host);
  expect(sources.map(({ name, contract }) => [name, contract])).toEqual([
    ["model.c", "fast"],
    ["model_exact.c", "off"],
  ]);
  // (1 + 2^-12)^2 - 1 - 2^-11 = 2^-24, which the rounding of the product to 24 bits loses.
  const x = new Uint8Array(Float32Array.of(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11).buffer);
  const outputs = await runEverywhere(p, new Uint8Array(), [x]);
  const fused = host.fma === "no" ? 0 : 2 ** -24;
  const floats = outputs.map((output) => [...new Float32Array(Int32Array.from(output).buffer)]);
  expect(floats).toEqual([[0, 0], ...hostCompilers.map(() => [fused, 0]), [0, 0]]);
});
