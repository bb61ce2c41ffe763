import { describe, expect, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { probeMachine } from "../../src/support/node/probe.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import type { TargetProfile } from "../../src/target/profile.ts";
import { runNative } from "../executors/native.ts";
import { target } from "../executors/targets.ts";
import { runWasm } from "../executors/wasm.ts";
import { opCases, type OpCase } from "./op-cases.ts";
import { interpretCase, programOf, withoutNanBits } from "./op-program.ts";

const compilers = await findCompilers();
const machine = probeMachine();

const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

function runs(profile: TargetProfile): boolean {
  return profile.arch === machine.arch && profile.cpuFeatures.every((feature) => machine.cpuFeatures.includes(feature));
}

function compareAll(cases: readonly OpCase[], outputs: readonly Uint8Array[], fused = false): void {
  const different = cases.filter((c, i) => {
    const { elem } = c.kernel.params.at(-1)!;
    const [want, got] = [interpretCase(c, fused), outputs[i]!].map((bytes) => withoutNanBits(bytes, elem));
    return Buffer.compare(want!, got!) !== 0;
  });
  expect(different.map((c) => c.name)).toEqual([]);
}

describe.each(["x86-64-v2", "x86-64-v3", "x86-64-v4"])("every op as C for %s", (name) => {
  const profile = target(name);
  const cases = opCases(profile.vectorBytes / 4, "exact");
  const { program, inputs } = programOf(cases);

  test.each(compilers.filter((c) => c.machine.startsWith("x86_64")).map((c) => c.command))("%s gives the interpreter's bits, without warnings", async (compiler) => {
    const { sources, headers } = printC(program, profile);
    expect(sources.map((s) => [s.name, s.contract])).toEqual([["model.c", "off"]]);
    const { bytes, warnings } = await compileC(sources, profile, { compiler, headers, flags: WARNINGS });
    expect(warnings).toBe("");
    if (runs(profile)) compareAll(cases, runNative(bytes, program, new Uint8Array(), inputs));
  });
});

test("every op as WebAssembly gives the interpreter's bits", async () => {
  const cases = opCases(4, "exact");
  const { program, inputs } = programOf(cases);
  compareAll(cases, await runWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, new Uint8Array(), inputs));
});
