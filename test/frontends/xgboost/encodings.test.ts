import { expect, test } from "vitest";
import { detectFormat } from "../../../src/frontends/detect.ts";
import { describeModel, importModel } from "../../../src/frontends/index.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import {
  randomRows,
  randomTrees,
  walkXgboost,
  writeXgboostBinary,
  writeXgboostJson,
  writeXgboostUbjson,
  type XgboostSpec,
} from "../../fixtures/xgboost-writer.ts";

const FEATURES = 5;
const ROWS = 64;
const x = randomRows(7, ROWS, FEATURES);

function run(bytes: Uint8Array, kinds: readonly string[]): number[][] {
  const graph = importModel(bytes, { fileName: "m", shapes: { N: ROWS }, outputKinds: kinds });
  return interpret(graph, [tensor("f32", [ROWS, FEATURES], x)]).map(({ data }) => Array.from(data as Float32Array));
}

const plain: XgboostSpec = { objective: "reg:squarederror", features: FEATURES, baseScore: "0.25", trees: randomTrees(1, 9, 4, FEATURES) };
const grouped: XgboostSpec = { ...plain, objective: "multi:softprob", classes: 3, treeGroups: [0, 1, 2, 0, 1, 2, 0, 1, 2], baseScore: "0.5" };
const dart: XgboostSpec = { ...plain, weightDrop: [1, 0.5, 0.3, 1, 0.1, 0.7, 0.9, 1, 0.2] };

const ENCODINGS = { json: writeXgboostJson, ubjson: writeXgboostUbjson, binary: writeXgboostBinary };

for (const [encoding, write] of Object.entries(ENCODINGS)) {
  test.each([
    ["trees", plain, [0.25]],
    ["three classes", grouped, [0.5, 0.5, 0.5]],
    ["dart", dart, [0.25]],
  ] as const)(`${encoding}: margins and leaves of %s are those of a plain walk`, (_name, spec, margins) => {
    const bytes = write(spec);
    expect(detectFormat(bytes)).toBe("xgboost");
    const want = walkXgboost(spec, margins, x);
    const [margin, leaf] = run(bytes, ["margin", "leaf"]);
    expect(margin).toEqual(Array.from(want.sums));
    expect(leaf).toEqual(want.leaves);
  });
}

test.each([writeXgboostJson, writeXgboostUbjson])("categories go right where they are in the set, whatever else lies in the column", (write) => {
  const spec: XgboostSpec = { ...plain, trees: randomTrees(3, 6, 5, FEATURES, { categories: true }) };
  const [margin] = run(write(spec), ["margin"]);
  expect(margin).toEqual(Array.from(walkXgboost(spec, [0.25], x).sums));
});

test.each([writeXgboostJson, writeXgboostUbjson])("vector leaves add to all targets; base scores are one a target", (write) => {
  const spec: XgboostSpec = { ...plain, targets: 3, baseScore: "[1E0,-2.5E-1,7E0]", version: [3, 1, 0], trees: randomTrees(4, 5, 3, FEATURES, { vector: 3 }) };
  const [margin, leaf] = run(write(spec), ["margin", "leaf"]);
  const want = walkXgboost(spec, [1, -0.25, 7], x);
  expect(margin).toEqual(Array.from(want.sums));
  expect(leaf).toEqual(want.leaves);
});

test("the base score is read as a number, in brackets of both kinds, and one for all", () => {
  const [wanted] = run(writeXgboostJson(plain), ["margin"]);
  for (const baseScore of ["[2.5E-1]", "(2.5E-1)", " 25e-2 "]) expect(run(writeXgboostJson({ ...plain, baseScore }), ["margin"])[0]).toEqual(wanted);
});

