/**
 * Fuzzes a reader of outside files for a time or a number of files: `tsx test/fuzz/run.ts onnx|xgboost|lightgbm|catboost|bundle SECONDS [FILES] [SEED]`.
 * For onnx a last argument names an archive of backend tests, whose small models are damaged too: they use every operator there is.
 */
import { conformanceSuite } from "../conformance/suite.ts";
import { fuzzBundleReader } from "../package/fuzz-bundle.ts";
import { fuzzOnnx, type OnnxFuzzResult } from "./fuzz-onnx.ts";
import { fuzzTrees } from "./fuzz-trees.ts";

const [kind, seconds = "60", files, seed = "1", suite] = process.argv.slice(2);
const limits = { seed: Number(seed), milliseconds: Number(seconds) * 1000, ...(files ? { runs: Number(files) } : {}) };

switch (kind) {
  case "bundle": {
    const { runs, parsed, taken, slowestMs } = fuzzBundleReader(limits);
    console.log(`bundle reader: ${runs} files, ${parsed} reached the manifest's checks, ${taken} taken, slowest ${slowestMs.toFixed(1)} ms, no crash`);
    break;
  }
  case "onnx":
    report("ONNX importer", fuzzOnnx({ ...limits, models: suite ? smallModels(suite) : [] }));
    break;
  case "xgboost":
  case "lightgbm":
  case "catboost":
    report(`${kind} importer`, fuzzTrees(kind, limits));
    break;
  default:
    console.error("usage: tsx test/fuzz/run.ts onnx|xgboost|lightgbm|catboost|bundle SECONDS [FILES] [SEED] [SUITE]");
    process.exitCode = 2;
}

function report(name: string, { runs, imported, codes, slowestMs }: OnnxFuzzResult): void {
  const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`${name}: ${runs} files, ${imported} imported, slowest ${slowestMs.toFixed(1)} ms, at most ${mebibytes} MiB, no crash`);
  const sorted = Object.entries(codes).sort(([, a], [, b]) => b - a);
  console.log(sorted.map(([code, n]) => `  ${code} ${n}`).join("\n"));
}

function smallModels(suite: string): readonly Uint8Array[] {
  return conformanceSuite(suite)
    .map((set) => set.model())
    .filter((model) => model.length < 10_000);
}
