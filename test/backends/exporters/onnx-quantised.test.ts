import { describe, expect, test } from "vitest";
import { exportOnnx, onnxModel } from "../../../src/backends/exporters/onnx.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { constant, returnOp } from "../../../src/ir/ops/control.ts";
import { storageCast } from "../../../src/ir/ops/conversion.ts";
import { linear } from "../../../src/ir/ops/linear.ts";
import { randomTensor } from "../../../src/ir/sample.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { tensorType } from "../../../src/ir/types.ts";
import { DEFAULT_OPTIONS, runPasses } from "../../../src/passes/pass.ts";
import { SIMPLIFY } from "../../../src/passes/pipelines.ts";
import { loadReference } from "../../frontends/onnx/reference.ts";
import { difference } from "./op-regions.ts";
import { onnxQuantisedRegions, quantisedRegions } from "./quantised-regions.ts";

const reference = await loadReference();
const EXACT = { abs: 0, rel: 0 };
const REGIONS = [...quantisedRegions(["i8", "u8"], "onnx"), ...onnxQuantisedRegions()];

describe("regions of stored integers", () => {
  test.each(REGIONS)("$title: our own reader makes the same integers of it", ({ graph, inputs }) => {
    const again = importModel(exportOnnx(graph), { fileName: "region.onnx", shapes: {} });
    runPasses(again, SIMPLIFY, DEFAULT_OPTIONS);
    expect(again.outputs.map((value) => value.type.dtype)).toEqual(graph.outputs.map((value) => value.type.dtype));
    expect(difference(interpret(again, inputs), interpret(graph, inputs), EXACT)).toBe("");
  });

  // Its sums of u8 times i8 saturate at 16 bits on processors without VNNI, unless it is asked for precision, which takes its optimizer.
  const exact = REGIONS.filter(({ title }) => title !== "sums of linear u8");

  test.skipIf(!reference).each(exact)("$title: ONNX Runtime makes the same integers of it (wants onnxruntime-node)", async ({ graph, inputs }) => {
    const got = await reference!(exportOnnx(graph), { x: inputs[0]! }, ["y"]);
    expect(difference(got, interpret(graph, inputs), EXACT)).toBe("");
  });

  test("two products have zero points of their own: ONNX Runtime stumbles where weights share them (wants onnxruntime-node)", async () => {
    const graph = new Graph("two", [new Value(tensorType("u8", [1, 4]), "x")]);
    const b = new Builder(graph.ops);
    let y = graph.params[0]!;
    for (const seed of [1, 2]) {
      const weights = b.create(constant, {}, { value: randomTensor({ dtype: "i8", shape: [4, 4] }, seed, [-100, 100]) });
      const [x, w] = [
        b.create(storageCast, { x: y }, { scale: [0.1], zeroPoint: [3] }),
        b.create(storageCast, { x: weights }, { scale: [0.1], zeroPoint: [0] }),
      ];
      y = b.create(storageCast, { x: b.create(linear, { x, w }, { outDtype: "u8", outScale: [0.1], outZeroPoint: [3], rounding: "onnx" }) });
    }
    b.create(returnOp, { values: [y] }, { names: ["y"] });
    const points = onnxModel(graph).nodes.flatMap(({ type, inputs }) => (type === "DequantizeLinear" ? [inputs[2]] : []));
    expect(new Set(points).size).toBe(4);
    const x = tensor("u8", [1, 4], [3, 9, 200, 41]);
    if (reference) expect(difference(await reference(exportOnnx(graph), { x }, ["y"]), interpret(graph, [x]), EXACT)).toBe("");
  });

  test("results that round otherwise than ONNX are refused", () => {
    const [{ graph }] = quantisedRegions(["i8"], "tflite") as [(typeof REGIONS)[number]];
    expect(() => exportOnnx(graph)).toThrow("rounded as tflite does");
  });
});
