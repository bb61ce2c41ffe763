import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { printC } from "../../../src/backends/c/print.ts";
import { C_FLAGS } from "../../../src/support/c-source.ts";
import { findCompilers } from "../../../src/support/node/compilers.ts";
import { target } from "../../executors/targets.ts";
import { formCases } from "../form-cases.ts";
import { opCases } from "../op-cases.ts";
import { expectSame, interpretCases, programOf } from "../op-program.ts";

const clang = (await findCompilers()).find((c) => c.family === "clang" && c.hasLld)?.command;

test.skipIf(!clang && process.env.CI !== "true")(
  "the same C through clang to WebAssembly gives the interpreter's bits (wants clang, lld)",
  async () => {
    const cases = [...opCases(4, "exact"), ...formCases(4, "exact")];
    const { program, inputs } = programOf(cases);
    const { sources, headers } = printC(program, target("wasm"));
    const folder = mkdtempSync(join(tmpdir(), "neo-oracle-"));
    for (const file of [...sources, ...headers]) writeFileSync(join(folder, file.name), file.text);
    const link = ["-nostdlib", "-Wl,--no-entry", "-Wl,--initial-memory=4194304"];
    const { status, stderr } = spawnSync(
      clang!,
      ["--target=wasm32", "-msimd128", "-mnontrapping-fptoint", ...C_FLAGS, "-ffp-contract=off", "model.c", "-o", "model.wasm", ...link],
      { cwd: folder, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
    const code = readFileSync(join(folder, "model.wasm"));
    rmSync(folder, { recursive: true });

    const { instance } = (await WebAssembly.instantiate(code, {})) as unknown as WebAssembly.WebAssemblyInstantiatedSource;
    const exports = instance.exports as unknown as { memory: WebAssembly.Memory; model_run: (...args: number[]) => void };
    // Behind clang's stack and constants, which begin at the lower end.
    let top = 1 << 21;
    const place = (bytes: number): number => (top += (bytes + 255) & -128) - ((bytes + 255) & -128);
    const bytes = new Uint8Array(exports.memory.buffer);
    const words = new Uint32Array(exports.memory.buffer);
    const [inputTable, outputTable] = [place(4 * inputs.length), place(4 * program.outputs.length)];
    inputs.forEach((input, i) => bytes.set(input, (words[inputTable / 4 + i] = place(input.length))));
    const outputs = program.outputs.map((port, i) => (words[outputTable / 4 + i] = place(port.bytes)));
    exports.model_run(0, inputTable, outputTable, 0);
    expectSame(
      program,
      interpretCases(cases),
      outputs.map((at, i) => bytes.slice(at, at + program.outputs[i]!.bytes)),
    );
  },
  300_000,
);
