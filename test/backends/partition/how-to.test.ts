import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { Accelerator } from "../../../src/backends/accelerators/accelerator.ts";
import { chosenAccelerators } from "../../../src/backends/accelerators/chosen.ts";
import { exportOnnx } from "../../../src/backends/exporters/onnx.ts";
import { applyPartition } from "../../../src/backends/partition/apply.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { randomTensor } from "../../../src/ir/sample.ts";
import { parseGraph } from "../../../src/ir/text/parse.ts";
import type { StaticType } from "../../../src/ir/types.ts";
import { targetByName } from "../../../src/target-by-name.ts";

/** The record of the page, from a file that holds what the page says and nothing else. */
async function recordOfThePage(): Promise<Accelerator> {
  const page = readFileSync(new URL("../../../docs/how-to-add-an-accelerator.md", import.meta.url), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(page)![1]!.replaceAll(/^ {3}/gm, "");
  const folder = mkdtempSync(fileURLToPath(new URL("./page-", import.meta.url)));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "tiny.ts"), code.replaceAll('from "./', 'from "../../../../src/backends/accelerators/'));
  return ((await import(join(folder, "tiny.ts"))) as { tiny: Accelerator }).tiny;
}

test("what docs/how-to-add-an-accelerator.md says makes a third accelerator", async () => {
  const tiny = await recordOfThePage();
  const [fast] = chosenAccelerators([{ name: "tiny", costs: { launchUs: 5 }, options: { threads: "2" } }], [tiny]);
  expect([fast!.costs.launchUs, fast!.costs.opUs, fast!.options["threads"]]).toEqual([5, 2, "2"]);
  const size = 512;
  const weights = `dense<0.001> : tensor<${size}x${size}xf32>`;
  const type = `tensor<64x${size}xf32>`;
  const graph = parseGraph(`graph @main(%x: ${type}) -> (${type}) {
  %w = constant {value = ${weights}} : tensor<${size}x${size}xf32>
  %a = linear %x, %w : ${type} loc("/fc1")
  %b = relu %a : ${type} loc("/relu")
  %c = sin %b : ${type} loc("/sin")
  %d = linear %c, %w : ${type} loc("/fc2")
  return %d {names = ["y"]}
}
`);
  const { graph: made, report } = applyPartition(graph, await targetByName("x86-64-v3"), [tiny]);
  expect(report.regions.map(({ accelerator, nodes }) => [accelerator, nodes])).toEqual([
    ["tiny", ["/fc1", "/relu"]],
    ["tiny", ["/fc2"]],
  ]);
  expect(report.cpuOps).toMatchObject([{ node: "/sin", code: "op", reason: "tiny does not take sin" }]);
  expect(report.whatIf).toMatchObject([{ op: "sin", code: "op", count: 1, joins: ["r0", "r1"] }]);
  const x = randomTensor({ dtype: "f32", shape: [64, size] } as StaticType, 1, [-1, 1]);
  expect(interpret(made, [x])).toEqual(interpret(graph, [x]));
  for (const op of made.ops.filter(({ name }) => name === "region")) {
    expect(op.attrs).toMatchObject({ accelerator: "tiny", engine: "onnxruntime", exchange: "onnx", options: ["threads=1"] });
    const again = importModel(exportOnnx(op.regions[0]!), { fileName: "region.onnx", shapes: {} });
    expect(again.params.length).toBe(op.operands.length);
  }
}, 30_000);
