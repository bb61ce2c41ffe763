import { expect, test } from "vitest";
import { describeModel, importModel, type ImportOptions } from "../../../src/frontends/index.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { printGraph } from "../../../src/ir/text/print.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { expectRefused } from "../onnx/refused.ts";

const TEXT = `// after import
graph @net(%x: tensor<?Nx4xf32>, %scale: tensor<f32>) -> (tensor<?Nx4xf32>) {
  %y = mul %x, %scale : tensor<?Nx4xf32> loc("node 1")
  return %y {names = ["out/y"]}
}
`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (options: Partial<ImportOptions> = {}, text = TEXT) => importModel(bytes(text), { fileName: "m.nir", ...options });

test("a graph in text form is a model: dims are bound by name or by whole shapes", () => {
  for (const shapes of [{ N: 2 }, { x: [2, 4] }]) {
    const graph = read({ shapes });
    expect(graph.outputs[0]!.type.shape).toEqual([2, 4]);
    const [y] = interpret(graph, [tensor("f32", [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), tensor("f32", [], [2])]);
    expect([...(y!.data as Float32Array)]).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
  }
});

test("an input becomes a constant with --set", () => {
  const graph = read({ shapes: { N: 1 }, constants: { scale: tensor("f32", [], [3]) } });
  expect(graph.params.map((param) => param.name)).toEqual(["x"]);
  expect([...(interpret(graph, [tensor("f32", [1, 4], [1, 2, 3, 4])])[0]!.data as Float32Array)]).toEqual([3, 6, 9, 12]);
});

test("what is printed is read to the same text", () => {
  const text = printGraph(read({ shapes: { N: 1 } }));
  expect(printGraph(read({}, text))).toBe(text);
});

test("it describes itself", () => {
  expect(describeModel(bytes(TEXT), "m.nir")).toMatchObject({
    format: "nir",
    inputs: [
      { name: "x", dtype: "f32", dims: ["N", 4] },
      { name: "scale", dims: [] },
    ],
    outputs: [{ name: "out/y", dims: ["N", 4] }],
    nodes: 1,
    opCounts: { mul: 1 },
  });
});

test("open dims, several graphs and broken text are refused", () => {
  expectRefused("NEO2003", () => read());
  expectRefused("NEO2051", () => read({}, TEXT + TEXT));
  expectRefused("NEO2050", () => read({}, TEXT.slice(0, 90)));
  expectRefused("NEO7001", () => read({ limits: { nodes: 1 } as never }));
});
