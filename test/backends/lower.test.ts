import { expect, test } from "vitest";
import { isLowered, lower } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { targetByName } from "../../src/target-by-name.ts";

test("ops without a schedule are collected into one error", async () => {
  const graph = parseGraph("graph @two(%x: tensor<4xf32>) -> (tensor<4xf32>) {\n  %0 = neg %x : tensor<4xf32>\n  %1 = abs %0 : tensor<4xf32>\n  return %1\n}");
  const target = await targetByName("wasm");
  expect(() => lower(graph, target, new WeightPool(), [])).toThrow(
    expect.objectContaining({ code: "NEO3100", notes: [expect.objectContaining({ text: "neg" }), expect.objectContaining({ text: "abs" })] }),
  );
  expect(graph.ops.every(isLowered)).toBe(true);
});

test("an op of strings that nothing can do is named as that", async () => {
  const graph = parseGraph("graph @words(%x: tensor<2xstring>) -> (tensor<2xstring>) {\n  %0 = abs %x : tensor<2xstring>\n  return %0\n}");
  const target = await targetByName("wasm");
  expect(() => lower(graph, target, new WeightPool(), [])).toThrow(
    expect.objectContaining({ code: "NEO3100", notes: [expect.objectContaining({ text: "abs of strings" })] }),
  );
});
