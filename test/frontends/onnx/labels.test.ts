import { expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { load } from "../../../src/index.ts";
import { readBundle } from "../../../src/package/read-bundle.ts";
import type { ErrorCode, Note } from "../../../src/support/errors.ts";
import { nodeCrypto } from "../../../src/support/node/crypto.ts";
import { target } from "../../executors/targets.ts";
import { floats, node, value, writeOnnx, type ModelSpec, type NodeSpec } from "../../fixtures/onnx-writer.ts";
import { f32, elements } from "./one-node.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const ML = { domain: "ai.onnx.ml" };
const OPSETS = [{ version: 17 }, { domain: "ai.onnx.ml", version: 3 }];
const WORDS = ["high", "low", "mid"];

/** A classifier whose classes are words: the greatest of its three inputs wins. */
const classifier = node(
  "LinearClassifier",
  ["x"],
  ["label", "scores"],
  { coefficients: floats(1, 0, 0, 0, 1, 0, 0, 0, 1), intercepts: floats(0, 0, 0), classlabels_strings: WORDS },
  { ...ML, name: "classifier" },
);
const x = f32([2, 3], 0, 0, 1, 0, 5, 1);

function run(spec: Omit<ModelSpec, "opsets" | "inputs">): { results: readonly Tensor[]; labels: ReadonlyMap<string, readonly string[]>; warnings: Note[] } {
  const warnings: Note[] = [];
  const bytes = writeOnnx({ ...spec, inputs: [value("x", "f32", [2, 3])], opsets: OPSETS });
  const graph = importOnnx(bytes, { fileName: "words.onnx", warn: (warning) => warnings.push(warning) });
  return { results: interpret(graph, [x]), labels: graph.labels, warnings };
}

test("classes that are words leave as places in the list of them, with a warning that says so", () => {
  const { results, labels, warnings } = run({ nodes: [classifier], outputs: [value("label", "string", [2])] });
  expect(results[0]!.type).toEqual({ dtype: "i64", shape: [2] });
  expect(elements(results[0])).toEqual([2, 1]);
  expect(labels.get("label")).toEqual(WORDS);
  expect(warnings).toEqual([{ where: "label", text: "gives places in a list instead of strings; the list is high, low, mid" }]);
});

test("words that are moved keep their list", () => {
  const nodes = [classifier, node("Reshape", ["label", "shape"], ["column"])];
  const initializers = { shape: tensor("i64", [2], [2, 1]) };
  const { results, labels } = run({ nodes, initializers, outputs: [value("column", "string")] });
  expect(results[0]!.type).toEqual({ dtype: "i64", shape: [2, 1] });
  expect(elements(results[0])).toEqual([2, 1]);
  expect(labels.get("column")).toEqual(WORDS);
});

test("ZipMap gives its tensor, and the keys are the names of its columns", () => {
  const zip = node("ZipMap", ["scores"], ["maps"], { classlabels_strings: WORDS }, { ...ML, name: "zip" });
  const { results, labels, warnings } = run({ nodes: [classifier, zip], outputs: [value("maps", "f32")] });
  expect(elements(results[0])).toEqual(elements(x));
  expect(labels.get("maps")).toEqual(WORDS);
  expect(warnings).toEqual([{ where: "zip", text: "ZipMap gives its tensor instead of maps; the columns are high, low, mid" }]);
});

test("ZipMap over whole numbers names its columns by them", () => {
  const zip = node("ZipMap", ["scores"], ["maps"], { classlabels_int64s: [4, 5, 6] }, ML);
  expect(run({ nodes: [classifier, zip], outputs: [value("maps", "f32")] }).labels.get("maps")).toEqual(["4", "5", "6"]);
});

test("encoders look up words of a list when the model is imported", () => {
  const encode = (op: string, attrs: Parameters<typeof node>[3]): number[] =>
    elements(run({ nodes: [classifier, node(op, ["label"], ["code"], attrs, ML)], outputs: [value("code", "i64")] }).results[0]);
  expect(encode("LabelEncoder", { keys_strings: ["mid", "high"], values_int64s: [70, 80], default_int64: -5 })).toEqual([70, -5]);
  expect(encode("LabelEncoder", { keys_strings: ["low", "low"], values_floats: floats(1.5, 2.5) })).toEqual([-0, 1.5]);
  expect(encode("LabelEncoder", { classes_strings: ["low", "mid"] })).toEqual([1, 0]);
  expect(encode("CategoryMapper", { cats_strings: ["low", "mid"], cats_int64s: [7, 9] })).toEqual([9, 7]);
  expect(encode("OneHotEncoder", { cats_strings: ["low", "mid"] })).toEqual([0, 1, 1, 0]);
});

test("encoders to words give places in the list of words and the default behind it", () => {
  const map = node("CategoryMapper", ["best"], ["word"], { cats_strings: ["a", "b"], cats_int64s: [1, 7] }, ML);
  const { results, labels } = run({ nodes: [node("ArgMax", ["x"], ["best"], { axis: 1 }), map], outputs: [value("word", "string")] });
  expect(elements(results[0])).toEqual([2, 0]);
  expect(labels.get("word")).toEqual(["a", "b", "_Unused"]);
});

test("a chain of encoders through words is one table", () => {
  const nodes = [
    classifier,
    node("LabelEncoder", ["label"], ["other"], { keys_strings: ["mid", "low"], values_strings: ["m", "l"] }, ML),
    node("LabelEncoder", ["other"], ["code"], { keys_strings: ["l", "m"], values_int64s: [100, 200] }, ML),
  ];
  expect(elements(run({ nodes, outputs: [value("code", "i64")] }).results[0])).toEqual([200, 100]);
});

test("constant words are encoded when the model is imported", () => {
  const nodes = [node("LabelEncoder", ["words"], ["code"], { keys_strings: ["b", "a"], values_int64s: [1, 2] }, ML)];
  const initializers = { words: tensor("string", [3], ["a", "c", "b"]) };
  expect(elements(run({ nodes, initializers, outputs: [value("code", "i64")] }).results[0])).toEqual([2, -1, 1]);
});

/** A model over the input `w` of 4 words. */
function overWords(nodes: ModelSpec["nodes"], outputs: ModelSpec["outputs"]): Uint8Array {
  return writeOnnx({ nodes, inputs: [value("w", "string", [2, 2])], outputs, opsets: OPSETS });
}

const TWO_ENCODERS = [
  node("LabelEncoder", ["w"], ["code"], { keys_strings: ["b", "a"], values_int64s: [10, 20], default_int64: -1 }, ML),
  node("Reshape", ["w", "four"], ["flat"]),
  node("OneHotEncoder", ["flat"], ["hot"], { cats_strings: ["c", "a"] }, ML),
];
const FOUR = node("Constant", [], ["four"], { value: tensor("i64", [1], [4]) });
const CODE_AND_HOT = [value("code", "i64"), value("hot", "f32")];

test("an input of words that encoders read takes places in the list of all they know", () => {
  const warnings: Note[] = [];
  const graph = importOnnx(overWords([FOUR, ...TWO_ENCODERS], CODE_AND_HOT), { fileName: "w.onnx", warn: (warning) => warnings.push(warning) });
  expect(graph.params.map((param) => [param.name, param.type])).toEqual([["w", { dtype: "i64", shape: [2, 2] }]]);
  expect(graph.labels.get("w")).toEqual(["b", "a", "c"]);
  expect(warnings.map(({ where }) => where)).toEqual(["w"]);
  // 3 and 9 are words of no list, 2 is one of the second only.
  const [code, hot] = interpret(graph, [tensor("i64", [2, 2], [1, 2, 9, 3])]);
  expect(elements(code)).toEqual([20, -1, -1, -1]);
  expect(elements(hot)).toEqual([0, 1, 1, 0, 0, 0, 0, 0]);
});

test("a session looks words up", async () => {
  const bytes = overWords([FOUR, ...TWO_ENCODERS], CODE_AND_HOT);
  const { bundle } = await compile(bytes, { fileName: "w.onnx", compiler: "test", targets: [target("wasm")] }, { crypto: nodeCrypto });
  const session = await load(bundle.bytes, { trust: "unsigned" });
  const { code, hot } = await session.run({ w: ["b", "zebra", "a", "c"] });
  expect(Array.from(code!.data, Number)).toEqual([10, -1, 20, -1]);
  expect(Array.from(hot!.data, Number)).toEqual([0, 0, 0, 0, 0, 1, 1, 0]);
  session.close();
});

test("words through two encoders end inside the list of the first", () => {
  const nodes = [node("LabelEncoder", ["w"], ["out"], { keys_strings: ["a"], values_strings: ["A"] }, ML)];
  const graph = importOnnx(overWords(nodes, [value("out", "string")]), { fileName: "w.onnx" });
  expect(graph.labels.get("out")).toEqual(["A", "_Unused"]);
  expect(elements(interpret(graph, [tensor("i64", [2, 2], [0, 5, 1, 0])])[0])).toEqual([0, 1, 1, 0]);
});

test("an input that something else reads as strings stays one, and is looked up", () => {
  const nodes = [
    node("LabelEncoder", ["w"], ["code"], { keys_strings: ["b", "a"], values_int64s: [1, 2] }, ML),
    node("Equal", ["w", "w"], ["same"], {}, { name: "compare" }),
  ];
  const graph = importOnnx(overWords(nodes, [value("code", "i64"), value("same", "bool")]), { fileName: "w.onnx" });
  expect(graph.params.map(({ type }) => type)).toEqual([{ dtype: "string", shape: [2, 2] }]);
  expect(graph.labels.size).toBe(0);
  const [code, same] = interpret(graph, [tensor("string", [2, 2], ["a", "b", "c", ""])]);
  expect(elements(code)).toEqual([2, 1, -1, -1]);
  expect(elements(same)).toEqual([1, 1, 1, 1]);
});

test("words that are computed are looked up, n-grams of them are counted", () => {
  const joined = node("Concat", ["w", "w"], ["joined"], { axis: 1 });
  const words = tensor("string", [2, 2], ["a", "b", "c", "a"]);
  const given = (last: NodeSpec): number[] =>
    elements(interpret(importOnnx(overWords([joined, last], [value("y", "i64")]), { fileName: "w.onnx" }), [words])[0]);
  const look = (op: string, attrs: Parameters<typeof node>[3]): number[] => given(node(op, ["joined"], ["y"], attrs, ML));
  expect(look("LabelEncoder", { keys_strings: ["a", "c"], values_int64s: [1, 3] })).toEqual([1, -1, 1, -1, 3, 1, 3, 1]);
  expect(look("OneHotEncoder", { cats_strings: ["a"] })).toEqual([1, 0, 1, 0, 0, 1, 0, 1]);
  const grams = {
    mode: "TF",
    min_gram_length: 1,
    max_gram_length: 2,
    max_skip_count: 0,
    ngram_counts: [0, 1],
    ngram_indexes: [0, 1],
    pool_strings: ["a", "b", "a"],
  };
  expect(given(node("TfIdfVectorizer", ["joined"], ["y"], grams))).toEqual([2, 1, 2, 0]);
});

test("what wants numbers, or a map, refuses strings", () => {
  const look = (op: string, attrs: Parameters<typeof node>[3]): NodeSpec => node(op, ["joined"], ["y"], attrs, { ...ML, name: "look" });
  const joined = node("Concat", ["w", "w"], ["joined"], { axis: 0 });
  const refused = (last: NodeSpec, code: ErrorCode = "NEO2008"): string[] =>
    noteTexts(expectRefused(code, () => importOnnx(overWords([joined, last], [value("y", "i64")]), { fileName: "w.onnx" })));
  expect(refused(look("Imputer", { imputed_value_int64s: [1], replaced_value_int64: 0 }), "NEO2005")).toEqual([
    "look: ai.onnx.ml::Imputer has an input of string, wanted numbers",
  ]);
  expect(refused(look("DictVectorizer", { string_vocabulary: ["a"] }))).toEqual(["look: ai.onnx.ml::DictVectorizer takes a map"]);
});

test("the labels of outputs are in the manifest of the bundle", async () => {
  const zip = node("ZipMap", ["scores"], ["maps"], { classlabels_strings: WORDS }, ML);
  const outputs = [value("label", "string"), value("maps", "f32")];
  const bytes = writeOnnx({ nodes: [classifier, zip], inputs: [value("x", "f32", [2, 3])], outputs, opsets: OPSETS });
  const { bundle } = await compile(bytes, { fileName: "words.onnx", compiler: "test", targets: [target("wasm")] }, { crypto: nodeCrypto });
  const { manifest } = readBundle(bundle.bytes, { trust: "unsigned", crypto: nodeCrypto });
  expect(manifest.programs[0]!.outputs).toEqual([
    { name: "label", dtype: "i64", shape: [2], bytes: 16, labels: WORDS },
    { name: "maps", dtype: "f32", shape: [2, 3], bytes: 24, labels: WORDS },
  ]);
});
