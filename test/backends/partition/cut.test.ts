import { expect, test } from "vitest";
import { defineAccelerator } from "../../../src/backends/accelerators/accelerator.ts";
import { cut } from "../../../src/backends/partition/cut.ts";
import { parseGraph } from "../../../src/ir/text/parse.ts";
import { printGraph } from "../../../src/ir/text/print.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { verify } from "../../../src/ir/verify.ts";

const SOME = defineAccelerator({
  name: "some",
  summary: "",
  exchange: "onnx",
  engine: "someEngine",
  dtypes: ["f32"],
  accepts: {},
  costs: { launchUs: 1, opUs: 1, macsPerUs: { f32: 1 }, bytesPerUs: 1, transferUs: 1, inBytesPerUs: 1, outBytesPerUs: 1 },
  options: { precision: "f32" },
});

const TEXT = `graph @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %c = constant {value = dense<[1, 2]> : tensor<2xf32>} : tensor<2xf32>
  %a = add %x, %c : tensor<2xf32> loc("/a")
  %b = mul %a, %c : tensor<2xf32> loc("/b")
  %d = sub %b, %a : tensor<2xf32> loc("/d")
  return %d, %b {names = ["y", "z"]}
}
`;

test("a region becomes one op with its own constants; the graph it comes from stays as it is", () => {
  const graph = parseGraph(TEXT);
  const before = printGraph(graph);
  const [, a, b, d] = graph.ops as [never, ...typeof graph.ops];
  const region = { name: "r0", accelerator: SOME, ops: [a!, b!], inputs: [graph.params[0]!], outputs: [a!.result, b!.result] };
  const made = cut(graph, { order: [a!, b!, d!], regions: [region] });
  expect(printGraph(graph)).toBe(before);
  expect(verify(made)).toEqual([]);
  expect(printGraph(made)).toMatchInlineSnapshot(`
    "graph @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
      %a, %b = region %x {region = "r0", accelerator = "some", engine = "someEngine", options = ["precision=f32"]} body @r0(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
        %c = constant {value = dense<[1, 2]> : tensor<2xf32>} : tensor<2xf32>
        %a = add %x, %c : tensor<2xf32> loc("/a")
        %b = mul %a, %c : tensor<2xf32> loc("/b")
        return %a, %b {names = ["a", "b"]}
      } : tensor<2xf32>, tensor<2xf32> loc("r0")
      %d = sub %b, %a : tensor<2xf32> loc("/d")
      return %d, %b {names = ["y", "z"]}
    }
    "
  `);
  expect(printGraph(parseGraph(printGraph(made)))).toBe(printGraph(made));
  const x = tensor("f32", [2], [3, 5]);
  expect(interpret(made, [x])).toEqual(interpret(graph, [x]));
});
