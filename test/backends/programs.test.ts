import { describe, expect, test } from "vitest";
import type { Program, Slice, Step } from "../../src/kernel/program.ts";
import { target } from "../executors/targets.ts";
import { PROGRAMS, type ProgramCase } from "../kernel/programs.ts";
import { hostCompilers, nativeTest } from "./host-compilers.ts";
import { nativeInstance, wasmInstance, type ProgramInstance } from "./program-instance.ts";

type SessionStepOf = Extract<Step, { kind: "host" | "region" }>;

/** Code steps by ranges, and between them what the session does, over slices that reach to the end of their space. */
function runOnce(instance: ProgramInstance, program: Program, sample: ProgramCase): void {
  const bytes = ({ space, index, offset }: Slice): Uint8Array =>
    (space === "arena" ? instance.arena : space === "input" ? instance.inputs[index]! : instance.outputs[index]!).subarray(offset);
  let first = 0;
  program.steps.forEach((step, i) => {
    if (step.kind !== "host" && step.kind !== "region") return;
    if (i > first) instance.run(first, i);
    const { name, inputs, outputs }: SessionStepOf = step;
    sample.session!(name, inputs.map(bytes), outputs.map(bytes));
    first = i + 1;
  });
  if (first < program.steps.length) instance.run(first, program.steps.length);
}

function expectRuns(instance: ProgramInstance, sample: ProgramCase): void {
  const { program } = sample;
  instance.arena.fill(0, 0, program.stateBytes);
  const word = (name: string): number => program.extents[name]!.at.offset;
  const view = new DataView(instance.arena.buffer, instance.arena.byteOffset);
  for (const run of sample.runs) {
    instance.arena.fill(0xff, program.stateBytes);
    for (const output of instance.outputs) output.fill(0xff);
    run.inputs.forEach((input, i) => instance.inputs[i]!.set(input));
    for (const [name, value] of Object.entries(run.extents ?? {})) view.setInt32(word(name), value, true);
    runOnce(instance, program, sample);
    expect(instance.outputs.map((output) => output.slice())).toEqual(run.outputs);
    for (const [name, value] of Object.entries(run.extentsAfter ?? {})) expect(view.getInt32(word(name), true)).toBe(value);
  }
}

describe.each(PROGRAMS.map((sample) => [sample.name, sample] as const))("%s", (_name, sample) => {
  const run = sample.session ? "model_run_steps" : "model_run";

  nativeTest.each(hostCompilers)("as C by %s", async (compiler) => {
    const instance = await nativeInstance(sample.program, sample.weights, target("host"), compiler);
    expect(instance.exports).toEqual(["model_abi", "model_arena_bytes", run, "model_weight_bytes"]);
    expectRuns(instance, sample);
    instance.close();
  });

  test("as WebAssembly", async () => {
    const instance = await wasmInstance(sample.program, sample.weights, target("wasm"));
    expect(instance.exports).toEqual(["memory", "model_abi", "model_arena_bytes", run, "model_weight_bytes"]);
    expectRuns(instance, sample);
  });
});
