import { expect, test } from "vitest";
import { importModel } from "../../src/frontends/index.ts";
import type { ErrorCode } from "../../src/support/errors.ts";
import { floatSplit, obliviousTrees, writeCatboost, type CatboostSpec } from "../fixtures/catboost-writer.ts";
import { leafWiseTrees, writeLightgbmDump, writeLightgbmText, type LightgbmSpec, type LightgbmTreeSpec } from "../fixtures/lightgbm-writer.ts";
import { randomTrees, writeXgboostBinary, writeXgboostJson, writeXgboostUbjson, type TreeNode, type XgboostSpec } from "../fixtures/xgboost-writer.ts";
import { expectRefused, noteTexts } from "./onnx/refused.ts";

/** Each in the second tree, so that the number of the tree says something. */
const plain: XgboostSpec = { objective: "reg:squarederror", features: 3, baseScore: "0.5", trees: [] };
const split = { feature: 0, threshold: 1, defaultLeft: true, left: 1, right: 2 };
const leaves: readonly TreeNode[] = [{ leaf: 1 }, { leaf: 2 }];
const xgboost = (...nodes: readonly TreeNode[]): XgboostSpec => ({ ...plain, trees: [randomTrees(1, 1, 1, 3)[0]!, nodes] });
const vectors: XgboostSpec = { ...plain, targets: 2, trees: randomTrees(3, 2, 1, 3, { vector: 2 }) };

const lightgbmSplit = { feature: 0, threshold: 1, missing: "none" as const, defaultLeft: false, left: -1, right: -2 };
const lightgbm = (...splits: LightgbmTreeSpec["splits"]): LightgbmSpec => ({
  objective: "regression",
  features: 3,
  trees: [leafWiseTrees(1, 1, 3, 3)[0]!, { splits, leaves: Array.from({ length: splits.length + 1 }, (_, i) => i) }],
});
const catboost: CatboostSpec = { loss: "RMSE", floats: 2, biases: [0] };
const first = obliviousTrees(1, 1, 2, 2, 1)[0]!;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const changed = (bytes: Uint8Array, from: string | RegExp, to: string): Uint8Array => {
  const text = new TextDecoder().decode(bytes);
  expect(text).toMatch(from);
  return bytesOf(text.replace(from, to));
};

