import { describe, expect, test } from "vitest";
import { lower } from "../../src/backends/lower.ts";
import { printC } from "../../src/backends/c/print.ts";
import { emitWasm, wasmMemoryPlan } from "../../src/backends/wasm/emit.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { returnOp } from "../../src/ir/ops/control.ts";
import { trees } from "../../src/ir/ops/trees.ts";
import { encodeData } from "../../src/ir/tensor.ts";
import { COMPARISONS, ensembleAttrs } from "../../src/ir/trees/ensemble.ts";
import { interpretProgram } from "../../src/kernel/interpret-program.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import { runNative } from "../executors/native.ts";
import { target } from "../executors/targets.ts";
import { runWasm } from "../executors/wasm.ts";
import { hardRows, randomForest, type Forest } from "../fixtures/random-trees.ts";

const F32 = { thresholds: "f32", weights: "f32" } as const;
const F64 = { thresholds: "f64", weights: "f64" } as const;
const forest = (more: Partial<Forest>): Forest => ({
  seed: 1,
  trees: 13,
  depth: 4,
  features: 9,
  targets: 1,
  comparisons: ["lt"],
  dtype: F32,
  stop: 0.1,
  leaves: "one",
  ...more,
});

const CASES: readonly { readonly name: string; readonly forest: Forest; readonly x?: "f32" | "f64"; readonly options?: object }[] = [
  { name: "like XGBoost, depth 6", forest: forest({ depth: 6, trees: 30, features: 21 }) },
  { name: "like XGBoost, ten classes", forest: forest({ depth: 5, trees: 50, targets: 10 }) },
  { name: "complete trees of depth 3", forest: forest({ depth: 3, stop: 0 }) },
  { name: "stumps and single leaves", forest: forest({ depth: 1, stop: 0.9, trees: 40 }) },
  { name: "deep, leaf-wise trees", forest: forest({ depth: 40, stop: 0.55, trees: 21 }) },
  { name: "like LightGBM", forest: forest({ depth: 12, stop: 0.3, comparisons: ["le", "memberTrunc"], dtype: F64, zeroIsMissing: true }), x: "f64" },
  { name: "like LightGBM on f32 rows", forest: forest({ depth: 9, stop: 0.3, comparisons: ["le"], dtype: F64 }) },
  { name: "every comparison", forest: forest({ depth: 7, comparisons: COMPARISONS, zeroIsMissing: true }) },
  { name: "every comparison in f64", forest: forest({ depth: 7, comparisons: COMPARISONS, zeroIsMissing: true, dtype: F64 }), x: "f64" },
  { name: "f32 thresholds of f64 rows", forest: forest({ comparisons: ["lt", "le", "gt", "ge", "eq"] }), x: "f64" },
  { name: "a vector a leaf, averaged", forest: forest({ targets: 3, leaves: "each" }), options: { aggregate: "average" } },
  { name: "base last", forest: forest({ trees: 31 }), options: { baseLast: true } },
  { name: "any entries", forest: forest({ targets: 3, leaves: "any" }) },
  { name: "any entries of one target", forest: forest({ leaves: "any", trees: 9 }) },
  { name: "the least of any entries", forest: forest({ targets: 5, leaves: "any", trees: 3 }), options: { aggregate: "min" } },
  { name: "the greatest", forest: forest({ targets: 2 }), options: { aggregate: "max" } },
  { name: "leaves", forest: forest({ depth: 6 }), options: { output: "leaves" } },
];

function graphOf(
  { forest: of, x = "f32", options = {} }: (typeof CASES)[number],
  rows: number,
): { readonly graph: Graph; readonly input: Float32Array | Float64Array } {
  const ensemble = randomForest(of);
  const graph = new Graph("forest", [new Value({ dtype: x, shape: [rows, of.features] }, "x")]);
  const b = new Builder(graph.ops);
  const y = b.create(trees, { x: graph.params[0]! }, { ...ensembleAttrs(ensemble), ...options });
  b.createAll(returnOp, { values: [y] }, { names: ["y"] });
  return { graph, input: hardRows(ensemble, x, rows, of.features, 5) };
}

/** What the interpreter of graphs gives, as bytes. */
function oracle(graph: Graph, input: Float32Array | Float64Array): Uint8Array {
  const [y] = interpret(graph, [{ type: graph.params[0]!.type as never, data: input }]);
  return encodeData(y!.type.dtype, y!.data);
}

