import { expect, test } from "vitest";
import { detectFormat } from "../../../src/frontends/detect.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { DEFAULT_LIMITS } from "../../../src/support/limits.ts";
import { randomTrees, writeXgboostBinary, writeXgboostJson, writeXgboostUbjson, type TreeNode, type XgboostSpec } from "../../fixtures/xgboost-writer.ts";
import { expectRefused, noteTexts } from "../onnx/refused.ts";

const spec: XgboostSpec = { objective: "reg:squarederror", features: 3, baseScore: "0.5", trees: randomTrees(1, 2, 2, 3) };
const read = (bytes: Uint8Array, more: object = {}): unknown => importModel(bytes, { fileName: "m.json", shapes: { N: 1 }, ...more });
const edited = (from: string, to: string, base: XgboostSpec = spec): Uint8Array => {
  const text = new TextDecoder().decode(writeXgboostJson(base));
  expect(text).toContain(from);
  return new TextEncoder().encode(text.replace(from, to));
};
const withTree = (...nodes: readonly TreeNode[]): XgboostSpec => ({ ...spec, trees: [randomTrees(1, 1, 1, 3)[0]!, nodes] });

test("files cut short at any byte are refused, not read", () => {
  for (const write of [writeXgboostJson, writeXgboostUbjson, writeXgboostBinary]) {
    const bytes = write(spec);
    for (let end = bytes.length - 1; end > 300; end -= 97) {
      const cut = bytes.subarray(0, end);
      expect(() => read(cut), `${write.name} of ${end} bytes`).toThrow(expect.objectContaining({ name: "NeoError" }) as Error);
    }
    expectRefused("NEO2030", () => read(bytes.subarray(0, bytes.length - 2)));
  }
});

test("the place of what is missing or odd is a path", () => {
  const path = (from: string, to: string): string[] => noteTexts(expectRefused("NEO2031", () => read(edited(from, to))));
  expect(path('"num_class":"0","num_feature":"3"', '"num_feature":"three"')).toEqual(['learner.learner_model_param.num_feature: is "three", wanted a number']);
  expect(path('"base_score":"0.5"', '"base_score":"[1,2]"')).toEqual(['learner.learner_model_param.base_score: is "[1,2]", wanted one number or 1']);
  expect(path('"name":"reg:squarederror"', '"called":"reg"')).toEqual(["learner.objective.name: is absent, wanted text"]);
  expect(path('"default_left":[', '"default_left":[1,')).toEqual([
    "learner.gradient_booster.model.trees[0].default_left: is an array of 8, wanted 7 numbers, one a node of tree 0",
  ]);
  expect(path('"name":"gbtree"', '"name":"gbforest"')).toEqual(['learner.gradient_booster.name: is "gbforest", wanted gbtree, dart or gblinear']);
});

test("cycles, children outside and features outside are refused by tree and node", () => {
  const split = { feature: 0, threshold: 1, defaultLeft: true };
  const refused = (...nodes: readonly TreeNode[]): string[] =>
    [writeXgboostJson, writeXgboostUbjson, writeXgboostBinary].flatMap((write) => noteTexts(expectRefused("NEO2072", () => read(write(withTree(...nodes))))));
  expect(refused({ ...split, left: 0, right: 1 }, { leaf: 1 })[0]).toBe("tree 1, node 0: is met a second time: nodes want one parent");
  expect(refused({ ...split, left: 1, right: 9 }, { leaf: 1 })[0]).toBe("tree 1, node 9: is not there");
  expect(refused({ ...split, feature: 3, left: 1, right: 2 }, { leaf: 1 }, { leaf: 2 })[0]).toBe("tree 1, node 0: reads feature 3, rows have 3");
});

test("a group outside, and a threshold that is no number", () => {
  expect(noteTexts(expectRefused("NEO2072", () => read(writeXgboostJson({ ...spec, treeGroups: [0, 4] }))))[0]).toMatch(
    /^tree 1, node \d: is for target 4 of 1$/,
  );
  const nan = withTree({ feature: 0, threshold: NaN, defaultLeft: true, left: 1, right: 2 }, { leaf: 1 }, { leaf: 2 });
  expect(noteTexts(expectRefused("NEO2072", () => read(writeXgboostJson(nan))))).toEqual(["tree 1, node 0: has the threshold NaN"]);
});

