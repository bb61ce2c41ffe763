import { expect, test } from "vitest";
import { lower } from "../../../src/backends/lower.ts";
import { WeightPool } from "../../../src/backends/weight-pool.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { relu, sigmoid } from "../../../src/ir/ops/activation.ts";
import { add, mul } from "../../../src/ir/ops/arithmetic.ts";
import { constant, returnOp } from "../../../src/ir/ops/control.ts";
import { conv } from "../../../src/ir/ops/convolution.ts";
import { concat, pad, slice } from "../../../src/ir/ops/movement.ts";
import { reduce } from "../../../src/ir/ops/reduction.ts";
import { resize } from "../../../src/ir/ops/resize.ts";
import { randomTensor } from "../../../src/ir/sample.ts";
import { decodeData, encodeData } from "../../../src/ir/tensor.ts";
import { elementCount, type StaticType } from "../../../src/ir/types.ts";
import { interpretProgram } from "../../../src/kernel/interpret-program.ts";
import { fuseElementwise } from "../../../src/passes/fuse-elementwise.ts";
import { target } from "../../executors/targets.ts";

/** Convolutions joined by everything that lets images through: gates, concats, slices, pads, resizes. */
function network(): Graph {
  const x = new Value({ dtype: "f32", shape: [1, 5, 9, 8] }, "x");
  const graph = new Graph("flow", [x]);
  const b = new Builder(graph.ops);
  let seed = 1;
  const weights = (...shape: number[]): Value => b.create(constant, {}, { value: randomTensor({ dtype: "f32", shape }, seed++, [-0.3, 0.3]) });
  const layer = (from: Value, outputs: number, kernel: number): Value =>
    b.create(conv, { x: from, w: weights(outputs, from.type.shape[1] as number, kernel, kernel) }, { pads: Array(4).fill((kernel - 1) / 2) as number[] });
  const first = b.create(relu, { x: layer(x, 20, 3) });
  const gate = b.create(sigmoid, { x: layer(b.create(reduce, { x: first }, { kind: "mean", axes: [2, 3] }), 20, 1) });
  const gated = b.create(mul, { a: first, b: gate });
  const low = b.create(slice, { x: gated }, { starts: [0, 0, 0, 0], sizes: [1, 8, 9, 8], steps: [1, 1, 1, 1] });
  const high = b.create(slice, { x: gated }, { starts: [0, 8, 0, 0], sizes: [1, 12, 9, 8], steps: [1, 1, 1, 1] });
  const joined = b.create(concat, { xs: [high, low, layer(gated, 7, 1)] }, { axis: 1 });
  const grown = b.create(resize, { x: joined }, { shape: [1, 27, 18, 16], scales: [1, 1, 2, 2] });
  const smooth = b.create(resize, { x: joined }, { shape: [1, 27, 18, 16], scales: [1, 1, 2, 2], mode: "linear" });
  const padded = b.create(pad, { x: b.create(add, { a: grown, b: smooth }) }, { low: [0, 0, 1, 2], high: [0, 0, 0, 1], mode: "reflect" });
  b.createAll(returnOp, { values: [layer(padded, 3, 3), gated] }, { names: ["y", "gated"] });
  return graph;
}

test.each(["x86-64-v4", "x86-64-v3", "arm64", "riscv64", "wasm"])("images flow from convolution to convolution on %s", async (name) => {
  const graph = network();
  const input = randomTensor(graph.params[0]!.type as StaticType, 5);
  const wanted = interpret(graph, [input]);
  fuseElementwise.run(graph, { verifyEach: false } as never);
  const pool = new WeightPool();
  const { program, calls } = lower(graph, target(name), pool);
  const outputs = await interpretProgram(program, pool.bytes(), [encodeData("f32", input.data)]);
  wanted.forEach(({ type, data }, i) => {
    const got = decodeData("f32", outputs[i]!, elementCount(type.shape)) as Float32Array;
    got.forEach((value, at) => expect(Math.abs(value - Number(data[at])), `output ${i} element ${at}`).toBeLessThan(1e-4));
  });
  // The image goes in, and two outputs come out: nothing between is laid out anew.
  if (name.startsWith("x86")) expect(calls.filter((call) => call.kernel.startsWith("copy_")).length).toBe(3);
});
