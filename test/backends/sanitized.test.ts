import { expect, test } from "vitest";
import { KernelBuilder, vector } from "../../src/kernel/build.ts";
import { printC } from "../../src/backends/c/print.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { target } from "../executors/targets.ts";
import { runSanitized } from "./cross-runner.ts";
import { filled, formCases } from "./form-cases.ts";
import { opCases } from "./op-cases.ts";
import { expectSame, interpretCases, programOf } from "./op-program.ts";

const hasGcc = (await findCompilers()).some((c) => c.family === "gcc" && c.machine.startsWith("x86_64"));

test.skipIf(!hasGcc && process.env.CI !== "true")(
  "printed C touches nothing outside its buffers and does nothing undefined (wants gcc on x86-64)",
  async () => {
    const profile = target("x86-64-v2");
    const cases = [...opCases(4, "exact"), ...formCases(4, "exact")];
    const { program, inputs } = programOf(cases);
    const outputs = await runSanitized(printC(program, profile), program, profile, new Uint8Array(), inputs);
    expect(outputs).toHaveLength(program.outputs.length);
    expectSame(program, interpretCases(cases), outputs);
  },
  300_000,
);

test.skipIf(!hasGcc && process.env.CI !== "true")("a read behind a buffer would be found", async () => {
  const b = new KernelBuilder("beyond", { lanes: 4, mode: "exact" });
  b.param("x", "f32", 8, "in");
  b.param("y", "f32", 4, "out");
  b.store(b.cursor("o", "y"), 0, b.load(vector("f32", 4), b.cursor("i", "x"), 8));
  const { program, inputs } = programOf([filled("beyond", b.finish())]);
  const profile = target("x86-64-v2");
  await expect(runSanitized(printC(program, profile), program, profile, new Uint8Array(), inputs)).rejects.toThrow("AddressSanitizer");
});
