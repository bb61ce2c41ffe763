import { expect, test } from "vitest";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { float, node, value, writeOnnx, type GraphSpec } from "../../fixtures/onnx-writer.ts";
import { elements, f32, i64, importNode, parseOperand, runModel, runNode, type OneNode } from "./one-node.ts";

/** Operators that ONNX Runtime has not, or not yet: against their definition, worked out here. */

const shape = (t: Tensor | undefined): readonly number[] => t!.type.shape;

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got.length).toBe(wanted.length);
  got.forEach((x, i) => expect(x).toBeCloseTo(wanted[i]!, 4));
}

test("SwiGLU is a * sigmoid(alpha * a) * b", () => {
  const y = runNode({ op: "SwiGLU", inputs: [f32([2], 1, -2), f32([2], 0.5, 3)], attrs: { alpha: float(2) }, opset: 28 })[0];
  const gated = (a: number, b: number): number => (a / (1 + Math.exp(-2 * a))) * b;
  expectClose(elements(y), [gated(1, 0.5), gated(-2, 3)]);
});

test("CausalConvWithState convolves what came before, and gives back what the next run needs", () => {
  const [y, state] = runNode({
    op: "CausalConvWithState",
    inputs: [f32([1, 1, 2], 1, 2), f32([1, 1, 3], 100, 10, 1), f32([1], 0.5), f32([1, 1, 2], 7, 8)],
    outputs: ["f32", "f32"],
    opset: 27,
  });
  expect(elements(y)).toEqual([781.5, 812.5]);
  expect(elements(state)).toEqual([1, 2]);
  const [fresh] = runNode({ op: "CausalConvWithState", inputs: [f32([1, 1, 2], 1, 2), f32([1, 1, 3], 100, 10, 1)], outputs: ["f32", "f32"], opset: 27 });
  expect(elements(fresh)).toEqual([1, 12]);
});

/** The gated delta rule over one head pair, element by element. */
function gatedDelta(q: Tensor, k: Tensor, v: Tensor, decay: Tensor, beta: Tensor, width: number): { y: number[]; state: number[] } {
  const length = shape(q)[1]!;
  const state = new Array<number>(width * width).fill(0);
  const y = new Array<number>(length * 2 * width).fill(0);
  const [Q, K, V, D, B] = [q, k, v, decay, beta].map(elements) as [number[], number[], number[], number[], number[]];
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) state[i * width + j]! *= Math.exp(D[t * width + i]!);
    for (let j = 0; j < width; j++) {
      let known = 0;
      for (let i = 0; i < width; i++) known += K[t * width + i]! * state[i * width + j]!;
      for (let i = 0; i < width; i++) state[i * width + j]! += K[t * width + i]! * B[t]! * (V[t * width + j]! - known);
    }
    for (let head = 0; head < 2; head++)
      for (let j = 0; j < width; j++)
        for (let i = 0; i < width; i++) y[(t * 2 + head) * width + j]! += (Q[(t * 2 + head) * width + i]! * state[i * width + j]!) / Math.sqrt(width);
  }
  return { y, state };
}

for (const length of [3, 20])
  test(`LinearAttention with two query heads a key head over ${length} steps`, () => {
    const operand = (width: number, seed: number): Tensor => parseOperand(`1x${length}x${width}xf32 in -0.5..0.5`, seed);
    const [q, k, v, decay, beta] = [operand(6, 1), operand(3, 2), operand(3, 3), operand(3, 4), operand(1, 5)] as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const spec: OneNode = {
      op: "LinearAttention",
      inputs: [q, k, v, null, decay, beta],
      attrs: { q_num_heads: 2, kv_num_heads: 1 },
      outputs: ["f32", "f32"],
      opset: 27,
    };
    const [y, state] = runNode(spec);
    const wanted = gatedDelta(q, k, v, decay, beta, 3);
    expectClose(elements(y), wanted.y);
    expectClose(elements(state), wanted.state);
    expect(importNode(spec).ops.some((op) => op.name === "scan")).toBe(length > 16);
  });

test("BatchNormalization in training mode takes the moments of the batch and moves the given ones", () => {
  const [y, mean, variance] = runNode({
    op: "BatchNormalization",
    inputs: [f32([2, 1, 1], 1, 3), f32([1], 2), f32([1], 5), f32([1], 10), f32([1], 4)],
    attrs: { training_mode: 1, epsilon: float(0), momentum: float(0.5) },
    outputs: ["f32", "f32", "f32"],
    opset: 15,
  });
  expectClose(elements(y), [3, 7]);
  expect([elements(mean), elements(variance)]).toEqual([[6], [2.5]]);
});

test("Dropout in training mode with a ratio of 0 drops nothing; with another it is refused", () => {
  const inputs = (ratio: number): OneNode["inputs"] => [f32([2], 1, 2), f32([], ratio), tensor("bool", [], [1])];
  const [y, mask] = runNode({ op: "Dropout", inputs: inputs(0), outputs: ["f32", "bool"], opset: 13 });
  expect([elements(y), elements(mask)]).toEqual([
    [1, 2],
    [1, 1],
  ]);
  expect(() => importNode({ op: "Dropout", inputs: inputs(0.5), outputs: ["f32"], opset: 13 })).toThrow(expect.objectContaining({ code: "NEO2005" }));
});

