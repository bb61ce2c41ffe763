import { describe, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import * as expand from "../../src/kernel/expand.ts";
import { simplify } from "../../src/kernel/simplify.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { hostCompilers, nativeTest } from "../backends/host-compilers.ts";
import type { OpCase } from "../backends/op-cases.ts";
import { expectSame, interpretCases, programOf } from "../backends/op-program.ts";
import { runNative } from "../executors/native.ts";
import { target } from "../executors/targets.ts";
import { runWasm } from "../executors/wasm.ts";
import { mapKernel } from "./expansion-run.ts";
import { randomBuffers, randomKernel } from "./random-kernel.ts";
import { randomUnits } from "./random.ts";

const none = new Uint8Array();
const SPECIAL = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-40, -1e-40, 3e38, -3e38, 88.72, 88.73, -87.4, 0.5, 2, 1e6, 1e9];

/** Every expansion over numbers of all sizes, as vectors or scalars. */
function expansions(lanes: number): OpCase[] {
  const size = 256;
  const units = randomUnits(4 * size, 11);
  const numbers = (seed: number): Uint8Array => {
    const any = Float32Array.from(
      { length: size },
      (_, i) => SPECIAL[(i * seed) % (2 * SPECIAL.length)] ?? (units[(i * seed) % units.length]! - 0.5) * 2 ** ((i % 12) - 4),
    );
    return new Uint8Array(any.buffer);
  };
  return Object.entries(expand).map(([name, f]) => {
    const operands = name === "pow" ? 2 : 1;
    const kernel = mapKernel(`${name}_${lanes}`, lanes, size, operands, f as expand.Expansion, "exact");
    return { name, kernel, buffers: [...Array.from({ length: operands }, (_, i) => numbers(1 + 2 * i)), new Uint8Array(4 * size)] };
  });
}

/** Kernels of nested loops, as they are and simplified. The extent is bound to 2. */
function nests(): OpCase[] {
  return Array.from({ length: 30 }, (_, seed) => randomKernel(seed)).flatMap((random) => {
    const text = JSON.stringify(random, (key, value: unknown) => (key === "trips" && typeof value === "object" ? 2 : value));
    const kernel = { ...(JSON.parse(text) as typeof random), mode: "exact" as const };
    const { p, q, x, y } = randomBuffers(7);
    const buffers = [p, q, x, y].map((data) => new Uint8Array(data.buffer));
    return [
      { name: kernel.name, kernel, buffers },
      { name: `${kernel.name} simplified`, kernel: { ...simplify(kernel), name: `${kernel.name}_simple` }, buffers },
    ];
  });
}

describe("expansions and loop nests give the interpreter's bits", () => {
  nativeTest.each(hostCompilers)("as C by %s", async (compiler) => {
    const profile = target("host");
    const cases = [...expansions(profile.vectorBytes / 4), ...expansions(1), ...nests()];
    const { program, inputs } = programOf(cases);
    const { sources, headers } = printC(program, profile);
    const { bytes } = await compileC(sources, profile, { compiler, headers });
    expectSame(program, interpretCases(cases), await runNative(bytes, program, none, inputs));
  });

  test("as WebAssembly", async () => {
    const cases = [...expansions(4), ...expansions(1), ...nests()];
    const { program, inputs } = programOf(cases);
    expectSame(program, interpretCases(cases), await runWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, none, inputs));
  });
});