function expectSameBytes(got: Uint8Array, wanted: Uint8Array): void {
  expect(got.length).toBe(wanted.length);
  expect(got.findIndex((byte, i) => byte !== wanted[i])).toBe(-1);
}

const bytesOf = (data: Float32Array | Float64Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const hasCompiler = (await findCompilers()).length > 0;
const ROWS = [1, 7, 700] as const;

describe.each(CASES)("$name", (of) => {
  test.each(["host", "wasm", "arm64"])("is exact as kernels for %s, interpreted", async (name) => {
    const { graph, input } = graphOf(of, 40);
    const pool = new WeightPool();
    const { program } = lower(graph, target(name), pool);
    expectSameBytes((await interpretProgram(program, pool.bytes(), [bytesOf(input)]))[0]!, oracle(graph, input));
  });

  test.each(ROWS)("is exact in WebAssembly, %i rows", async (rows) => {
    const { graph, input } = graphOf(of, rows);
    const pool = new WeightPool();
    const { program } = lower(graph, target("wasm"), pool);
    const [got] = await runWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, pool.bytes(), [bytesOf(input)]);
    expectSameBytes(got!, oracle(graph, input));
  });

  test.skipIf(!hasCompiler && process.env["CI"] !== "true")("is exact as native code", { timeout: 120_000 }, async () => {
    const { graph, input } = graphOf(of, 700);
    expectSameBytes(await native(graph, input, "host"), oracle(graph, input));
  });
});

async function native(graph: Graph, input: Float32Array | Float64Array, name: string): Promise<Uint8Array> {
  const pool = new WeightPool();
  const { program } = lower(graph, target(name), pool);
  const { sources, headers } = printC(program, target(name));
  const { bytes: object } = await compileC(sources, target(name), { headers });
  return (await runNative(object, program, pool.bytes(), [bytesOf(input)]))[0]!;
}

describe("131,072 rows with missing values, thresholds and their neighbours, infinities and numbers near zero", () => {
  const many: readonly (typeof CASES)[number][] = [
    { name: "of 40 trees, depth 6", forest: forest({ depth: 6, trees: 40, features: 21, bins: 200 }) },
    { name: "of trees with every comparison", forest: forest({ depth: 8, trees: 12, comparisons: COMPARISONS, zeroIsMissing: true }) },
    { name: "of three classes", forest: forest({ depth: 5, trees: 24, targets: 3, features: 16 }) },
    { name: "of f64", forest: forest({ depth: 6, trees: 20, comparisons: ["le", "memberTrunc"], dtype: F64 }), x: "f64" },
    { name: "of leaf-wise trees", forest: forest({ depth: 30, stop: 0.5, trees: 24, comparisons: ["le"], dtype: F64 }) },
  ];
  const ROWS = 131_072;
  test.each(many)("$name", { timeout: 240_000 }, async (of) => {
    const { graph, input } = graphOf(of, ROWS);
    const wanted = oracle(graph, input);
    const pool = new WeightPool();
    const { program } = lower(graph, target("wasm"), pool);
    const [inWasm] = await runWasm(await emitWasm(program, target("wasm")), wasmMemoryPlan(program), program, pool.bytes(), [bytesOf(input)]);
    expectSameBytes(inWasm!, wanted);
    if (!hasCompiler && process.env["CI"] !== "true") return;
    expectSameBytes(await native(graph, input, "host"), wanted);
    if (target("host").arch === "x86_64") expectSameBytes(await native(graph, input, "x86-64-v2"), wanted);
  });
});

test.each([1, 256])("code for %i rows does not grow with the model", (rows) => {
  const [small, large] = [100, 1000].map((count) => {
    const { graph } = graphOf({ name: "", forest: forest({ trees: count, depth: 6, features: 21, bins: 200 }) }, rows);
    const { program } = lower(graph, target("x86-64-v3"), new WeightPool());
    return JSON.stringify(printC(program, target("x86-64-v3")).sources).length;
  });
  expect(large! / small!).toBeLessThan(1.01);
});

test("few rows are walked, and many go through blocks", () => {
  const names = [1, 5, 50, 262].map((rows) => {
    const { graph } = graphOf({ name: "", forest: forest({ trees: 100, depth: 6, stop: 0, features: 50, bins: 200 }) }, rows);
    return lower(graph, target("x86-64-v3"), new WeightPool()).program.kernels.map((kernel) => /_(ranks|walk|blocks\d+)_/.exec(kernel.name)![1]);
  });
  expect(names).toEqual([["ranks"], ["ranks"], ["blocks64"], ["blocks256", "ranks"]]);
});
