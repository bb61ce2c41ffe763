import { sessionSteps } from "../../src/backends/session-steps.ts";
import { TextTable } from "../../src/host/text-table.ts";
import type { Program } from "../../src/kernel/program.ts";
import { runProgram } from "../../src/session/host-steps.ts";
import { openSharedObject } from "../../src/session/node/shared-object.ts";
import type { Around } from "./around.ts";

/** Runs a shared object twice on one arena (first filled with 0xff behind the state) and gives the outputs of the last run. */
export async function runNative(
  object: Uint8Array,
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  around: Around = {},
  texts = new TextTable(),
): Promise<Uint8Array[]> {
  const steps = sessionSteps(program);
  const { engine, runnable } = await openSharedObject(object, program, weights, steps);
  const run = (): void => runProgram({ steps }, runnable, {}, texts);
  try {
    runnable.arena.fill(0xff, program.stateBytes);
    around.start?.(runnable.arena);
    inputs.forEach((bytes, i) => runnable.inputs[i]!.set(bytes));
    run();
    around.end?.(runnable.arena);
    const first = runnable.outputs.map((bytes) => bytes.slice());
    if (program.stateBytes > 0) return first;
    run();
    first.forEach((bytes, i) => {
      if (Buffer.compare(bytes, runnable.outputs[i]!) !== 0) throw new Error(`output ${program.outputs[i]!.name} differs between two runs`);
    });
    return first;
  } finally {
    engine.close();
  }
}
