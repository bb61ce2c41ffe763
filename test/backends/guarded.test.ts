import { expect, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { KernelBuilder, vector } from "../../src/kernel/build.ts";
import type { Program } from "../../src/kernel/program.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { runGuarded } from "../executors/guarded.ts";
import { runGuardedWasm } from "../executors/guarded-wasm.ts";
import { target } from "../executors/targets.ts";
import { filled } from "./form-cases.ts";
import { nativeTest } from "./host-compilers.ts";
import { programOf } from "./op-program.ts";

/** y = x moved by `x` elements, stored `y` elements further on. */
function moved(x: number, y: number): { readonly program: Program; readonly inputs: readonly Uint8Array[] } {
  const b = new KernelBuilder("moved", { lanes: 4, mode: "exact" });
  b.param("x", "f32", 8, "in");
  b.param("y", "f32", 8, "out");
  b.store(b.cursor("o", "y"), y, b.load(vector("f32", 4), b.cursor("i", "x"), x));
  return programOf([filled("moved", b.finish())]);
}

const none = new Uint8Array();

async function guarded({ program, inputs }: ReturnType<typeof moved>): Promise<Uint8Array[]> {
  const { sources, headers } = printC(program, target("host"));
  const { bytes } = await compileC(sources, target("host"), { headers });
  return runGuarded(bytes, program, none, inputs);
}

async function guardedWasm({ program, inputs }: ReturnType<typeof moved>): Promise<Uint8Array[]> {
  return runGuardedWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, none, inputs);
}

nativeTest("a touch of the page behind or before a buffer is found, and where", { timeout: 60_000 }, async () => {
  await expect(guarded(moved(4, 4))).resolves.toHaveLength(1);
  await expect(guarded(moved(5, 0))).rejects.toThrow("behind the end of input 0 of 32 bytes");
  await expect(guarded(moved(-1, 0))).rejects.toThrow("before the begin of input 0 of 32 bytes");
  await expect(guarded(moved(0, 5))).rejects.toThrow("behind the end of output 0 of 32 bytes");
  await expect(guarded(moved(0, -1))).rejects.toThrow("before the begin of output 0 of 32 bytes");
});

test("WebAssembly traps where a buffer at the end of memory is left", async () => {
  await expect(guardedWasm(moved(4, 4))).resolves.toHaveLength(1);
  for (const [x, y] of [
    [5, 0],
    [-1, 0],
    [0, 5],
    [0, -1],
  ] as const)
    await expect(guardedWasm(moved(x, y))).rejects.toThrow();
});