test("BitCast takes the bits, whatever they stood for", () => {
  expect(elements(runNode({ op: "BitCast", inputs: [f32([2], 1, -2)], attrs: { to: 6 }, outputs: ["i32"], opset: 26 })[0])).toEqual([0x3f800000, -0x40000000]);
  expect(elements(runNode({ op: "BitCast", inputs: [tensor("u16", [1], [0x3c00])], attrs: { to: 10 }, outputs: ["f16"], opset: 26 })[0])).toEqual([1]);
  expect(() => importNode({ op: "BitCast", inputs: [f32([1], 1)], attrs: { to: 7 }, outputs: ["i64"], opset: 26 })).toThrow(
    expect.objectContaining({ code: "NEO2005" }),
  );
});

test("TensorScatter writes at each batch's own place, round the end where it is circular", () => {
  const spec = (mode: string): OneNode => ({
    op: "TensorScatter",
    inputs: [f32([2, 3, 1], 1, 2, 3, 4, 5, 6), f32([2, 2, 1], 10, 20, 30, 40), i64(1, mode === "circular" ? 2 : 0)],
    attrs: { mode },
    opset: 24,
  });
  expect(elements(runNode(spec("linear"))[0])).toEqual([1, 10, 20, 30, 40, 6]);
  expect(elements(runNode(spec("circular"))[0])).toEqual([1, 10, 20, 40, 5, 30]);
});

test("optionals are there or not when a model is imported", () => {
  expect(elements(runNode({ op: "OptionalHasElement", inputs: [f32([1], 1)], outputs: ["bool"], opset: 18 })[0])).toEqual([1]);
  expect(elements(runNode({ op: "OptionalHasElement", inputs: [], outputs: ["bool"], opset: 18 })[0])).toEqual([0]);
  expect(elements(runNode({ op: "OptionalGetElement", inputs: [f32([1], 4)], opset: 18 })[0])).toEqual([4]);
});

test("one step of each optimizer", () => {
  const turn = (op: string, memories: number, attrs: OneNode["attrs"], t = 3): number[] => {
    const inputs = [f32([], 0.5), tensor("i64", [], [t]), f32([1], 2), f32([1], 3), ...[f32([1], 4), f32([1], 5)].slice(0, memories)];
    return runNode({ op, inputs, attrs: attrs ?? {}, domain: "ai.onnx.preview.training", outputs: new Array<"f32">(1 + memories).fill("f32") }).map(
      (y) => elements(y)[0]!,
    );
  };
  // Gradient 3 and a tenth of x: 3.2
  const norm = { norm_coefficient: float(0.1) };
  const squares = 4 + 3.2 ** 2;
  expectClose(turn("Adagrad", 1, { ...norm, decay_factor: float(1), epsilon: float(0) }), [2 - ((0.5 / 4) * 3.2) / Math.sqrt(squares), squares]);
  const moving = 0.5 * 4 + 0.25 * 3.2;
  expectClose(turn("Momentum", 1, { ...norm, alpha: float(0.5), beta: float(0.25), mode: "standard" }), [2 - 0.5 * moving, moving]);
  expectClose(turn("Momentum", 1, { ...norm, alpha: float(0.5), beta: float(0.25), mode: "nesterov" }), [2 - 0.5 * (3.2 + 0.5 * moving), moving]);
  expectClose(turn("Momentum", 1, { ...norm, alpha: float(0.5), beta: float(0.25), mode: "standard" }, 0), [2 - 0.5 * (2 + 3.2), 2 + 3.2]);
  const [v, h] = [0.5 * 4 + 0.5 * 3.2, 0.75 * 5 + 0.25 * 3.2 ** 2];
  const rate = (0.5 * Math.sqrt(1 - 0.75 ** 3)) / (1 - 0.5 ** 3);
  expectClose(turn("Adam", 2, { ...norm, alpha: float(0.5), beta: float(0.75), epsilon: float(0.1) }), [2 - (rate * v) / (Math.sqrt(h) + 0.1), v, h]);
});

test("FlexAttention lays its two graphs open between scores, weights and values", () => {
  const change = (op: string): { graph: GraphSpec } => ({
    graph: { nodes: [node(op, ["a", "c"], ["b"])], inputs: [value("a", "f32")], outputs: [value("b", "f32")] },
  });
  const initializers = { q: f32([1, 2, 1, 1], 1, 2), k: f32([1, 1, 2, 1], 3, 5), v: f32([1, 1, 2, 1], 10, 20), c: f32([1, 1, 1, 2], 1, 0.5) };
  const attrs = { scale: float(0.5), score_mod: change("Add"), prob_mod: change("Mul") };
  const nodes = [node("FlexAttention", ["q", "k", "v"], ["y"], attrs, { domain: "ai.onnx.preview" })];
  const opsets = [{ version: 26 }, { domain: "ai.onnx.preview", version: 1 }];
  const [y] = runModel(writeOnnx({ nodes, initializers, outputs: [value("y", "f32")], opsets }), {});
  const row = (q: number): number => {
    const [a, b] = [Math.exp(q * 3 * 0.5 + 1), Math.exp(q * 5 * 0.5 + 0.5)];
    return (10 * a + 20 * 0.5 * b) / (a + b);
  };
  expectClose(elements(y), [row(1), row(2)]);
});