test("categories beyond 2^24, and sets that would take more memory than a tensor may", () => {
  const set = (category: number): XgboostSpec =>
    withTree({ feature: 0, categories: [category], defaultLeft: true, left: 1, right: 2 }, { leaf: 1 }, { leaf: 2 });
  expect(noteTexts(expectRefused("NEO2072", () => read(writeXgboostJson(set(2 ** 24)))))[0]).toBe(
    "tree 1, node 0: has the category 16777216, wanted whole numbers below 16777216",
  );
  expectRefused("NEO7003", () => read(writeXgboostJson(set(2 ** 24 - 1)), { limits: { ...DEFAULT_LIMITS, tensorBytes: 2 ** 20 } }));
});

test("objectives nobody knows, base64 and empty pickles are refused by name", () => {
  expect(expectRefused("NEO2032", () => read(writeXgboostJson({ ...spec, objective: "reg:mine" }))).message).toContain("reg:mine");
  const letters = (words: string): Uint8Array => new TextEncoder().encode(words);
  expect(expectRefused("NEO2032", () => read(letters("bs64QUJD"))).message).toContain("base64");
  expect(expectRefused("NEO2032", () => read(Uint8Array.from([0x80, 4, ...letters("xgboost.core Booster ....................")]))).message).toContain("pickle");
});

test("base scores outside of the objective's domain", () => {
  const notes = (objective: string, baseScore: string): string[] =>
    noteTexts(expectRefused("NEO2031", () => read(writeXgboostJson({ ...spec, objective, baseScore }))));
  expect(notes("binary:logistic", "1")).toEqual(["learner.learner_model_param.base_score: is 1, outside of what binary:logistic takes"]);
  expect(notes("binary:logistic", "1.5")[0]).toContain("is 1.5");
  expect(notes("count:poisson", "[-1E0]")[0]).toContain("is -1, outside of what count:poisson takes");
  expect(notes("reg:squarederror", "1e39")[0]).toContain("is Infinity");
});

test("a linear model without features", () => {
  const linear: XgboostSpec = { ...spec, weights: [1, 2, 3, 4] };
  expectRefused("NEO2031", () => read(writeXgboostBinary({ ...linear, features: 0, weights: [1] })));
  expect(() => read(writeXgboostJson(linear))).not.toThrow();
});

test("outputs and rounds that the model has not", () => {
  const bytes = writeXgboostJson(spec);
  expect(expectRefused("NEO2033", () => read(bytes, { outputKinds: ["leaf", "shap"] })).hint).toContain("predict, margin, leaf");
  expect(expectRefused("NEO2033", () => read(writeXgboostJson({ ...spec, weights: [1, 2, 3, 4] }), { outputKinds: ["leaf"] })).hint).toMatch(
    /predict, margin, contributions$/,
  );
  for (const iterations of ["best", "0:3", "1:1", "two"]) expectRefused("NEO2033", () => read(bytes, { iterations }));
});

test("rows stay open until they are bound", () => {
  expectRefused("NEO2003", () => importModel(writeXgboostJson(spec), { fileName: "m" }));
});

test("nesting, texts and keys have limits", () => {
  const deep = new TextEncoder().encode(`{"gradient_booster":${"[".repeat(100)}`);
  expect(detectFormat(deep)).toBe("xgboost");
  expectRefused("NEO7002", () => read(deep));
  expectRefused("NEO7006", () => read(writeXgboostUbjson(spec), { limits: { ...DEFAULT_LIMITS, parts: 20 } }));
  expectRefused("NEO7006", () => read(writeXgboostJson(spec), { limits: { ...DEFAULT_LIMITS, parts: 20 } }));
  expectRefused("NEO7004", () => read(writeXgboostJson(spec), { limits: { ...DEFAULT_LIMITS, nameBytes: 4 } }));
});
