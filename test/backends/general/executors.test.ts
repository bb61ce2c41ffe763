import { describe, expect, test } from "vitest";
import { lower } from "../../../src/backends/lower.ts";
import { printC } from "../../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../../src/backends/wasm/emit.ts";
import { WeightPool } from "../../../src/backends/weight-pool.ts";
import { type Op } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { decodeData, encodeData, type Tensor } from "../../../src/ir/tensor.ts";
import { elementCount, type StaticType } from "../../../src/ir/types.ts";
import { interpretProgram } from "../../../src/kernel/interpret-program.ts";
import { findCompilers } from "../../../src/support/node/compilers.ts";
import { compileC } from "../../../src/support/node/toolchain.ts";
import { runNative } from "../../executors/native.ts";
import { target } from "../../executors/targets.ts";
import { runWasm } from "../../executors/wasm.ts";
import { sampleGraph } from "./sample-graph.ts";

function expectNear(ops: readonly Op[], wanted: readonly Tensor[], got: readonly Tensor[]): void {
  const wrong: string[] = [];
  let at = 0;
  for (const op of ops) {
    for (const result of op.results) {
      const [w, g] = [wanted[at]!.data as ArrayLike<number | bigint>, got[at]!.data as ArrayLike<number | bigint>];
      at++;
      const { dtype } = result.type;
      const { abs, rel } = dtype === "f16" ? { abs: 2e-3, rel: 2e-3 } : dtype === "bf16" ? { abs: 1e-2, rel: 1e-2 } : op.def.tolerance;
      const bad = Array.from(w).findIndex(
        (want, i) =>
          !(
            Object.is(g[i], want) ||
            g[i] === want ||
            (typeof want === "number" && Math.abs((g[i] as number) - want) <= 1e-7 + 2 * (abs + rel * Math.abs(want)))
          ),
      );
      if (bad >= 0)
        wrong.push(
          `${op.name} ${dtype} of ${op.operands.map((v) => v && `${(v.type.shape as number[]).join("x")}x${v.type.dtype}`).join(", ")} ${JSON.stringify(op.attrs)}: element ${bad} is ${g[bad]}, want ${w[bad]}`,
        );
    }
  }
  expect(wrong).toEqual([]);
}

const hasCompiler = (await findCompilers()).length > 0;
if (!hasCompiler && process.env["CI"] !== "true") console.warn("no C compiler: native kernels are skipped");

describe("every op's samples, as kernels", () => {
  const { graph, inputs, ops } = sampleGraph();
  const wanted = interpret(graph, inputs);
  const bytes = inputs.map((tensor) => encodeData(tensor.type.dtype, tensor.data));
  const decode = (outputs: readonly Uint8Array[]): Tensor[] =>
    outputs.map((out, i) => {
      const type = graph.outputs[i]!.type as StaticType;
      return { type, data: decodeData(type.dtype, out, elementCount(type.shape)) };
    });

  test.each(["host", "wasm"])("interpreted, as lowered for %s", { timeout: 120_000 }, async (name) => {
    const pool = new WeightPool();
    const { program } = lower(graph, target(name), pool);
    expectNear(ops, wanted, decode(await interpretProgram(program, pool.bytes(), bytes)));
  });

  test("in WebAssembly", { timeout: 120_000 }, async () => {
    const pool = new WeightPool();
    const { program } = lower(graph, target("wasm"), pool);
    expectNear(ops, wanted, decode(await runWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, pool.bytes(), bytes)));
  });

  test.skipIf(!hasCompiler && process.env["CI"] !== "true")("as native code", { timeout: 300_000 }, async () => {
    const pool = new WeightPool();
    const { program } = lower(graph, target("host"), pool);
    const { sources, headers } = printC(program, target("host"));
    const { bytes: object } = await compileC(sources, target("host"), { headers });
    expectNear(ops, wanted, decode(await runNative(object, program, pool.bytes(), bytes)));
  });
});
