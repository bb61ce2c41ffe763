import { expect, test } from "vitest";
import { printC } from "../../src/backends/c/print.ts";
import { lower } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { optimize } from "../../src/compile.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { exp } from "../../src/ir/ops/arithmetic.ts";
import { constant, returnOp } from "../../src/ir/ops/control.ts";
import { gather } from "../../src/ir/ops/gather.ts";
import { matmul } from "../../src/ir/ops/linear.ts";
import { concat, reshape, transpose } from "../../src/ir/ops/movement.ts";
import { nonMaxSuppression } from "../../src/ir/ops/non-max-suppression.ts";
import { compress, nonZero, unique } from "../../src/ir/ops/selection.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { encodeData, tensor, type Tensor } from "../../src/ir/tensor.ts";
import { tensorType, type DType, type StaticType } from "../../src/ir/types.ts";
import { ProgramInstance } from "../../src/kernel/interpret-program.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { target } from "../executors/targets.ts";
import { runSanitized } from "./cross-runner.ts";

const hasGcc = (await findCompilers()).some((c) => c.family === "gcc" && c.machine.startsWith("x86_64"));

const INPUTS = [tensorType("bool", [23]), tensorType("f32", [23, 7]), tensorType("f32", [1, 23, 4]), tensorType("f32", [1, 2, 23])] as const;

/** What finds lengths, and kernels that stop at them, over tensors whose sizes no vector divides. */
function openGraph(): Graph {
  const graph = new Graph(
    "open",
    INPUTS.map((type, i) => new Value(type, `in${i}`)),
  );
  const b = new Builder(graph.ops);
  const [condition, x, boxes, scores] = graph.params as [Value, Value, Value, Value];
  const number = (dtype: DType, value: number): Value => b.create(constant, {}, { value: tensor(dtype, [], [value]) });
  const rows = b.create(compress, { x, condition }, { extent: "rows" });
  const columns = b.create(transpose, { x: rows }, { perm: [1, 0] });
  const places = b.create(reshape, { x: b.create(nonZero, { x: condition }, { extent: "found" }) }, { shape: [-1] });
  const picked = b.create(exp, { x: b.create(gather, { x, indices: places }, { axis: 0 }) });
  const kept = b.create(nonMaxSuppression, { boxes, scores, most: number("i64", 23), iou: number("f32", 0), least: number("f32", -1) }, { extent: "kept" });
  const values = [
    rows,
    b.create(concat, { xs: [columns, columns] }, { axis: 1 }),
    b.create(reshape, { x: columns }, { shape: [-1] }),
    b.create(matmul, { a: columns, b: rows }),
    picked,
    kept,
    ...b.createAll(unique, { x }, { extent: "distinct" }),
  ];
  b.create(returnOp, { values }, { names: values.map((_, i) => `out${i}`) });
  return graph;
}

const ones = (dtype: DType, shape: readonly number[], value: number): Tensor =>
  tensor(dtype, shape, new Array<number>(shape.reduce((n, d) => n * d, 1)).fill(value));
const random = INPUTS.map((type, i) => randomTensor(type as StaticType, 11 + i));

test.skipIf(!hasGcc && process.env.CI !== "true").each([
  ["some", random],
  ["nothing", [ones("bool", [23], 0), ...random.slice(1, 3), ones("f32", [1, 2, 23], -2)]],
  ["everything", [ones("bool", [23], 1), random[1]!, ones("f32", [1, 23, 4], 0), ones("f32", [1, 2, 23], 1)]],
])("code that finds lengths touches nothing outside its buffers when it finds %s (wants gcc on x86-64)", { timeout: 300_000 }, async (_name, inputs) => {
  const graph = openGraph();
  optimize(graph);
  const profile = target("x86-64-v2");
  const pool = new WeightPool();
  const { program } = lower(graph, profile, pool);
  const bytes = inputs.map(({ type, data }) => encodeData(type.dtype, data));
  const wanted = new ProgramInstance(program, pool.bytes()).run(bytes);
  const got = await runSanitized(printC(program, profile), program, profile, pool.bytes(), bytes);
  program.outputs.forEach((port, i) => {
    if (port.dtype !== "f32") return expect(Buffer.compare(got[i]!, wanted[i]!), port.name).toBe(0);
    const [a, b] = [new Float32Array(got[i]!.slice().buffer), new Float32Array(wanted[i]!.slice().buffer)];
    a.forEach((value, k) => expect(Math.abs(value - b[k]!), port.name).toBeLessThan(1e-4));
  });
});
