import { expect, test } from "vitest";
import { denseNetwork } from "../backends/dense/network.ts";
import { nativeTest } from "../backends/host-compilers.ts";
import { sampleGraph } from "../backends/general/sample-graph.ts";
import { CONTROL_MODELS } from "../fixtures/control-models.ts";
import { writeOnnx } from "../fixtures/onnx-writer.ts";
import { importOnnx } from "../../src/frontends/onnx/import.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { Executors, type Executor } from "./executors.ts";
import { OPEN_CASES, openGraph } from "./open-cases.ts";

/**
 * Code touches nothing but its buffers: inputs and outputs have no room behind them, arena and weights the room that the plan counts.
 * What the executors find is an error; numbers are the business of other tests.
 */
interface Case {
  readonly name: string;
  readonly graph: () => Graph;
  readonly inputs: readonly Tensor[];
}

const samples = sampleGraph();
const CASES: readonly Case[] = [
  { name: "samples of every op", graph: () => sampleGraph().graph, inputs: samples.inputs },
  { name: "a network of dense ops", graph: denseNetwork, inputs: [randomTensor({ dtype: "f32", shape: [1, 3, 21, 19] }, 99, [-1, 1])] },
  ...OPEN_CASES.map((one): Case => ({ name: one.name, graph: () => openGraph(one), inputs: one.inputs })),
  ...CONTROL_MODELS.flatMap(({ name, spec, runs }) =>
    runs.map((inputs, n): Case => ({
      name: `${name}, run ${n}`,
      graph: () => importOnnx(writeOnnx(spec), { fileName: "m.onnx" }),
      inputs: spec.inputs!.map((input) => inputs[input.name]!),
    })),
  ),
];

async function stays(executor: Executor, { graph, inputs }: Case): Promise<void> {
  // Checks of every access cost the compiler more than the run.
  const outputs = await new Executors(graph(), { flags: [executor === "sanitized" ? "-O0" : "-O1"] }).run(executor, inputs);
  expect(outputs.length).toBeGreaterThan(0);
}

const hasGcc = (await findCompilers()).some((c) => c.family === "gcc" && c.machine.startsWith("x86_64"));

/** Its compiler takes its time: one run of each of the small ones. */
const SANITIZED = CASES.slice(2).filter(({ name }) => !/\([1-9]\)$|run [1-9]$/.test(name));

nativeTest.each(CASES)("$name: native code under guard pages", { timeout: 300_000 }, (one) => stays("guarded", one));

test.each(CASES)("$name: WebAssembly at both ends of its memory", { timeout: 300_000 }, (one) => stays("guardedWasm", one));

test.skipIf(!hasGcc && process.env.CI !== "true").each(SANITIZED)("$name: C under AddressSanitizer (wants gcc on x86-64)", { timeout: 300_000 }, (one) =>
  stays("sanitized", one),
);
