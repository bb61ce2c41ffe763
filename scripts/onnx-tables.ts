import { readFileSync } from "node:fs";
import { supportedOperators } from "../src/frontends/onnx/ops/index.ts";
import type { OperatorCoverage } from "../test/conformance/coverage.ts";
import type { Expectation } from "../test/conformance/expectation.ts";

/** What a reader must know of an operator besides its versions. */
const NOTES: Readonly<Record<string, string>> = {
  "ai.onnx.preview::FlexAttention": "its two graphs are laid open",
  BatchNormalization: "also in training mode",
  Cast: "to and from float8, float4 and two-bit integers too; from f64 they are rounded to f32 first; strings: host",
  Compress: "length open, bounded by the input",
  Dropout: "in training mode only where the ratio is 0",
  If: "a branch that constants decide is laid open",
  ImageDecoder: "host; PNG, baseline JPEG, BMP, TIFF and PNM; the size of the picture wants `--bound`",
  LinearAttention: "up to 16 steps written out, longer sequences as a scan",
  Loop: "trips that constants decide are written out or become a loop with a bound",
  NonMaxSuppression: "length open, bounded by the input",
  NonZero: "length open, bounded by the input",
  OptionalGetElement: "the optional is there or not when the model is imported",
  OptionalHasElement: "the optional is there or not when the model is imported",
  QuantizeLinear: "also to float8, float4 and two-bit integers",
  DequantizeLinear: "also from float8, float4 and two-bit integers",
  RegexFullMatch: "host; the syntax of RE2",
  SequenceAt: "a place that only data tell wants tensors of one shape",
  SequenceErase: "a place that only data tell wants tensors of one shape",
  SequenceInsert: "a place that only data tell wants tensors of one shape",
  StringConcat: "host",
  StringNormalizer: "host; cases of letters are Unicode's",
  StringSplit: "host; without maxsplit the number of parts wants `--bound`",
  Unique: "length open, bounded by the input",
};

const TYPES: Readonly<Record<string, string>> = {
  FLOAT: "f32",
  DOUBLE: "f64",
  FLOAT16: "f16",
  BFLOAT16: "bf16",
  BOOL: "bool",
  STRING: "string",
  ...Object.fromEntries([2, 4, 8, 16, 32, 64].flatMap((bits) => [[`INT${bits}`, `i${bits}`] as const, [`UINT${bits}`, `u${bits}`] as const])),
};

const CLASSES = { core: "core types", plain: "plain tensors", all: "all" } as const;

/** The text of docs/onnx-support.md. */
export function onnxTables(): string {
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../test/conformance/${name}`, import.meta.url), "utf8"));
  const coverage = read("coverage.json") as Readonly<Record<string, OperatorCoverage>>;
  const { suite, counts, short } = read("expected.json") as Expectation;
  const executors = Object.keys(counts) as (keyof typeof counts)[];
  const operators = supportedOperators().map(({ domain, name, since }) => ({ key: domain ? `${domain}::${name}` : name, since }));
  return [
    "# ONNX: what is supported",
    "",
    "Written by `npm run tables` from the importer's records and from runs of the backend tests of the ONNX project",
    "(`npm run conformance`). Every operator runs on the interpreter, as native code and as WebAssembly: it becomes ops of",
    "the graph, and each of these has kernels. What looks at the letters of strings, or at files of pictures, is a step of the host between the code, in",
    'every session: notes say "host". Sequences, optionals and maps: [texts-and-sequences.md](texts-and-sequences.md). Domains other than the default one: [onnx-domains.md](onnx-domains.md).',
    "",
    "## Data sets that pass",
    "",
    `| data sets | number | ONNX Runtime 1.30 | ${executors.join(" | ")} |`,
    `|---|---:|---:|${executors.map(() => "---:|").join("")}`,
    ...(Object.keys(CLASSES) as (keyof typeof CLASSES)[]).map(
      (of) => `| ${CLASSES[of]} | ${suite[of].sets} | ${suite[of].onnxRuntime ?? "–"} | ${executors.map((executor) => counts[executor]![of]).join(" | ")} |`,
    ),
    "",
    "Where a shape hangs on the value of an input, the input is a constant of the compile, as with `--set`.",
    "",
    "## What remains",
    "",
    "| reason | data sets |",
    "|---|---|",
    ...Object.entries(short).map(([reason, names]) => `| ${reason} | ${names.length}: ${names.map(shortName).join(", ")} |`),
    "",
    "## Operators",
    "",
    "_since_: the first opset, 7 for what is older. _shown_: opsets and element types of the data sets that pass, and how many of",
    "all that have the operator do. What no data set shows is tested in `test/frontends/onnx`.",
    "",
    "| operator | since | opsets shown | element types shown | data sets | notes |",
    "|---|---:|---|---|---:|---|",
    ...operators.map(({ key, since }) => {
      const shown = coverage[key];
      const dtypes = shown?.dtypes.map((type) => TYPES[type] ?? type.toLowerCase().replace(/^an? /, "")).join(" ") ?? "";
      return `| ${key} | ${since} | ${shown?.opsets.join(" ") ?? ""} | ${dtypes} | ${shown ? `${shown.passed}/${shown.all}` : ""} | ${NOTES[key] ?? ""} |`;
    }),
    "",
  ].join("\n");
}

function shortName(set: string): string {
  return set.replace(/\/test_data_set_0$/, "").replace(/^.*\/(?:test_)?/, "");
}
