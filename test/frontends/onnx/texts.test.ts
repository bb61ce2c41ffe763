import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { Executors } from "../../executors/executors.ts";
import { node, value, writeOnnx, type NodeSpec } from "../../fixtures/onnx-writer.ts";
import { loadReference } from "./reference.ts";

const reference = await loadReference();

const ML = { domain: "ai.onnx.ml" };
const grams = (attrs: object) => ({
  mode: "TF",
  min_gram_length: 1,
  max_gram_length: 2,
  max_skip_count: 1,
  ngram_counts: [0, 2],
  ngram_indexes: [0, 1, 2, 3],
  pool_strings: ["the", "fox", "the", "fox", "a", "b"],
  ...attrs,
});

/** Each gives y0, y1 …; all read the inputs below. */
const NODES: readonly NodeSpec[] = [
  node("StringNormalizer", ["words"], ["y"], { case_change_action: "LOWER", stopwords: ["The", "b"], is_case_sensitive: 1, locale: "C" }),
  node("StringNormalizer", ["words"], ["y"], { case_change_action: "UPPER", stopwords: ["THE", "fox"], is_case_sensitive: 0, locale: "C" }),
  node("StringNormalizer", ["row"], ["y"], { stopwords: ["nothing"], locale: "C" }),
  node("StringConcat", ["words", "mark"], ["y"]),
  node("StringConcat", ["column", "words"], ["y"]),
  node("RegexFullMatch", ["words"], ["y"], { pattern: "(?i)[t]h?.*|f(o+)x|" }),
  node("RegexFullMatch", ["mails"], ["y"], { pattern: "(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)" }),
  node("StringSplit", ["mails"], ["y", "n"], { delimiter: "@", maxsplit: 3 }),
  node("StringSplit", ["spaced"], ["y", "n"], { delimiter: ".", maxsplit: 1 }),
  node("Equal", ["words", "swapped"], ["y"]),
  node("Equal", ["words", "column"], ["y"]),
  node("Where", ["chosen", "words", "swapped"], ["y"]),
  node("Concat", ["words", "swapped"], ["y"], { axis: 0 }),
  node("Gather", ["words", "places"], ["y"], { axis: 0 }),
  node("Reshape", ["words", "pairs"], ["y"]),
  node("Transpose", ["row"], ["y"], { perm: [1, 0] }),
  node("Slice", ["words", "one", "four"], ["y"]),
  node("Expand", ["mark", "pairs"], ["y"]),
  node("Tile", ["row", "pairs"], ["y"]),
  node("Identity", ["words"], ["y"]),
  node("Cast", ["digits"], ["y"], { to: 1 }),
  node("Cast", ["digits"], ["y"], { to: 11 }),
  node("Cast", ["whole"], ["y"], { to: 7 }),
  node("Cast", ["places"], ["y"], { to: 8 }),
  node("TfIdfVectorizer", ["words"], ["y"], grams({})),
  node("TfIdfVectorizer", ["row"], ["y"], grams({ mode: "TFIDF", weights: { floats: [1, 2, 3, 4] } })),
  node("LabelEncoder", ["glued"], ["y"], { keys_strings: ["the!", "fox!"], values_int64s: [3, 4], default_int64: -7 }, ML),
  node("LabelEncoder", ["words"], ["y"], { keys_strings: ["fox", "The"], values_floats: { floats: [0.5, 2] }, default_float: { float: 9 } }, ML),
  node("OneHotEncoder", ["glued"], ["y"], { cats_strings: ["fox!", "b!"] }, ML),
  node("CategoryMapper", ["glued"], ["y"], { cats_strings: ["fox!", "b!"], cats_int64s: [5, 6] }, ML),
];

const INPUTS: Readonly<Record<string, Tensor>> = {
  words: tensor("string", [6], ["The", "the", "fox", "", "b", "fOOx"]),
  swapped: tensor("string", [6], ["the", "the", "FOX", "", "b", "fOx"]),
  row: tensor("string", [1, 4], ["the", "a", "fox", "b"]),
  column: tensor("string", [2, 1], ["b", "ÄÖ😀"]),
  mails: tensor("string", [3], ["account@gmail.com", "account@hotmail.com", "not email"]),
  spaced: tensor("string", [2, 2], ["a.b", "..", "", "x"]),
  digits: tensor("string", [5], ["3", "-0.5", "1e3", "0.1", "12345.678"]),
  whole: tensor("string", [2, 2], ["9007199254740993", "-1", "0", "77"]),
  chosen: tensor("bool", [6], [1, 0, 1, 0, 1, 0]),
  places: tensor("i64", [2, 2], [5, 0, -1, 2]),
};

const CONSTANTS = {
  mark: tensor("string", [], ["!"]),
  pairs: tensor("i64", [2], [3, 2]),
  one: tensor("i64", [1], [1]),
  four: tensor("i64", [1], [4]),
};

const named = NODES.map(({ outputs, ...spec }, i) => ({ ...spec, outputs: outputs.map((output) => `${output}${i}`) }));
const outputs = named.flatMap((spec) => spec.outputs);

const bytes = writeOnnx({
  ir: 10,
  opsets: [{ version: 20 }, { domain: "ai.onnx.ml", version: 3 }],
  nodes: [node("StringConcat", ["words", "mark"], ["glued"]), ...named],
  inputs: Object.entries(INPUTS).map(([name, { type }]) => value(name, type.dtype, type.shape)),
  outputs: outputs.map((name) => ({ name, dtype: "string", type: {} })),
  initializers: CONSTANTS,
});

describe.skipIf(!reference)("operators of strings agree with ONNX Runtime", () => {
  let wanted: Promise<readonly Tensor[]> | undefined;
  test.each(["interpreter", "native", "wasm"] as const)("%s", { timeout: 120_000 }, async (executor) => {
    wanted ??= reference!(bytes, INPUTS, outputs);
    const graph = importOnnx(bytes, { fileName: "texts.onnx" });
    const got = await new Executors(graph).run(
      executor,
      graph.params.map((param) => INPUTS[param.name]!),
    );
    (await wanted).forEach((want, i) => {
      const shown = ({ type, data }: Tensor): unknown => [type.dtype, type.shape, Array.from(data as ArrayLike<unknown>, String)];
      expect(shown(got[i]!), `${outputs[i]!}: ${named.find((spec) => spec.outputs.includes(outputs[i]!))!.op}`).toEqual(shown(want));
    });
  });
});
