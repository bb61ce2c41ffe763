/**
 * Splits models at random and by cost over engines that really run, and compares each with the model in one piece: for one WebAssembly
 * session without regions, for the other with regions of ONNX Runtime and OpenVINO.
 *
 * npx tsx test/session/engines/split-models.ts [--engines onnxruntime,openvino] [--corpus DIR] [--only PATTERN] [--seeds N]
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { MODELS } from "../../../bench/models.ts";
import type { Accelerator } from "../../../src/backends/accelerators/accelerator.ts";
import { acceleratorByName } from "../../../src/backends/accelerators/index.ts";
import { verdict } from "../../../src/backends/accelerators/verdict.ts";
import { cut } from "../../../src/backends/partition/cut.ts";
import { partition } from "../../../src/backends/partition/partition.ts";
import { regionsOf } from "../../../src/backends/partition/regions.ts";
import type { Partition } from "../../../src/backends/partition/region.ts";
import { opMacs } from "../../../src/backends/lower.ts";
import { compileGraphs, macsOf } from "../../../src/compile.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { copyGraph } from "../../../src/ir/copy.ts";
import type { Graph, Op } from "../../../src/ir/graph.ts";
import { isFloat, isStatic, type DType } from "../../../src/ir/types.ts";
import { seededBytes } from "../../../src/package/self-test.ts";
import { DEFAULT_OPTIONS, runPasses } from "../../../src/passes/pass.ts";
import { FOR_CPU, SIMPLIFY } from "../../../src/passes/pipelines.ts";
import { load } from "../../../src/session/load.ts";
import { nodeEngines } from "../../../src/session/node/engines.ts";
import type { OutputTensor } from "../../../src/session/tensors.ts";
import { loadElements } from "../../../src/session/tensors.ts";
import { nodeCrypto } from "../../../src/support/node/crypto.ts";
import { seededRandom } from "../../../src/support/random.ts";
import { TextTable } from "../../../src/host/text-table.ts";
import { goldenCases, modelPath } from "../../corpus/golden.ts";
import { target } from "../../executors/targets.ts";

const { values: options } = parseArgs({
  options: { engines: { type: "string" }, corpus: { type: "string" }, only: { type: "string" }, seeds: { type: "string" } },
});
const names = (options.engines ?? "onnxruntime,openvino").split(",");
const accelerators = names.map((name) => acceleratorByName(name)!);
const only = new RegExp(options.only ?? "");
const seeds = Number(options.seeds ?? 2);
const engines = nodeEngines(process.env);
for (const name of names) console.log(`${name} ${(await engines[name]!.open()).version}`);

/** More than this takes the plain reference too long. */
const MOST_MACS = 2e9;
const wasm = target("wasm");

interface Model {
  readonly name: string;
  readonly graph: () => Graph;
}

const scripted: readonly Model[] = (["resnet8", "mobilenetv2", "bert-mini"] as const).map((name) => ({
  name,
  graph: () => importModel(MODELS[name](), { fileName: `${name}.onnx`, shapes: {} }),
}));

function corpusModels(root: string): readonly Model[] {
  return goldenCases(root)
    .filter(({ format }) => /^(?:generated\/)?onnx$/.test(format))
    .flatMap((golden): Model[] => {
      const path = modelPath(golden, root, ".");
      const shapes = Object.fromEntries(golden.inputs.map(({ name, shape }) => [name, shape]));
      return path ? [{ name: golden.name, graph: () => importModel(new Uint8Array(readFileSync(path)), { fileName: path, shapes }) }] : [];
    });
}

/** Each op that somebody takes goes to one of them, or stays, as a coin says. */
function atRandom(graph: Graph, seed: number): Partition {
  const random = seededRandom(seed);
  const assignment = new Map<Op, Accelerator>();
  for (const op of graph.ops) {
    if (op.name === "constant" || op.name === "return") continue;
    const takers = accelerators.filter((accelerator) => verdict(op, accelerator) === undefined);
    const at = Math.floor(random() * (takers.length + 1));
    if (takers[at]) assignment.set(op, takers[at]);
  }
  return regionsOf(graph, assignment);
}

/** As `neo compile` would on a processor so slow that much pays. */
function byCost(graph: Graph): Partition {
  return partition(graph, { accelerators, cpuUs: (op) => 5 + opMacs(op) / 1000 });
}

