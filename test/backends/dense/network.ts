import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import { attention } from "../../../src/ir/ops/attention.ts";
import { constant, returnOp } from "../../../src/ir/ops/control.ts";
import { conv, convTranspose } from "../../../src/ir/ops/convolution.ts";
import { linear, matmul } from "../../../src/ir/ops/linear.ts";
import { reshape, transpose } from "../../../src/ir/ops/movement.ts";
import { pool } from "../../../src/ir/ops/window.ts";
import { randomTensor } from "../../../src/ir/sample.ts";

/** Every dense op in one network, with shapes that fill no vector. */
export function denseNetwork(): Graph {
  const image = new Value({ dtype: "f32", shape: [1, 3, 21, 19] }, "image");
  const graph = new Graph("dense", [image]);
  const b = new Builder(graph.ops);
  let seed = 1;
  const weights = (shape: readonly number[], fan: number): Value =>
    b.create(constant, {}, { value: randomTensor({ dtype: "f32", shape }, seed++, [-1.7 / Math.sqrt(fan), 1.7 / Math.sqrt(fan)]) });
  const layer = (x: Value, outputs: number, kernel: number, attrs: Record<string, unknown> = {}, residual?: Value): Value => {
    const cin = (x.type.shape[1] as number) / ((attrs["groups"] as number | undefined) ?? 1);
    const parameters = { w: weights([outputs, cin, kernel, kernel], cin * kernel * kernel), bias: weights([outputs], 1) };
    return b.create(conv, { x, ...parameters, residual }, { pads: Array(4).fill((kernel - 1) / 2) as number[], ...attrs });
  };
  const stem = layer(image, 20, 3, { activation: "relu" });
  const deep = layer(layer(stem, 20, 3, { activation: "clip", alpha: 0, beta: 6 }), 20, 3, { activation: "leakyRelu", alpha: 0.1 }, stem);
  const filtered = layer(deep, 20, 5, { groups: 20, strides: [2, 2], activation: "hardSwish" });
  const grouped = layer(filtered, 24, 3, { groups: 4, dilations: [2, 2], pads: [2, 2, 2, 2], activation: "silu" });
  const grown = b.create(convTranspose, { x: grouped, w: weights([24, 9, 4, 4], 24 * 4), bias: weights([9], 1) }, { strides: [2, 2], pads: [1, 1, 1, 1] });
  const pooled = b.create(
    pool,
    { x: b.create(pool, { x: grown }, { kind: "max", kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }) },
    { kind: "average", kernel: [2, 2], pads: [1, 0, 0, 1] },
  );
  const [, channels, rows, cols] = pooled.type.shape as [number, number, number, number];
  const tokens = b.create(transpose, { x: b.create(reshape, { x: pooled }, { shape: [1, channels, rows * cols] }) }, { perm: [0, 2, 1] });
  const project = (x: Value, n: number, attrs: Record<string, unknown> = {}): Value =>
    b.create(linear, { x, w: weights([n, x.type.shape.at(-1) as number], x.type.shape.at(-1) as number), bias: weights([n], 1) }, attrs);
  const heads = (x: Value): Value => b.create(transpose, { x: b.create(reshape, { x }, { shape: [1, rows * cols, 2, 11] }) }, { perm: [0, 2, 1, 3] });
  const [q, k, v] = [0, 1, 2].map(() => heads(project(tokens, 22))) as [Value, Value, Value];
  const mixed = b.create(attention, { q, k, v }, { causal: true });
  const wide = project(mixed, 37, { activation: "gelu" });
  const scores = b.create(matmul, { a: wide, b: b.create(transpose, { x: wide }, { perm: [0, 1, 3, 2] }) });
  b.createAll(returnOp, { values: [deep, scores] }, { names: ["deep", "scores"] });
  return graph;
}
