import { describe, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { target } from "../executors/targets.ts";
import { hasEmulator, runEmulated } from "./cross-runner.ts";
import { opCases } from "./op-cases.ts";
import { formCases } from "./form-cases.ts";
import { expectSame, interpretCases, programOf } from "./op-program.ts";

const crossCompiler = (await findCompilers()).some((c) => c.family === "clang" && c.hasLld);

/** A slow machine under load needs them. */
const MINUTES = 300_000;

describe.each(["arm64", "armv7", "riscv64"])("every op and form on %s", (name) => {
  const profile = target(name);
  const ready = crossCompiler && hasEmulator(profile);

  test.skipIf(!ready && process.env.CI !== "true")(
    "gives the interpreter's bits under qemu-user (wants clang, lld, qemu-user)",
    async () => {
      // The vector unit of 32-bit Arm takes numbers below 2^-126 for 0, and has no other mode.
      const lanes = profile.vectorBytes / 4;
      const cases = [...opCases(lanes, "exact", name !== "armv7"), ...formCases(lanes, "exact")];
      const { program, inputs } = programOf(cases);
      expectSame(program, interpretCases(cases), await runEmulated(printC(program, profile), program, profile, new Uint8Array(), inputs));
    },
    MINUTES,
  );
});
