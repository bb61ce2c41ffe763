import koffi from "koffi";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { I32, KernelBuilder, scalar } from "../../src/kernel/build.ts";
import { interpretProgram } from "../../src/kernel/interpret-program.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import type { Port, Program, Slice, Step } from "../../src/kernel/program.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { runNative } from "../executors/native.ts";
import { target } from "../executors/targets.ts";
import { runWasm } from "../executors/wasm.ts";

const host = target("host");
const compilers = (await findCompilers()).filter((c) => c.machine.startsWith("x86_64")).map((c) => c.command);

const arena = (offset: number): Slice => ({ space: "arena", index: 0, offset });
const call = (kernel: string, args: Record<string, Slice>, extents?: Record<string, string>): Step => ({ kind: "call", kernel, args, parts: 1, ...(extents ? { extents } : {}) });
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
  for (const compiler of compilers) {
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

  test.each([
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
    segments: [{ offset: 0, bytes: 8, sha256: "" }, { offset: 64, bytes: 56, sha256: "" }],
    steps: [
      ...zeros,
      call("copy_1", { x: { space: "input", index: 0, offset: 0 }, y: arena(16) }),
      call("bounded", { x: { space: "weights", index: 1, offset: 8 }, y: { space: "output", index: 0, offset: 0 }, z: { space: "output", index: 1, offset: 0 } }, { rows: "batch" }),
    ],
  });
  const weights = new Uint8Array(120);
  weights.set(words(...x), 72);

  test.each([0, 1, 4, 5, 12])("%i rows", async (n) => {
    const want = [...x.map((v, i) => (i < Math.ceil(n / 4) * 4 ? v : 0)), ...x.map((v, i) => (i >= 12 - n ? v : 0))];
    for (const got of await runEverywhere(p, weights, [words(n)])) expect(got).toEqual(want);
  });
});

describe("steps of the session", () => {
  const p = program({
    inputs: [port("x", 2)],
    outputs: [port("y", 2)],
    kernels: [copy(2)],
    steps: [
      call("copy_2", { x: { space: "input", index: 0, offset: 0 }, y: arena(0) }),
      { kind: "host", name: "double", inputs: [arena(0)], outputs: [arena(128)] },
      { kind: "region", name: "npu", inputs: [arena(128)], outputs: [arena(128)] },
      call("copy_2", { x: arena(128), y: { space: "output", index: 0, offset: 0 } }),
    ],
  });

  /** First and last step by number, and between them what the session does. */
  const script = (steps: (first: number, last: number) => void, memory: Int32Array): void => {
    memory.fill(0);
    steps(0, 2);
    memory[32] = 2 * memory[0]!;
    memory[33] = 2 * memory[1]!;
    steps(2, 4);
  };

  test("model_run_steps runs a range of steps and leaves the session's out", async () => {
    const want = interpretProgram(p, new Uint8Array(), [words(7, -9)], {
      host: (_name, [x], [y]) => y!.set(words(...ints(x!.subarray(0, 8)).map((v) => 2 * v))),
      region: () => undefined,
    }).flatMap(ints);
    expect(want).toEqual([14, -18]);

    const { sources, headers } = printC(p, host);
    expect(headers[0]!.text).toContain("void model_run_steps(");
    for (const compiler of compilers) {
      const { bytes } = await compileC(sources, host, { compiler, headers, flags: ["-Wall", "-Wextra", "-Werror"] });
      const folder = mkdtempSync(join(tmpdir(), "neo-steps-"));
      writeFileSync(join(folder, "model.so"), bytes);
      const library = koffi.load(join(folder, "model.so"));
      rmSync(folder, { recursive: true });
      expect(() => library.func("void model_run(void)") as unknown).toThrow();
      const run = library.func("void model_run_steps(const void *weights, const void **inputs, void **outputs, void *arena, int32_t first, int32_t last)");
      const [memory, input, output] = [new Int32Array(64), Int32Array.of(7, -9), new Int32Array(2)];
      script((first, last) => void run(null, [input], [output], memory, first, last), memory);
      expect([...output]).toEqual(want);
      library.unload();
    }

    const plan = wasmMemoryPlan(p);
    const { instance } = (await WebAssembly.instantiate((await emitWasm(p, target("wasm"))) as BufferSource, {})) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
    const exports = instance.exports as { memory: WebAssembly.Memory; model_run_steps: (...args: number[]) => void };
    expect(Object.keys(exports).sort()).toEqual(["memory", "model_abi", "model_arena_bytes", "model_run_steps", "model_weight_bytes"]);
    const all = new Int32Array(exports.memory.buffer);
    all.set([7, -9], plan.inputs[0]! / 4);
    all[plan.inputTable / 4] = plan.inputs[0]!;
    all[plan.outputTable / 4] = plan.outputs[0]!;
    script((first, last) => exports.model_run_steps(plan.weights, plan.inputTable, plan.outputTable, plan.arena, first, last), all.subarray(plan.arena / 4, plan.arena / 4 + 64));
    expect([...all.subarray(plan.outputs[0]! / 4, plan.outputs[0]! / 4 + 2)]).toEqual(want);
  });
});

test("kernels of both modes go into two files, each with its rounding", async () => {
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
    steps: ["fast_madd", "exact_madd"].map((name, index) => call(name, { x: { space: "input", index: 0, offset: 0 }, y: { space: "output", index, offset: 0 } })),
  });
  const { sources } = printC(p, host);
  expect(sources.map(({ name, contract }) => [name, contract])).toEqual([["model.c", "fast"], ["model_exact.c", "off"]]);
  // (1 + 2^-12)^2 - 1 - 2^-11 = 2^-24, which the rounding of the product to 24 bits loses.
  const x = new Uint8Array(Float32Array.of(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11).buffer);
  const outputs = await runEverywhere(p, new Uint8Array(), [x]);
  const fused = host.fma === "no" ? 0 : 2 ** -24;
  const floats = outputs.map((output) => [...new Float32Array(Int32Array.from(output).buffer)]);
  expect(floats).toEqual([[0, 0], ...compilers.map(() => [fused, 0]), [0, 0]]);
});
