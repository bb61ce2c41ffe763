import { expect, test } from "vitest";
import { extract } from "../../src/ir/extract.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { printGraph } from "../../src/ir/text/print.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { verify } from "../../src/ir/verify.ts";

const TEXT = `graph @net(%x: tensor<2xf32>) -> (tensor<2xf32>) {
  %w = constant {value = dense<[2, 3]> : tensor<2xf32>} : tensor<2xf32>
  %a = mul %x, %w : tensor<2xf32> loc("scale")
  %0 = neg %a : tensor<2xf32> loc("turn")
  %1 = add %0, %a : tensor<2xf32> loc("turn")
  return %1
}
`;

function parts(from: number, to: number, options = {}) {
  const graph = parseGraph(TEXT);
  const before = printGraph(graph);
  const part = extract(graph.ops.slice(from, to), "part", options);
  expect(printGraph(graph), "the graph stays as it is").toBe(before);
  expect(verify(graph)).toEqual([]);
  expect(verify(part.graph)).toEqual([]);
  return part;
}
const names = (values: readonly { name: string }[]): string[] => values.map(({ name }) => name);

test("constants come along, what is read from outside becomes a parameter", () => {
  const { graph, params, results } = parts(1, 2);
  expect([names(params), names(results), names(graph.params)]).toEqual([["x"], ["a"], ["x"]]);
  expect([...(interpret(graph, [tensor("f32", [2], [5, 7])])[0]!.data as Float32Array)]).toEqual([10, 21]);
});

test("results are what others read, or all", () => {
  expect(names(parts(1, 3).results)).toEqual(["a", ""]);
  expect(parts(2, 4).results).toHaveLength(1);
  expect(parts(2, 4, { all: true }).results).toHaveLength(2);
});

test("apart, every op reads parameters only", () => {
  const { graph, params } = parts(1, 4, { apart: true, all: true });
  expect(names(graph.params)).toEqual(["x", "a", "turn"]);
  expect(params).toHaveLength(3);
  const [x, a, turn] = [1, 10, 100].map((value) => tensor("f32", [2], [value, value]));
  expect(interpret(graph, [x!, a!, turn!]).map(({ data }) => Number(data[0]))).toEqual([2, -10, 110]);
});

test("names of parameters and results are unique and survive the text form", () => {
  const { graph } = parts(2, 4, { all: true });
  expect(graph.terminator.attrs["names"]).toEqual(["turn", "turn_1"]);
  expect(printGraph(parseGraph(printGraph(graph)))).toBe(printGraph(graph));
});
