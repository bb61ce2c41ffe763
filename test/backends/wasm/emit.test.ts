import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import v8 from "node:v8";
import { describe, expect, test } from "vitest";
import { importBinaryen } from "../../../src/backends/wasm/binaryen.ts";
import { emitWasm, wasmMemoryPlan } from "../../../src/backends/wasm/emit.ts";
import { KernelBuilder, scalar, vector } from "../../../src/kernel/build.ts";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import type { Port, Program } from "../../../src/kernel/program.ts";
import { target } from "../../executors/targets.ts";
import { runWasm } from "../../executors/wasm.ts";
import { filled, formCases } from "../form-cases.ts";
import { opCases } from "../op-cases.ts";
import { expectSame, interpretCases, programOf } from "../op-program.ts";

const wasm = target("wasm");
const relaxed = { ...wasm, name: "wasm-relaxed", fma: "yes" as const, cpuFeatures: ["simd128", "relaxed-simd"] };
const validator = spawnSync("wasm-validate", ["--version"]).status === 0;
const none = new Uint8Array();

const port = (name: string, bytes: number): Port => ({ name, dtype: "u8", shape: [bytes], elem: "u8", bytes });
const empty: Program = { name: "empty", inputs: [], outputs: [], steps: [], kernels: [], extents: {}, arenaBytes: 0, stateBytes: 0, segments: [] };

