import { WasmInstance } from "../../src/backends/wasm/run.ts";
import { hasSessionSteps, weightBytesOf } from "../../src/backends/program-facts.ts";
import type { WasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import type { Program } from "../../src/kernel/program.ts";
import type { Around } from "./around.ts";
import { NotGuarded } from "./guarded.ts";

/**
 * Runs a module once for each of weights, arena, inputs and outputs, with that one at the very end of memory and the next one at its
 * very begin, where an access outside traps. All runs must agree.
 */
export async function runGuardedWasm(
  code: Uint8Array,
  plan: WasmMemoryPlan,
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  around: Around = {},
): Promise<Uint8Array[]> {
  if (hasSessionSteps(program)) throw new NotGuarded("steps of the session run in a session only");
  const bytes = [weightBytesOf(program), program.arenaBytes, ...[...program.inputs, ...program.outputs].map((port) => port.bytes)];
  let wanted: Uint8Array[] | undefined;
  for (const last of bytes.keys()) {
    const moved = placed(bytes, last, plan, program.inputs.length);
    const instance = await WasmInstance.create(code, moved, weights);
    const { memory } = instance;
    memory.fill(0xff, moved.arena + program.stateBytes, moved.arena + program.arenaBytes);
    around.start?.(memory.subarray(moved.arena, moved.arena + program.arenaBytes));
    const outputs = instance.run(
      inputs,
      program.outputs.map((port) => port.bytes),
    );
    if (!wanted) around.end?.(memory.slice(moved.arena, moved.arena + program.arenaBytes));
    wanted ??= outputs;
    const differs = wanted.findIndex((output, i) => Buffer.compare(output, outputs[i]!) !== 0);
    if (differs >= 0) throw new Error(`output ${program.outputs[differs]!.name} differs with where buffers lie`);
  }
  return wanted!;
}

/** The plan with buffer `last` ending where memory ends and the one behind it beginning at 0. */
function placed(bytes: readonly number[], last: number, plan: WasmMemoryPlan, inputCount: number): WasmMemoryPlan {
  const end = plan.pages * 65536;
  const at = new Array<number>(bytes.length);
  let top = 0;
  for (let i = 1; i < bytes.length; i++) {
    const index = (last + i) % bytes.length;
    at[index] = top;
    top = Math.ceil((top + bytes[index]!) / 128) * 128;
  }
  at[last] = last < 2 ? Math.floor((end - bytes[last]!) / 128) * 128 : end - bytes[last]!;
  const tables = top;
  if (tables + 4 * (bytes.length - 2) > at[last]!) throw new Error("the buffers do not fit into the memory of the plan");
  const ports = at.slice(2);
  return {
    ...plan,
    weights: at[0]!,
    arena: at[1]!,
    inputs: ports.slice(0, inputCount),
    outputs: ports.slice(inputCount),
    inputTable: tables,
    outputTable: tables + 4 * inputCount,
  };
}
