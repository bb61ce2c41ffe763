import koffi from "koffi";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printC } from "../../src/backends/c/print.ts";
import { hasSessionSteps } from "../../src/backends/program-facts.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import type { Program } from "../../src/kernel/program.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import type { TargetProfile } from "../../src/target/profile.ts";

/** Loaded code with its memory; what a session does is left to the caller. */
export interface ProgramInstance {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  readonly arena: Uint8Array;
  readonly exports: readonly string[];
  /** The whole program, or with session steps those from `first` up to, not including, `last`. */
  run(first: number, last: number): void;
  close(): void;
}

const EXPORTS = ["model_abi", "model_arena_bytes", "model_run", "model_run_steps", "model_weight_bytes"];

export async function nativeInstance(program: Program, weights: Uint8Array, profile: TargetProfile, compiler: string): Promise<ProgramInstance> {
  const { sources, headers } = printC(program, profile);
  const { bytes } = await compileC(sources, profile, { compiler, headers, flags: ["-Wall", "-Wextra", "-Werror"] });
  const folder = mkdtempSync(join(tmpdir(), "neo-instance-"));
  writeFileSync(join(folder, "model.so"), bytes);
  const library = koffi.load(join(folder, "model.so"));
  rmSync(folder, { recursive: true });
  const has = (name: string): boolean => {
    try {
      return Boolean(library.func(`void ${name}(void)`));
    } catch {
      return false;
    }
  };
  const stepwise = hasSessionSteps(program);
  const tables = "const void *weights, const void **inputs, void **outputs, void *arena";
  const call = library.func(stepwise ? `void model_run_steps(${tables}, int32_t first, int32_t last)` : `void model_run(${tables})`);
  const room = (count: number): Uint8Array => new Uint8Array(Math.max(count, 8));
  const [inputs, outputs, arena] = [program.inputs.map((p) => room(p.bytes)), program.outputs.map((p) => room(p.bytes)), room(program.arenaBytes)];
  return {
    inputs,
    outputs: outputs.map((view, i) => view.subarray(0, program.outputs[i]!.bytes)),
    arena,
    exports: EXPORTS.filter(has),
    run: (first, last) => void call(weights.length ? weights : null, inputs, outputs, arena, ...(stepwise ? [first, last] : [])),
    close: () => library.unload(),
  };
}

export async function wasmInstance(program: Program, weights: Uint8Array, profile: TargetProfile): Promise<ProgramInstance> {
  const plan = wasmMemoryPlan(program);
  const { instance } = (await WebAssembly.instantiate(
    (await emitWasm(program, profile)) as BufferSource,
    {},
  )) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
  const exports = instance.exports as { memory: WebAssembly.Memory } & Record<string, (...args: number[]) => void>;
  const bytes = new Uint8Array(exports.memory.buffer);
  const words = new Int32Array(exports.memory.buffer);
  bytes.set(weights, plan.weights);
  words.set(plan.inputs, plan.inputTable / 4);
  words.set(plan.outputs, plan.outputTable / 4);
  const view = (at: number, length: number): Uint8Array => bytes.subarray(at, at + length);
  const stepwise = hasSessionSteps(program);
  return {
    inputs: program.inputs.map((p, i) => view(plan.inputs[i]!, p.bytes)),
    outputs: program.outputs.map((p, i) => view(plan.outputs[i]!, p.bytes)),
    arena: view(plan.arena, program.arenaBytes),
    exports: Object.keys(exports).sort(),
    run: (first, last) =>
      exports[stepwise ? "model_run_steps" : "model_run"]!(plan.weights, plan.inputTable, plan.outputTable, plan.arena, ...(stepwise ? [first, last] : [])),
    close: () => undefined,
  };
}