describe("the module", () => {
  test("has no imports, and a memory that can't grow", async () => {
    const { program } = programOf(formCases(4, "exact"));
    const module = new WebAssembly.Module((await emitWasm(program, wasm)) as BufferSource);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const { exports } = await WebAssembly.instantiate(module);
    const memory = exports.memory as WebAssembly.Memory;
    expect(memory.buffer.byteLength).toBe(wasmMemoryPlan(program).pages * 65536);
    expect(() => memory.grow(1)).toThrow();
  });

  test("tells its sizes and version", async () => {
    const program = {
      ...empty,
      arenaBytes: 384,
      segments: [
        { offset: 0, bytes: 100, sha256: "" },
        { offset: 128, bytes: 3, sha256: "" },
      ],
    };
    const { instance } = (await WebAssembly.instantiate(
      (await emitWasm(program, wasm)) as BufferSource,
    )) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
    const call = (name: string): unknown => (instance.exports[name] as () => unknown)();
    expect([call("model_arena_bytes"), call("model_weight_bytes"), call("model_abi")]).toEqual([384, 131, 1]);
  });

  test("is the same each time", async () => {
    const { program } = programOf(formCases(4, "fast"));
    const [first, second] = [await emitWasm(program, wasm), await emitWasm(program, wasm)];
    expect(Buffer.compare(first, second)).toBe(0);
  });

  test.skipIf(!validator && process.env.CI !== "true").each([
    ["baseline", wasm, []],
    ["relaxed", relaxed, ["--enable-relaxed-simd"]],
  ] as const)("%s code passes wabt (wants wasm-validate)", async (name, profile, flags) => {
    const { program } = programOf([...opCases(4, "fast"), ...formCases(4, "fast")]);
    const folder = mkdtempSync(join(tmpdir(), "neo-wasm-"));
    writeFileSync(join(folder, `${name}.wasm`), await emitWasm(program, profile));
    const { stderr } = spawnSync("wasm-validate", [...flags, join(folder, `${name}.wasm`)], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    expect(stderr).toBe("");
  });
});

test("relaxed code gives what fused interpretation gives, where the engine fuses", async () => {
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  const cases = [...opCases(4, "fast").filter((c) => /^madd f32x4/.test(c.name)), formCases(4, "fast")[0]!];
  const { program, inputs } = programOf(cases);
  const outputs = await runWasm(await emitWasm(program, relaxed), wasmMemoryPlan(program), program, none, inputs);
  // (1 + 2^-12)^2 - 1 - 2^-11 is 0 if the product is rounded.
  const probe = programOf([fused()]);
  probe.inputs[0]!.set(new Uint8Array(Float32Array.from({ length: 8 }, (_, i) => (i < 4 ? 1 + 2 ** -12 : -1 - 2 ** -11)).buffer));
  const [answer] = await runWasm(await emitWasm(probe.program, relaxed), wasmMemoryPlan(probe.program), probe.program, none, probe.inputs);
  const engineFuses = new Float32Array(answer!.slice().buffer)[0] !== 0;
  expectSame(program, interpretCases(cases, engineFuses), outputs);
});

test("a pointer that walks back below its buffer, and below address 0, finds what lies in the buffer", async () => {
  const b = new KernelBuilder("backwards", { lanes: 4, mode: "exact" });
  const count = 2000;
  b.param("x", "f32", count, "in");
  b.param("y", "f32", count, "out");
  const [x, y] = [b.cursor("i", "x"), b.cursor("o", "y")];
  b.loop("i", count, { [x]: -1, [y]: 1 }, () => b.store(y, 0, b.load(scalar("f32"), x, count - 1)));
  const { program, inputs } = programOf([filled("backwards", b.finish())]);
  const [reversed] = await runWasm(await emitWasm(program, wasm), wasmMemoryPlan(program), program, none, inputs);
  expect(new Float32Array(reversed!.slice().buffer)).toEqual(new Float32Array(inputs[0]!.slice().buffer).reverse());
});

function fused(): { name: string; kernel: Kernel; buffers: Uint8Array[] } {
  const b = new KernelBuilder("fused", { lanes: 4, mode: "fast" });
  const type = vector("f32", 4);
  b.param("x", "f32", 8, "in");
  b.param("y", "f32", 4, "out");
  const i = b.cursor("i", "x");
  b.store(b.cursor("o", "y"), 0, b.madd(b.load(type, i), b.load(type, i), b.load(type, i, 4)));
  return { name: "fused", kernel: b.finish(), buffers: [new Uint8Array(32), new Uint8Array(16)] };
}

describe("memory plan", () => {
  test("places nothing over anything else, aligned", () => {
    const program = {
      ...empty,
      inputs: [port("a", 5), port("b", 300)],
      outputs: [port("c", 1)],
      arenaBytes: 1000,
      segments: [{ offset: 64, bytes: 70000, sha256: "" }],
    };
    const plan = wasmMemoryPlan(program);
    const ranges = [
      [plan.inputTable, 8],
      [plan.outputTable, 4],
      [plan.inputs[0]!, 5],
      [plan.inputs[1]!, 300],
      [plan.outputs[0]!, 1],
      [plan.arena, 1000],
      [plan.weights, 70064],
    ].sort((a, b) => a[0]! - b[0]!);
    ranges.forEach(([start, bytes], i) => expect(start! + bytes!).toBeLessThanOrEqual(ranges[i + 1]?.[0] ?? plan.pages * 65536));
    expect(plan.inputTable).toBeGreaterThanOrEqual(1024);
    expect([plan.arena, plan.weights, ...plan.inputs, ...plan.outputs].every((address) => address % 128 === 0)).toBe(true);
  });

  test("more than 4 GiB is refused with the large parts", () => {
    const program = { ...empty, arenaBytes: 2 ** 31, segments: [{ offset: 0, bytes: 2 ** 31, sha256: "" }] };
    expect(() => wasmMemoryPlan(program)).toThrowError(
      expect.objectContaining({
        code: "NEO3021",
        notes: [
          { where: "arena", text: "2147483648 bytes" },
          { where: "weights", text: "2147483648 bytes" },
        ],
      }) as Error,
    );
  });
});

test("without binaryen the error names what to install", async () => {
  await expect(importBinaryen(() => Promise.reject(new Error("Cannot find package")))).rejects.toMatchObject({ code: "NEO3020", hint: "npm i binaryen@132" });
  await expect(importBinaryen(() => Promise.resolve({ default: {} as never }))).rejects.toMatchObject({ code: "NEO3020" });
});
