/** Fuzzes a reader of outside files for a time or a number of files: `tsx test/fuzz/run.ts onnx|xgboost|lightgbm|bundle SECONDS [FILES] [SEED]`. */
import { fuzzBundleReader } from "../package/fuzz-bundle.ts";
import { fuzzOnnx, type OnnxFuzzResult } from "./fuzz-onnx.ts";
import { fuzzTrees } from "./fuzz-trees.ts";

const [kind, seconds = "60", files, seed = "1"] = process.argv.slice(2);
const limits = { seed: Number(seed), milliseconds: Number(seconds) * 1000, ...(files ? { runs: Number(files) } : {}) };

switch (kind) {
  case "bundle": {
    const { runs, parsed, taken, slowestMs } = fuzzBundleReader(limits);
    console.log(`bundle reader: ${runs} files, ${parsed} reached the manifest's checks, ${taken} taken, slowest ${slowestMs.toFixed(1)} ms, no crash`);
    break;
  }
  case "onnx":
    report("ONNX importer", fuzzOnnx(limits));
    break;
  case "xgboost":
  case "lightgbm":
    report(`${kind} importer`, fuzzTrees(kind, limits));
    break;
  default:
    console.error("usage: tsx test/fuzz/run.ts onnx|xgboost|lightgbm|bundle SECONDS [FILES] [SEED]");
    process.exitCode = 2;
}

function report(name: string, { runs, imported, codes, slowestMs }: OnnxFuzzResult): void {
  console.log(`${name}: ${runs} files, ${imported} imported, slowest ${slowestMs.toFixed(1)} ms, no crash`);
  const sorted = Object.entries(codes).sort(([, a], [, b]) => b - a);
  console.log(sorted.map(([code, n]) => `  ${code} ${n}`).join("\n"));
}
