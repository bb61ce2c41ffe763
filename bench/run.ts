/**
 * Times neo against its peers, interleaved run by run in one process on one thread, and writes bench/RESULTS.md.
 *
 *   npm ci --prefix bench --ignore-scripts && npm run bench -- [--models resnet8,ds-cnn] [--seconds 3] [--write]
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { findCompilers } from "../src/support/node/compilers.ts";
import { MODELS, type ModelName } from "./models.ts";
import { benchNative, type NativeResult } from "./native.ts";
import { writeResults } from "./results.ts";
import { benchWasm, type WasmResult } from "./wasm.ts";

const { values } = parseArgs({ options: { models: { type: "string" }, seconds: { type: "string" }, write: { type: "boolean" }, only: { type: "string" } } });
const names = (values.models?.split(",") ?? Object.keys(MODELS)) as ModelName[];
const seconds = Number(values.seconds ?? 3);
const unknown = names.find((name) => !(name in MODELS));
if (unknown) throw new Error(`there is no model ${unknown}: ${Object.keys(MODELS).join(", ")}`);

const native: NativeResult[] = [];
const wasm: WasmResult[] = [];
for (const name of names) {
  // Native trees have peers of their own: bench/tree-peers.
  if (values.only !== "wasm" && !name.startsWith("trees")) native.push(await benchNative(name, seconds));
  if (values.only !== "native") wasm.push(await benchWasm(name, seconds));
}

const ms = (x: number): string => (x < 1 ? x.toFixed(4) : x.toFixed(2));
const ratio = (peer: number, neo: number): string => `${(peer / neo).toFixed(2)}x`;
const row = (r: NativeResult | WasmResult, more: string[]): string =>
  `| ${[r.model, `${ms(r.neo.min)} / ${ms(r.neo.p10)} / ${ms(r.neo.median)}`, `${ms(r.peer.min)} / ${ms(r.peer.p10)} / ${ms(r.peer.median)}`, ratio(r.peer.min, r.neo.min), ratio(r.peer.p10, r.neo.p10), ...more, r.maxAbs.toExponential(1), r.runs, `${(r.compileMs / 1000).toFixed(1)} s`].join(" | ")} |`;

const [compiler] = await findCompilers();
const version = (name: string): string =>
  (JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")) as { version: string }).version;
const text = [
  "## Networks",
  "",
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]!.model.trim()}${features()}, Node ${process.versions.node}, ${compiler ? `${compiler.family} ${compiler.version}` : "no C compiler"}.`,
  "One thread. Both sides alternate run by run in one process; milliseconds are min / p10 / median, ratios are of minima and of tenth percentiles (above 1: neo is faster).",
  "Models are built by `bench/models.ts` from seeds, batch 1 (trees: the rows that the name ends in), fp32; inputs and outputs in the model's own layout on both sides.",
  "",
  "```",
  "npm ci --prefix bench --ignore-scripts && npm run bench -- --write",
  "```",
  ...(native.length > 0
    ? [
        "",
        `### Native, against ONNX Runtime ${version("onnxruntime-node")} (C API, all optimizations)`,
        "",
        "| model | neo ms | ONNX Runtime ms | min | p10 | GFLOP/s | max abs | runs | compile |",
        "|---|---|---|---|---|---|---|---|---|",
        ...native.map((r) => row(r, [((2 * r.macs) / r.neo.min / 1e6).toFixed(0)])),
      ]
    : []),
  ...(wasm.length > 0
    ? [
        "",
        `### WebAssembly, against onnxruntime-web ${version("onnxruntime-web")} (one thread)`,
        "",
        "| model | neo ms | onnxruntime-web ms | min | p10 | max abs | runs | compile |",
        "|---|---|---|---|---|---|---|---|",
        ...wasm.map((r) => row(r, [])),
      ]
    : []),
  "",
].join("\n");
console.log(text);
if (values.write) writeResults("networks", text);

function features(): string {
  try {
    const flags = execFileSync("grep", ["-m1", "^flags", "/proc/cpuinfo"], { encoding: "utf8" });
    return flags.includes(" avx512f ") ? " with AVX-512" : flags.includes(" avx2 ") ? " with AVX2" : "";
  } catch {
    return "";
  }
}
