import { describe, expect, test } from "vitest";
import { lower } from "../../../src/backends/lower.ts";
import { SCHEDULES } from "../../../src/backends/schedules/index.ts";
import { printC } from "../../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../../src/backends/wasm/emit.ts";
import { WeightPool } from "../../../src/backends/weight-pool.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value, type Op } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { operandSlot, type AnyOpDef, type Sample } from "../../../src/ir/op-def.ts";
import { returnOp } from "../../../src/ir/ops/control.ts";
import { decodeData, encodeData, type Tensor } from "../../../src/ir/tensor.ts";
import { elementCount, tensorType, type DType, type StaticType } from "../../../src/ir/types.ts";
import { interpretProgram } from "../../../src/kernel/interpret-program.ts";
import { findCompilers } from "../../../src/support/node/compilers.ts";
import { compileC } from "../../../src/support/node/toolchain.ts";
import { runNative } from "../../executors/native.ts";
import { target } from "../../executors/targets.ts";
import { runWasm } from "../../executors/wasm.ts";
import { operandsOf, type Operand } from "./lowered.ts";

/** Larger than samples: every branch of the schedules is taken. */
const LARGE: Readonly<Record<string, readonly Sample[]>> = {
  add: [
    { a: "3x37xf32", b: "37xf32" },
    { a: "70xi64", b: "70xi64" },
    { a: "70xu8", b: "70xu8" },
    { a: "70xi16", b: "1xi16" },
    { a: "70xf16", b: "70xf16" },
    { a: "70xbf16", b: "70xbf16" },
    { a: "9xf64", b: "9xf64" },
  ],
  div: [
    { a: "9xi32", b: "9xi32" },
    { a: "9xu32", b: "9xu32" },
    { a: "9xi64", b: "9xi64" },
    { a: "9xu64", b: "9xu64" },
  ],
  cast: [
    ...(["f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool"] as const).flatMap((from) =>
      (["f64", "f32", "f16", "bf16", "i64", "i32", "i8", "u64", "u32", "u16", "bool"] as const).map((to): Sample => ({ x: `21x${from}`, attrs: { to } })),
    ),
  ],
  transpose: [
    { x: "37x41xf32", attrs: { perm: [1, 0] } },
    { x: "3x5x17xu8", attrs: { perm: [2, 0, 1] } },
    { x: "5x6xi64", attrs: { perm: [1, 0] } },
  ],
  slice: [{ x: "3x50xf32", attrs: { starts: [2, 49], sizes: [3, 40], steps: [-1, -1] } }],
  concat: [{ xs: ["70xu8", "3xu8", "41xu8"], attrs: { axis: 0 } }],
  pad: [
    { x: "40xf16", attrs: { low: [3], high: [1], value: 1.5 } },
    { x: "9xi64", attrs: { low: [3], high: [1], value: -7 } },
    { x: "64xu8", attrs: { low: [4], high: [8], value: 200 } },
  ],
  reduce: (["sum", "mean", "prod", "min", "max", "l1", "l2", "logSumExp"] as const).flatMap((kind) =>
    [[1], [0], [0, 2]].map((axes) => ({ x: "18x37x19xf32 in 0.2..1.2", attrs: { kind, axes } })),
  ),
  softmax: [{ x: "3x50xf32" }, { x: "2x19x33xf32", attrs: { axis: 1 } }, { x: "3x50xf16" }],
  layerNorm: [{ x: "3x50xf32", scale: "50xf32", bias: "50xf32" }],
  argReduce: [
    { x: "21x40xf32", attrs: { axis: 0 } },
    { x: "4x30xi8", attrs: { axis: 0, keepDims: false } },
  ],
  topK: [
    { x: "3x100xf32", attrs: { k: 9 } },
    { x: "40xi64", attrs: { k: 40 } },
    { x: "5x33xf16", attrs: { k: 3, largest: false } },
  ],
  gather: [
    { x: "9x40xf32", indices: "2x3xi64 in -12..12", attrs: { axis: 0 } },
    { x: "9x70xu8", indices: "3xi32", attrs: { axis: 0 } },
  ],
  scatterNd: [
    { x: "9x40xf32", indices: "5x1xi64 in -12..12", updates: "5x40xf32", attrs: { reduction: "add" } },
    { x: "9x64xu8", indices: "5x1xi64", updates: "5x64xu8" },
  ],
  quantise: [{ x: "2x19x8xf32 in -9..9", scale: "19xf32 in 0.01..0.1", zeroPoint: "19xi8 in 0..3", attrs: { to: "i8", axis: 1 } }],
  dequantise: [{ x: "70xu8", scale: "f32 in 0.1..0.2", zeroPoint: "u8 in 3..9" }],
  resize: [
    { x: "1x19x4x5xf32", attrs: { shape: [1, 19, 9, 13], scales: [1, 1, 2.25, 2.6], mode: "cubic" } },
    { x: "1x3x40xu8", attrs: { shape: [1, 3, 17], scales: [1, 1, 17 / 40] } },
  ],
  lstm: [
    {
      x: "3x7x5xf32",
      w: "2x76x5xf32",
      r: "2x76x19xf32",
      bias: "2x152xf32",
      sequenceLengths: "7xi64 in 0..3",
      attrs: { hidden: 19, direction: "bidirectional" },
    },
  ],
  gru: [{ x: "3x1x5xf32", w: "1x99x5xf32", r: "1x99x33xf32", attrs: { hidden: 33 } }],
};

/** All samples of one graph: operands are its parameters, results its outputs. */
function graphOf(defs: readonly AnyOpDef[]): { readonly graph: Graph; readonly inputs: readonly Tensor[]; readonly ops: readonly Op[] } {
  const params: Value[] = [];
  const inputs: Tensor[] = [];
  const graph = new Graph("samples", []);
  const builder = new Builder(graph.ops);
  const ops: Op[] = [];
  for (const def of defs) {
    for (const sample of [...def.samples, ...(LARGE[def.name] ?? [])]) {
      const given = operandsOf(def, sample);
      if (
        Object.values(given)
          .flat()
          .some((o) => o && isPacked(o.type.dtype)) ||
        JSON.stringify(sample).includes('"i4"')
      )
        continue;
      const valueOf = (operand: Operand): Value => {
        const value = new Value(tensorType(operand.type.dtype, operand.type.shape), `x${params.length}`);
        params.push(value);
        inputs.push({ type: operand.type, data: operand.data });
        return value;
      };
      const values = Object.fromEntries(
        (def.operands as readonly string[]).map((declaration) => {
          const o = given[operandSlot(declaration).name];
          return [operandSlot(declaration).name, Array.isArray(o) ? o.map(valueOf) : o && valueOf(o)];
        }),
      );
      const results = builder.createAll(def, values, sample["attrs"] as never);
      ops.push(results[0]!.producer!);
    }
  }
  graph.params.push(...params);
  builder.createAll(
    returnOp,
    { values: ops.flatMap((op) => op.results) } as never,
    { names: ops.flatMap((op) => op.results.map((_, i) => `${op.name}${i}`)) } as never,
  );
  return { graph, inputs, ops };
}

function isPacked(dtype: DType): boolean {
  return dtype === "i4" || dtype === "u4" || dtype === "string";
}

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

const DEFS = SCHEDULES.flatMap((schedule) => schedule.ops).filter((def) => def.samples.length > 0);
const hasCompiler = (await findCompilers()).length > 0;
if (!hasCompiler && process.env["CI"] !== "true") console.warn("no C compiler: native kernels are skipped");

describe("every op's samples, as kernels", () => {
  const { graph, inputs, ops } = graphOf(DEFS);
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
