import { describe, expect, test } from "vitest";
import { exportOnnx } from "../../../src/backends/exporters/onnx.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { interpret } from "../../../src/ir/interpret.ts";
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

  test("results that round otherwise than ONNX are refused", () => {
    const [{ graph }] = quantisedRegions(["i8"], "tflite") as [(typeof REGIONS)[number]];
    expect(() => exportOnnx(graph)).toThrow("rounded as tflite does");
  });
});
