import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lower } from "../src/backends/lower.ts";
import { printC } from "../src/backends/c/print.ts";
import { WeightPool } from "../src/backends/weight-pool.ts";
import { optimize } from "../src/compile.ts";
import { importModel } from "../src/frontends/index.ts";
import { compileC } from "../src/support/node/toolchain.ts";
import { targetByName } from "../src/target-by-name.ts";
import { MODELS, type ModelName } from "./models.ts";

const here = dirname(fileURLToPath(import.meta.url));

export interface Timing {
  readonly min: number;
  readonly p10: number;
  readonly median: number;
}

export interface NativeResult {
  readonly model: string;
  readonly macs: number;
  readonly runs: number;
  readonly peer: Timing;
  readonly neo: Timing;
  readonly maxAbs: number;
  readonly maxValue: number;
  readonly compileMs: number;
}

/** The ONNX Runtime library inside the npm package. */
export function runtimeLibrary(): string | undefined {
  const candidates = [here, join(here, "..")].map((folder) =>
    join(folder, "node_modules/onnxruntime-node/bin/napi-v6", process.platform, process.arch, "libonnxruntime.so.1"),
  );
  return candidates.find(existsSync);
}

/** Times one model against ONNX Runtime's C API, run by run in one process on one pinned core. */
export async function benchNative(name: ModelName, seconds: number, compiler?: string): Promise<NativeResult> {
  const library = runtimeLibrary();
  if (!library) throw new Error("onnxruntime-node is not installed: npm ci --ignore-scripts in bench/");
  const folder = mkdtempSync(join(tmpdir(), "neo-bench-"));
  try {
    const bytes = MODELS[name]();
    const start = performance.now();
    const target = await targetByName("host");
    const graph = importModel(bytes, { fileName: `${name}.onnx` });
    optimize(graph);
    const pool = new WeightPool();
    const { program, calls } = lower(graph, target, pool);
    const { sources, headers } = printC(program, target);
    const { bytes: object } = await compileC(sources, target, { headers, ...(compiler ? { compiler } : {}) });
    const compileMs = performance.now() - start;
    writeFileSync(join(folder, "model.onnx"), bytes);
    writeFileSync(join(folder, "model.so"), object);
    writeFileSync(join(folder, "weights.bin"), pool.bytes());
    const harness = join(folder, "native");
    execFileSync("gcc", ["-O2", join(here, "native.c"), "-o", harness, "-ldl", "-lm"]);
    const [input, output] = [program.inputs[0]!, program.outputs[0]!];
    const args = [
      library,
      join(folder, "model.onnx"),
      join(folder, "model.so"),
      join(folder, "weights.bin"),
      input.name,
      output.name,
      input.shape.join(","),
      output.shape.join(","),
      String(seconds),
      "7",
    ];
    const text = execFileSync("taskset", ["-c", "1", harness, ...args], { encoding: "utf8" });
    return {
      model: name,
      macs: new Set(calls).size > 0 ? macsOnce(calls) : 0,
      compileMs,
      ...(JSON.parse(text) as Omit<NativeResult, "model" | "macs" | "compileMs">),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An op of several calls tells its multiply-accumulates with each. */
function macsOnce(calls: readonly { readonly loc: readonly string[]; readonly op: string; readonly macs: number }[]): number {
  const byOp = new Map(calls.map((call) => [`${call.op} ${call.loc.join()}`, call.macs]));
  return [...byOp.values()].reduce((a, b) => a + b, 0);
}
