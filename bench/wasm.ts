import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { lower } from "../src/backends/lower.ts";
import { loadBinaryen } from "../src/backends/wasm/binaryen.ts";
import { emitWasm, wasmMemoryPlan } from "../src/backends/wasm/emit.ts";
import { WasmInstance } from "../src/backends/wasm/run.ts";
import { WeightPool } from "../src/backends/weight-pool.ts";
import { optimize } from "../src/compile.ts";
import { importModel } from "../src/frontends/index.ts";
import { randomTensor } from "../src/ir/sample.ts";
import { encodeData } from "../src/ir/tensor.ts";
import type { StaticType } from "../src/ir/types.ts";
import { targetByName } from "../src/target-by-name.ts";
import { MODELS, type ModelName } from "./models.ts";
import type { Timing } from "./native.ts";

export interface WasmResult {
  readonly model: string;
  readonly runs: number;
  readonly peer: Timing;
  readonly neo: Timing;
  readonly maxAbs: number;
  readonly compileMs: number;
}

interface Peer {
  InferenceSession: { create(bytes: Uint8Array, options: object): Promise<{ run(feeds: object): Promise<Record<string, { data: Float32Array }>> }> };
  Tensor: new (dtype: string, data: Float32Array, shape: readonly number[]) => object;
  env: { wasm: { numThreads: number; wasmPaths: string } };
}

/** The peer awaits its promises between runs; ours is called the same way. Both warm up until V8 has replaced its first code. */
const WARM_UP_MS = 400;

/** Times one model against onnxruntime-web (wasm, one thread), run by run in this process. */
export async function benchWasm(name: ModelName, seconds: number): Promise<WasmResult> {
  const require = createRequire(new URL("package.json", import.meta.url));
  const ort = require("onnxruntime-web") as Peer;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = `${join(dirname(require.resolve("onnxruntime-web")))}/`;
  const bytes = MODELS[name]();
  // The import of binaryen (half a second in plain Node, far more behind a loader that transforms sources) is paid once a process.
  await loadBinaryen();
  const start = performance.now();
  const target = await targetByName("wasm");
  const graph = importModel(bytes, { fileName: `${name}.onnx` });
  optimize(graph);
  const pool = new WeightPool();
  const { program } = lower(graph, target, pool);
  const code = await emitWasm(program, target);
  const compileMs = performance.now() - start;
  const instance = await WasmInstance.create(code, wasmMemoryPlan(program), pool.bytes());
  const input = randomTensor(graph.params[0]!.type as StaticType, 7);
  const given = [encodeData("f32", input.data)];
  const sizes = program.outputs.map((port) => port.bytes);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  const feeds = { [program.inputs[0]!.name]: new ort.Tensor("float32", input.data as Float32Array, input.type.shape) };
  const theirs = async (): Promise<Float32Array> => (await session.run(feeds))[program.outputs[0]!.name]!.data;
  const ours = (): Float32Array => new Float32Array(instance.run(given, sizes)[0]!.buffer);
  const [wanted, got] = [await theirs(), ours()];
  const maxAbs = got.reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i]!)), 0);
  for (const from = performance.now(); performance.now() - from < WARM_UP_MS; ours()) await theirs();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const [a, b]: [number[], number[]] = [[], []];
  for (const from = performance.now(); performance.now() - from < seconds * 1000;) {
    const t0 = performance.now();
    await theirs();
    const t1 = performance.now();
    ours();
    b.push(performance.now() - t1);
    a.push(t1 - t0);
  }
  return { model: name, runs: a.length, peer: timing(a), neo: timing(b), maxAbs, compileMs };
}

function timing(samples: number[]): Timing {
  const sorted = samples.sort((x, y) => x - y);
  return { min: sorted[0]!, p10: sorted[Math.floor(sorted.length / 10)]!, median: sorted[Math.floor(sorted.length / 2)]! };
}
