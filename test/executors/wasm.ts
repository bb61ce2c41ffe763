import { sessionSteps } from "../../src/backends/session-steps.ts";
import { hasSessionSteps } from "../../src/backends/program-facts.ts";
import type { WasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { WasmInstance } from "../../src/backends/wasm/run.ts";
import { TextTable } from "../../src/host/text-table.ts";
import type { Program } from "../../src/kernel/program.ts";
import { CODE_ABI, type Artifact } from "../../src/package/manifest.ts";
import { runProgram } from "../../src/session/host-steps.ts";
import { WasmEngine } from "../../src/session/wasm-engine.ts";
import type { Around } from "./around.ts";

/** Runs a module twice on one memory, arena first filled with 0xff behind the state, and gives the outputs of the last run. */
export async function runWasm(
  code: Uint8Array,
  plan: WasmMemoryPlan,
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  around: Around = {},
  texts = new TextTable(),
): Promise<Uint8Array[]> {
  if (hasSessionSteps(program)) return runSteps(code, plan, program, weights, inputs, around, texts);
  const instance = await WasmInstance.create(code, plan, weights);
  instance.memory.fill(0xff, plan.arena + program.stateBytes, plan.arena + program.arenaBytes);
  around.start?.(instance.memory.subarray(plan.arena, plan.arena + program.arenaBytes));
  const sizes = program.outputs.map((port) => port.bytes);
  const first = instance.run(inputs, sizes);
  around.end?.(instance.memory.subarray(plan.arena, plan.arena + program.arenaBytes));
  if (program.stateBytes > 0) return first;
  const second = instance.run(inputs, sizes);
  first.forEach((output, i) => {
    if (output.some((byte, at) => byte !== second[i]![at])) throw new Error(`output ${program.outputs[i]!.name} differs between two runs`);
  });
  return second;
}

/** The same by the engine of sessions, which does the steps between. */
async function runSteps(
  code: Uint8Array,
  plan: WasmMemoryPlan,
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  around: Around,
  texts: TextTable,
): Promise<Uint8Array[]> {
  const steps = sessionSteps(program);
  const { arenaBytes, stateBytes, inputs: ins, outputs: outs } = program;
  const artifact: Artifact = {
    id: "code",
    kind: "wasm",
    target: { name: "wasm", digest: "" },
    needs: { os: "any", arch: "wasm32", cpuFeatures: [], abi: CODE_ABI },
    weights: { offset: 0, bytes: weights.length },
    programs: [{ file: "model.wasm", arenaBytes, stateBytes, extents: [], steps, memory: plan }],
  };
  const engine = new WasmEngine({ artifact, programs: [{ id: "main", binding: {}, inputs: ins, outputs: outs }], file: () => code, weights });
  const runnable = await engine.open(0);
  runnable.arena.fill(0xff, stateBytes);
  around.start?.(runnable.arena);
  inputs.forEach((bytes, i) => runnable.inputs[i]!.set(bytes));
  runProgram({ steps }, runnable, {}, texts);
  around.end?.(runnable.arena);
  const first = runnable.outputs.map((bytes) => bytes.slice());
  if (stateBytes > 0) return first;
  runProgram({ steps }, runnable, {}, texts);
  first.forEach((bytes, i) => {
    if (Buffer.compare(bytes, runnable.outputs[i]!) !== 0) throw new Error(`output ${outs[i]!.name} differs between two runs`);
  });
  return first;
}
