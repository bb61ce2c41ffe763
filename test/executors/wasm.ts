import type { Program } from "../../src/kernel/program.ts";
import type { WasmMemory } from "../../src/package/manifest.ts";

/** Runs a module twice on one memory, arena filled with 0xff behind the state, and gives the outputs of the second run. */
export async function runWasm(code: Uint8Array, plan: WasmMemory, program: Program, weights: Uint8Array, inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const { instance } = (await WebAssembly.instantiate(code as BufferSource, {})) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
  const exports = instance.exports as { memory: WebAssembly.Memory; model_run: (weights: number, inputs: number, outputs: number, arena: number) => void };
  const bytes = new Uint8Array(exports.memory.buffer);
  const words = new DataView(exports.memory.buffer);
  bytes.set(weights, plan.weights);
  bytes.fill(0xff, plan.arena + program.stateBytes, plan.arena + program.arenaBytes);
  inputs.forEach((input, i) => bytes.set(input, plan.inputs[i]!));
  plan.inputs.forEach((address, i) => words.setInt32(plan.inputTable + 4 * i, address, true));
  plan.outputs.forEach((address, i) => words.setInt32(plan.outputTable + 4 * i, address, true));
  const run = (): Uint8Array[] => {
    exports.model_run(plan.weights, plan.inputTable, plan.outputTable, plan.arena);
    return program.outputs.map((port, i) => bytes.slice(plan.outputs[i]!, plan.outputs[i]! + port.bytes));
  };
  const first = run();
  if (program.stateBytes > 0) return first;
  const second = run();
  first.forEach((output, i) => {
    if (output.some((byte, at) => byte !== second[i]![at])) throw new Error(`output ${program.outputs[i]!.name} differs between two runs`);
  });
  return second;
}
