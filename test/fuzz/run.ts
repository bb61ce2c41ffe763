/** Fuzzes a reader of outside files for a time or a number of files: `tsx test/fuzz/run.ts onnx|bundle SECONDS [FILES] [SEED]`. */
import { fuzzBundleReader } from "../package/fuzz-bundle.ts";
import { fuzzOnnx } from "./fuzz-onnx.ts";

const [kind, seconds = "60", files, seed = "1"] = process.argv.slice(2);
const limits = { seed: Number(seed), milliseconds: Number(seconds) * 1000, ...(files ? { runs: Number(files) } : {}) };

switch (kind) {
  case "bundle": {
    const { runs, parsed, taken, slowestMs } = fuzzBundleReader(limits);
    console.log(`bundle reader: ${runs} files, ${parsed} reached the manifest's checks, ${taken} taken, slowest ${slowestMs.toFixed(1)} ms, no crash`);
    break;
  }
  case "onnx": {
    const { runs, imported, codes, slowestMs } = fuzzOnnx(limits);
    console.log(`ONNX importer: ${runs} files, ${imported} imported, slowest ${slowestMs.toFixed(1)} ms, no crash`);
    console.log(
      Object.entries(codes)
        .sort(([, a], [, b]) => b - a)
        .map(([code, n]) => `  ${code} ${n}`)
        .join("\n"),
    );
    break;
  }
  default:
    console.error("usage: tsx test/fuzz/run.ts onnx|bundle SECONDS [FILES] [SEED]");
    process.exitCode = 2;
}