test("a linear model sums in the order of the features and passes over what is missing", () => {
  const weights = Array.from({ length: (FEATURES + 1) * 2 }, (_, i) => Math.fround(Math.sin(i)));
  const spec: XgboostSpec = { objective: "multi:softprob", classes: 2, features: FEATURES, baseScore: "0.5", weights };
  const want = Array.from({ length: ROWS * 2 }, (_, i) => {
    const [row, k] = [Math.floor(i / 2), i % 2];
    let sum = Math.fround(weights[FEATURES * 2 + k]! + 0.5);
    for (let c = 0; c < FEATURES; c++) {
      const value = x[row * FEATURES + c]!;
      if (!Number.isNaN(value)) sum = Math.fround(sum + Math.fround(value * weights[c * 2 + k]!));
    }
    return sum;
  });
  for (const write of Object.values(ENCODINGS)) expect(run(write(spec), ["margin"])[0]).toEqual(want);
});

test("a model lies behind the prefix binf, behind Spark's names, in a snapshot and in a pickle", () => {
  const [wanted] = run(writeXgboostJson(plain), ["margin"]);
  const letters = (words: string): number[] => Array.from(words, (letter) => letter.charCodeAt(0));
  const named = (word: string): number[] => [0, word.length, ...letters(word)];
  const binary = [...writeXgboostBinary(plain)];
  const [ubjson] = [[...writeXgboostUbjson(plain)]];
  const key = (word: string): number[] => [...letters("L"), 0, 0, 0, 0, 0, 0, 0, word.length, ...letters(word)];
  const snapshot = [...letters("{"), ...key("Config"), ...letters("{}"), ...key("Model"), ...ubjson, ...letters("}")];
  const pickle = [0x80, 4, ...letters("\x8c\x0cxgboost.core\x94\x8c\x07Booster\x94")];
  const files = {
    binf: [...letters("binf"), ...binary],
    regression: [...named("_reg_"), ...named("features"), ...named("label"), ...named("prediction"), ...binary],
    classifier: [...["_cls_", "features", "label", "prediction", "raw"].flatMap(named), 255, 255, 255, 255, ...binary],
    snapshot,
    oldSnapshot: [...letters("CONFIG-offset:"), 1, 2, 3, 4, 5, 6, 7, 8, ...binary, ...letters("{}")],
    pickle: [...pickle, ...snapshot, ...letters("ub.")],
    oldPickle: [...pickle, ...letters("binf"), ...binary, ...letters("ub.")],
  };
  for (const [name, bytes] of Object.entries(files)) {
    const file = Uint8Array.from(bytes);
    expect(detectFormat(file), name).toBe("xgboost");
    expect(run(file, ["margin"])[0], name).toEqual(wanted);
  }
});

test("names of features are labels of the input; the description tells version, objective and open rows", () => {
  const featureNames = ["age", "height", "weight", "income", "city"];
  const bytes = writeXgboostJson({ ...grouped, featureNames, version: [3, 2, 0] });
  expect(importModel(bytes, { fileName: "m", shapes: { N: 1 } }).labels.get("x")).toEqual(featureNames);
  const description = describeModel(bytes, "m");
  expect(description).toMatchObject({ format: "xgboost", version: { producer: "XGBoost 3.2.0" }, opCounts: { "multi:softprob": 1, "trees (gbtree)": 9 } });
  expect(description.inputs[0]!.dims).toEqual(["N", FEATURES]);
  expect(description.outputs[0]!.dims).toEqual(["N", 3]);
});

test("iterations choose rounds, by number or by what the file calls the best", () => {
  const spec: XgboostSpec = { ...grouped, attributes: { best_iteration: "1" }, iterationStarts: [0, 3, 6, 9] };
  const bytes = writeXgboostJson(spec);
  const margins = (iterations: string): number[] => {
    const graph = importModel(bytes, { fileName: "m", shapes: { N: ROWS }, outputKinds: ["margin"], iterations });
    return Array.from(interpret(graph, [tensor("f32", [ROWS, FEATURES], x)])[0]!.data as Float32Array);
  };
  const walked = (begin: number, end: number): number[] =>
    Array.from(
      walkXgboost({ ...spec, trees: spec.trees!.slice(begin * 3, end * 3), treeGroups: spec.treeGroups!.slice(begin * 3, end * 3) }, [0.5, 0.5, 0.5], x).sums,
    );
  expect(margins("best")).toEqual(walked(0, 2));
  expect(margins("1:3")).toEqual(walked(1, 3));
  expect(margins("all")).toEqual(walked(0, 3));
});
