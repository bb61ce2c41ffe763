import type { WasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { WasmInstance } from "../../src/backends/wasm/run.ts";
import type { Program } from "../../src/kernel/program.ts";

/** Runs a module twice on one memory, arena first filled with 0xff behind the state, and gives the outputs of the last run. */
export async function runWasm(
  code: Uint8Array,
  plan: WasmMemoryPlan,
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  atEnd: (arena: Uint8Array) => void = () => undefined,
): Promise<Uint8Array[]> {
  const instance = await WasmInstance.create(code, plan, weights);
  instance.memory.fill(0xff, plan.arena + program.stateBytes, plan.arena + program.arenaBytes);
  const sizes = program.outputs.map((port) => port.bytes);
  const first = instance.run(inputs, sizes);
  atEnd(instance.memory.subarray(plan.arena, plan.arena + program.arenaBytes));
  if (program.stateBytes > 0) return first;
  const second = instance.run(inputs, sizes);
  first.forEach((output, i) => {
    if (output.some((byte, at) => byte !== second[i]![at])) throw new Error(`output ${program.outputs[i]!.name} differs between two runs`);
  });
  return second;
}