async function outputsOf(graph: Graph): Promise<Readonly<Record<string, OutputTensor>>> {
  const compiled = copyGraph(graph);
  runPasses(compiled, FOR_CPU, DEFAULT_OPTIONS);
  const given = { name: "m", compiler: "test", targets: [wasm], bindings: [{}], withoutSelfTest: true };
  const { bundle } = await compileGraphs([compiled], given, { crypto: nodeCrypto });
  const session = await load(bundle.bytes, { trust: "unsigned", crypto: nodeCrypto, engines });
  const inputs = Object.fromEntries(
    session.inputs.map((port) => {
      const bytes = seededBytes(port, { seed: 3, low: isFloat(port.dtype as DType) ? -1 : 0, high: /^[iu]8$/.test(port.dtype) ? 127 : 1 });
      return [port.name, { data: loadElements(bytes, port.dtype, new TextTable()) as never, shape: port.shape }];
    }),
  );
  const outputs = await session.run(inputs as never);
  session.close();
  return outputs;
}

/** The largest difference, as a part of the largest number; integers that differ are counted apart. */
function compare(
  got: Readonly<Record<string, OutputTensor>>,
  wanted: Readonly<Record<string, OutputTensor>>,
): { readonly error: number; readonly integers: number } {
  let [error, integers] = [0, 0];
  for (const [name, { dtype, data, shape }] of Object.entries(wanted)) {
    const other = got[name]!;
    if (other.dtype !== dtype || String(other.shape) !== String(shape)) throw new Error(`${name} is ${other.dtype} [${other.shape.join(", ")}]`);
    const [a, b] = [Array.from(other.data as ArrayLike<number | bigint>, Number), Array.from(data as ArrayLike<number | bigint>, Number)];
    const most = b.reduce((n, x) => (Number.isFinite(x) ? Math.max(n, Math.abs(x)) : n), 1e-6);
    b.forEach((x, i) => {
      if (Object.is(a[i], x) || a[i] === x) return;
      if (isFloat(dtype as DType)) error = Math.max(error, Number.isFinite(a[i]! - x) ? Math.abs(a[i]! - x) / most : Infinity);
      else integers++;
    });
  }
  return { error, integers };
}

let [checked, failed, skipped] = [0, 0, 0];
for (const { name, graph: open } of [...scripted, ...(options.corpus ? corpusModels(options.corpus) : [])].filter((model) => only.test(model.name))) {
  let graph: Graph;
  try {
    graph = open();
    runPasses(graph, SIMPLIFY, DEFAULT_OPTIONS);
  } catch (error) {
    skipped++;
    console.log(`${name}: not imported (${(error as Error).message})`);
    continue;
  }
  const isPlain = [...graph.params, ...graph.outputs].every(({ type }) => isStatic(type) && type.dtype !== "string");
  if (!isPlain || macsOf(graph) > MOST_MACS) {
    skipped++;
    console.log(`${name}: ${isPlain ? "too large" : "open or of strings"}`);
    continue;
  }
  const wanted = await outputsOf(graph);
  const forms = [
    ...Array.from({ length: seeds }, (_, seed) => [`random ${seed}`, () => atRandom(graph, seed)] as const),
    ["by cost", () => byCost(graph)] as const,
  ];
  for (const [form, make] of forms) {
    try {
      const plan = make();
      const got = await outputsOf(cut(graph, plan));
      const { error, integers } = compare(got, wanted);
      const quantised = graph.ops.some((op) => op.name === "quantise" || op.results.some((value) => value.type.quant));
      const ok = error <= (quantised ? 5e-2 : 1e-4) && integers === 0;
      checked++;
      failed += Number(!ok);
      const users = [...new Set(plan.regions.map(({ accelerator }) => accelerator.name))].join(", ");
      console.log(
        `${ok ? "ok  " : "FAIL"} ${name} ${form}: ${plan.regions.length} regions (${users}), error ${error.toExponential(1)}${integers ? `, ${integers} integers differ` : ""}`,
      );
    } catch (error) {
      checked++;
      failed++;
      const { message, notes } = error as { readonly message: string; readonly notes?: readonly { readonly text: string }[] };
      console.log(`FAIL ${name} ${form}: ${message}${notes?.[0] ? `: ${notes[0].text}` : ""}`);
    }
  }
}
console.log(`${checked - failed} passed, ${failed} failed, ${skipped} models skipped`);
process.exit(failed > 0 ? 4 : 0);