const XGBOOST = [writeXgboostJson, writeXgboostUbjson, writeXgboostBinary];
const CASES: readonly (readonly [what: string, files: readonly Uint8Array[], code: ErrorCode, place: RegExp])[] = [
  ["XGBoost: a cycle", XGBOOST.map((write) => write(xgboost({ ...split, right: 0 }, ...leaves))), "NEO2072", /^tree 1, node 0: is met a second time/],
  ["XGBoost: a child outside", XGBOOST.map((write) => write(xgboost({ ...split, right: 7 }, ...leaves))), "NEO2072", /^tree 1, node 7: is not there/],
  ["XGBoost: a child below -1", XGBOOST.map((write) => write(xgboost({ ...split, left: -9 }, ...leaves))), "NEO2072", /^tree 1, node -9: is not there/],
  [
    "XGBoost: a feature outside",
    XGBOOST.map((write) => write(xgboost({ ...split, feature: 3 }, ...leaves))),
    "NEO2072",
    /^tree 1, node 0: reads feature 3, rows have 3/,
  ],
  [
    "XGBoost: a threshold NaN",
    XGBOOST.map((write) => write(xgboost({ ...split, threshold: NaN }, ...leaves))),
    "NEO2072",
    /^tree 1, node 0: has the threshold NaN/,
  ],
  [
    "XGBoost: a category beyond 2^24",
    [writeXgboostJson, writeXgboostUbjson].map((write) =>
      write(xgboost({ feature: 0, categories: [2 ** 24], defaultLeft: true, left: 1, right: 2 }, ...leaves)),
    ),
    "NEO2072",
    /^tree 1, node 0: has the category 16777216/,
  ],
  [
    "XGBoost: vectors of another size than the groups",
    [changed(writeXgboostJson(vectors), /"size_leaf_vector":"2"(?![\s\S]*"size_leaf_vector")/, '"size_leaf_vector":"3"')],
    "NEO2031",
    /trees\[1\]\.tree_param\.size_leaf_vector: is "3", wanted 1 or 2/,
  ],
  [
    "XGBoost: arrays of another length than the nodes",
    [changed(writeXgboostJson(xgboost(split, ...leaves)), /"default_left":\[1,(?![\s\S]*"default_left")/, '"default_left":[')],
    "NEO2031",
    /trees\[1\]\.default_left: is an array of 2, wanted 3 numbers, one a node of tree 1/,
  ],
  [
    "XGBoost: a base score outside of its domain",
    XGBOOST.map((write) => write({ ...xgboost(split, ...leaves), objective: "binary:logistic", baseScore: "1" })),
    "NEO2031",
    /base_score: is 1, outside of what binary:logistic takes/,
  ],
  ["LightGBM: a cycle", [writeLightgbmText(lightgbm({ ...lightgbmSplit, left: 0 }))], "NEO2072", /^tree 1, node 0: is met a second time/],
  ["LightGBM: a child outside", [writeLightgbmText(lightgbm({ ...lightgbmSplit, left: 5 }))], "NEO2072", /^tree 1, node 5: is not there/],
  ["LightGBM: a leaf outside", [writeLightgbmText(lightgbm({ ...lightgbmSplit, left: -7 }))], "NEO2072", /^tree 1, node -7: is not there/],
  [
    "LightGBM: a feature outside",
    [writeLightgbmText, writeLightgbmDump].map((write) => write(lightgbm({ ...lightgbmSplit, feature: 3 }))),
    "NEO2072",
    /^tree 1, node 0: reads feature 3, rows have 3/,
  ],
  [
    "LightGBM: a threshold NaN",
    [changed(writeLightgbmText(lightgbm(lightgbmSplit)), /threshold=1(?![\s\S]*threshold=)/, "threshold=nan")],
    "NEO2072",
    /^tree 1, node 0: has the threshold NaN/,
  ],
  [
    "LightGBM: a category beyond 2^24",
    [writeLightgbmDump(lightgbm({ ...lightgbmSplit, categories: [2 ** 24] }))],
    "NEO2072",
    /^tree 1, node 0: has the category 16777216/,
  ],
  [
    "LightGBM: fewer leaves than there should be",
    [changed(writeLightgbmText(lightgbm(lightgbmSplit)), /leaf_value=0 1/, "leaf_value=0")],
    "NEO2031",
    /^tree 1, line \d+: leaf_value is there, wanted 2 numbers, found 1/,
  ],
  [
    "CatBoost: leaves that disagree with the splits",
    [writeCatboost({ ...catboost, oblivious: [first, { splits: [floatSplit(0, 1)], leaf_values: [1, 2, 3] }] })],
    "NEO2031",
    /^oblivious_trees\[1\]\.leaf_values: is an array of 3, wanted 2/,
  ],
  [
    "CatBoost: a feature outside",
    [writeCatboost({ ...catboost, oblivious: [first, { splits: [floatSplit(9, 1)], leaf_values: [1, 2] }] })],
    "NEO2031",
    /^oblivious_trees\[1\]\.splits\[0\]\.float_feature_index: is 9/,
  ],
];

test.each(CASES)("%s is refused by tree and node", (_, files, code, place) => {
  for (const bytes of files) {
    const error = expectRefused(code, () => importModel(bytes, { fileName: "m", shapes: { N: 1 } }));
    expect(noteTexts(error)[0]).toMatch(place);
  }
});

test("a split without cover gives no contributions, and says which; everything else it gives", () => {
  const bytes = changed(writeXgboostJson(xgboost(split, ...leaves)), /"sum_hessian":\[2,1,1\](?![\s\S]*"sum_hessian")/, '"sum_hessian":[0,1,1]');
  const read = (outputKinds: readonly string[]) => () => importModel(bytes, { fileName: "m", shapes: { N: 1 }, outputKinds });
  expect(noteTexts(expectRefused("NEO2072", read(["contributions"])))).toEqual(["tree 1, node 0: has the cover 0, wanted one above 0"]);
  expect(read(["predict", "leaf"])).not.toThrow();
  const none = changed(writeXgboostJson(xgboost(split, ...leaves)), /"sum_hessian":\[[^\]]*\],/g, "");
  const error = expectRefused("NEO2033", () => importModel(none, { fileName: "m", shapes: { N: 1 }, outputKinds: ["contributions"] }));
  expect(error.message).toContain("nodes of tree 0");
});

test("LightGBM files without counts say at which node one is wanted", () => {
  const error = expectRefused("NEO2072", () =>
    importModel(writeLightgbmText(lightgbm(lightgbmSplit)), { fileName: "m", shapes: { N: 1 }, outputKinds: ["contributions"] }),
  );
  expect(noteTexts(error)[0]).toMatch(/^tree 0, node -?\d+: has the cover NaN/);
});
