import { describe, expect, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { probeMachine } from "../../src/support/node/probe.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { runNative } from "../executors/native.ts";
import { target } from "../executors/targets.ts";
import { runWasm } from "../executors/wasm.ts";
import { hostCompilers, nativeTest } from "./host-compilers.ts";
import { formCases } from "./form-cases.ts";
import { opCases } from "./op-cases.ts";
import { expectSame, interpretCases, programOf } from "./op-program.ts";

const machine = probeMachine();
const none = new Uint8Array();

describe.skipIf(machine.arch !== "x86_64").each(["x86-64-v2", "x86-64-v3", "x86-64-v4"])("every op and form as C for %s", (name) => {
  const profile = target(name);
  const lanes = profile.vectorBytes / 4;
  const cases = [...opCases(lanes, "exact"), ...formCases(lanes, "exact")];
  const { program, inputs } = programOf(cases);
  const runsHere = profile.arch === machine.arch && profile.cpuFeatures.every((feature) => machine.cpuFeatures.includes(feature));

  nativeTest.each(hostCompilers)(
    "%s gives the interpreter's bits, without warnings",
    async (compiler) => {
      const { sources, headers } = printC(program, profile);
      const { bytes, warnings } = await compileC(sources, profile, { compiler, headers, flags: ["-Wall", "-Wextra", "-Werror"] });
      expect(warnings).toBe("");
      if (runsHere) expectSame(program, interpretCases(cases), await runNative(bytes, program, none, inputs));
    },
    300_000,
  );
});

test("every op and form as WebAssembly gives the interpreter's bits", async () => {
  const cases = [...opCases(4, "exact"), ...formCases(4, "exact")];
  const { program, inputs } = programOf(cases);
  expectSame(program, interpretCases(cases), await runWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, none, inputs));
});
