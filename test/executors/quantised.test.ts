import { expect, test } from "vitest";
import { nativeTest } from "../backends/host-compilers.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { leakyRelu } from "../../src/ir/ops/activation.ts";
import { add } from "../../src/ir/ops/arithmetic.ts";
import { constant, returnOp } from "../../src/ir/ops/control.ts";
import { dequantise, quantise } from "../../src/ir/ops/conversion.ts";
import { conv } from "../../src/ir/ops/convolution.ts";
import { concat } from "../../src/ir/ops/movement.ts";
import { reduce } from "../../src/ir/ops/reduction.ts";
import { resize } from "../../src/ir/ops/resize.ts";
import { pool } from "../../src/ir/ops/window.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { tensorType, type DType, type StaticType } from "../../src/ir/types.ts";
import { Executors, type Executor } from "./executors.ts";

/** Everything between quantisers that is no product of its own, over one conv. */
function graphOf(dtype: "u8" | "i8"): Graph {
  const graph = new Graph("quantised", [new Value(tensorType("f32", [1, 3, 12, 10]), "image")]);
  const b = new Builder(graph.ops);
  const one = (of: DType, value: number): Value => b.create(constant, {}, { value: tensor(of, [], [value]) });
  const middle = dtype === "u8" ? 117 : 5;
  const stored = (x: Value, scale: number, zero = middle): Value => {
    const [s, zeroPoint] = [one("f32", scale), one(dtype, zero)];
    return b.create(dequantise, { x: b.create(quantise, { x, scale: s, zeroPoint }, { to: dtype, axis: 0 }), scale: s, zeroPoint }, { axis: 0 });
  };
  const image = stored(graph.params[0]!, 0.0131);
  const weights = b.create(constant, {}, { value: randomTensor(tensorType("i8", [19, 3, 3, 3]) as StaticType, 3, [-90, 90]) });
  const w = b.create(dequantise, { x: weights, scale: one("f32", 0.0021) }, { axis: 0 });
  const features = stored(b.create(conv, { x: image, w }, { pads: [1, 1, 1, 1] }), 0.0173);
  const pooled = stored(b.create(pool, { x: features }, { kind: "average", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), 0.011);
  const grown = stored(b.create(resize, { x: pooled }, { shape: [1, 19, 12, 10], scales: [1, 1, 2, 2], mode: "linear" }), 0.011);
  const bent = stored(b.create(resize, { x: pooled }, { shape: [1, 19, 12, 10], scales: [1, 1, 2, 2], mode: "cubic" }), 0.011);
  const sum = stored(b.create(add, { a: grown, b: features }), 0.0197, middle - 1);
  const active = stored(b.create(leakyRelu, { x: sum }, { alpha: 0.1 }), 0.0151);
  const joined = stored(b.create(concat, { xs: [active, features, bent] }, { axis: 1 }), 0.0167);
  const means = stored(b.create(reduce, { x: joined }, { kind: "mean", axes: [2, 3] }), 0.0049);
  b.create(returnOp, { values: [grown, bent, joined, means] }, { names: ["grown", "bent", "joined", "means"] });
  return graph;
}

async function expectSameBits(executor: Executor, dtype: "u8" | "i8"): Promise<void> {
  const executors = new Executors(graphOf(dtype), { flags: ["-O1"] });
  const input = [randomTensor(tensorType("f32", [1, 3, 12, 10]) as StaticType, 8, [-1.5, 1.5])];
  executors.optimize();
  const wanted = await executors.run("interpreter", input);
  const got = await executors.run(executor, input);
  wanted.forEach(({ data }, i) => expect(got[i]!.data).toEqual(data));
}

test.each(["u8", "i8"] as const)("%s between quantisers has the interpreter's bits in WebAssembly", (dtype) => expectSameBits("wasm", dtype));
nativeTest.each(["u8", "i8"] as const)("%s between quantisers has the interpreter's bits natively", (dtype) => expectSameBits("native", dtype));
