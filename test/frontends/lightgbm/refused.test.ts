import { expect, test } from "vitest";
import { importModel } from "../../../src/frontends/index.ts";
import { DEFAULT_LIMITS } from "../../../src/support/limits.ts";
import { leafWiseTrees, writeLightgbmDump, writeLightgbmText, type LightgbmSpec } from "../../fixtures/lightgbm-writer.ts";
import { expectRefused, noteTexts } from "../onnx/refused.ts";

const spec: LightgbmSpec = { objective: "regression", features: 3, trees: leafWiseTrees(1, 2, 4, 3) };
const text = new TextDecoder().decode(writeLightgbmText(spec));
const read = (model: string | Uint8Array, more: object = {}): unknown =>
  importModel(typeof model === "string" ? new TextEncoder().encode(model) : model, { fileName: "m.txt", shapes: { N: 1 }, ...more });

function notes(from: string | RegExp, to: string): string[] {
  const model = text.replace(from, to);
  expect(model).not.toBe(text);
  return noteTexts(expectRefused("NEO2031", () => read(model)));
}

test("lines that are absent, short or odd are refused by tree and line", () => {
  const line = text.split("\n").findIndex((words) => words.startsWith("split_feature="));
  expect(notes(/split_feature=.*/, "split_feature=1 2")).toEqual([`tree 0, line ${line + 1}: split_feature is there, wanted 3 numbers, found 2`]);
  expect(notes(/left_child=.*\n/, "")[0]).toMatch(/^tree 0, line \d+: left_child is absent, wanted a value$/);
  expect(notes(/num_leaves=4/, "num_leaves=four")[0]).toContain('num_leaves is there, wanted numbers; one is "four"');
  expect(notes(/decision_type=\d+/, "decision_type=12")[0]).toContain("flags below 12; split 0 has 12");
  expect(notes("num_tree_per_iteration=1", "num_tree_per_iteration=3")[0]).toContain("wanted a divisor of the number of trees, 2");
});

test("children, features and sets outside", () => {
  const error = expectRefused("NEO2072", () => read(text.replace(/left_child=\S+/, "left_child=9")));
  expect(noteTexts(error)[0]).toBe("tree 0, node 9: is not there");
  expectRefused("NEO2072", () => read(text.replace(/split_feature=\d/, "split_feature=7")));
  const sets: LightgbmSpec = {
    ...spec,
    trees: [{ splits: [{ feature: 0, categories: [1, 70], missing: "none", defaultLeft: false, left: -1, right: -2 }], leaves: [1, 2] }],
  };
  const words = new TextDecoder().decode(writeLightgbmText(sets));
  for (const [from, to] of [
    ["threshold=0", "threshold=1"],
    ["cat_boundaries=0 3", "cat_boundaries=0 4"],
    ["cat_threshold=2", "cat_threshold=-2"],
  ] as const)
    expectRefused("NEO2031", () => read(words.replace(from, to)));
});

test("the dump: what is absent, a number used twice, an odd comparison", () => {
  const dump = new TextDecoder().decode(writeLightgbmDump(spec));
  const path = (from: string | RegExp, to: string): string => noteTexts(expectRefused("NEO2031", () => read(dump.replace(from, to))))[0]!;
  expect(path('"max_feature_idx":2', '"max_feature_idx":"two"')).toBe(
    'max_feature_idx: is "two", wanted a whole number from -1 to 2147483646'.replace("a whole number from -1 to 2147483646", "a number"),
  );
  expect(path('"split_index":1', '"split_index":0')).toMatch(/wanted a number that no other split of the tree has$/);
  expect(path(/"decision_type":"[<=]+"/, '"decision_type":">"')).toMatch(/decision_type: is ">", wanted <= or ==$/);
  expect(path(/"missing_type":"\w+"/, '"missing_type":"maybe"')).toMatch(/wanted None, Zero or NaN$/);
});

test("objectives nobody knows, and outputs that are called otherwise", () => {
  expect(expectRefused("NEO2032", () => read(text.replace("objective=regression", "objective=mine"))).message).toContain("mine");
  expect(expectRefused("NEO2033", () => read(text, { outputKinds: ["margin"] })).hint).toContain("predict, raw, leaf");
  expectRefused("NEO2033", () => read(text, { iterations: "best" }));
});

test("a deep dump is read without recursion, and has a limit", () => {
  const depth = 900;
  const splits = Array.from({ length: depth }, (_, n) => ({
    feature: 1,
    threshold: n,
    missing: "none" as const,
    defaultLeft: false,
    left: ~n,
    right: n + 1 < depth ? n + 1 : ~depth,
  }));
  const deep = writeLightgbmDump({ ...spec, trees: [{ splits, leaves: Array.from({ length: depth + 1 }, (_, i) => i) }] });
  expect(() => read(deep)).not.toThrow();
  expectRefused("NEO7002", () => read(deep, { limits: { ...DEFAULT_LIMITS, depth: 10 } }));
  expectRefused("NEO7001", () => read(text, { limits: { ...DEFAULT_LIMITS, nodes: 1 } }));
});
