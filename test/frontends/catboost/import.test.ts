import { expect, test } from "vitest";
import { describeModel, importModel } from "../../../src/frontends/index.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { DEFAULT_LIMITS } from "../../../src/support/limits.ts";
import { floatSplit, obliviousTrees, oneHotSplit, writeCatboost, type CatboostSpec, type NestedTree } from "../../fixtures/catboost-writer.ts";
import { expectRefused, noteTexts } from "../onnx/refused.ts";

const spec: CatboostSpec = { loss: "RMSE", floats: 2, biases: [0.25], oblivious: obliviousTrees(1, 3, 2, 2, 1) };
const read = (bytes: Uint8Array, more: object = {}): ReturnType<typeof importModel> => importModel(bytes, { fileName: "m.json", shapes: { N: 3 }, ...more });
const run = (of: CatboostSpec, inputs: readonly Tensor[], more: object = {}): number[][] =>
  interpret(read(writeCatboost(of), more), inputs).map(({ data }) => Array.from(data as Float64Array, Number));
const x = tensor("f32", [3, 2], [0, 0, 1, NaN, NaN, 1]);

test("the answer of split k is bit k of the leaf; NaN is answered as the feature says", () => {
  const one: CatboostSpec = { ...spec, oblivious: [{ splits: [floatSplit(0, 0.5), floatSplit(1, 0.5)], leaf_values: [1, 2, 4, 8], leaf_weights: [] }] };
  expect(run(one, [x], { outputKinds: ["raw", "leaf"] })).toEqual([
    [1.25, 8.25, 4.25],
    [0, 3, 2],
  ]);
  expect(run({ ...one, scale: 2 }, [x])).toEqual([[2.25, 16.25, 8.25]]);
});

test("trees that are not oblivious, leaves counted from the left", () => {
  const leaf = (value: number): NestedTree => ({ value, weight: 1 });
  const nested: NestedTree = { split: floatSplit(0, 0.5), left: { split: floatSplit(1, 0.5), left: leaf(1), right: leaf(2) }, right: leaf(4) };
  expect(run({ loss: "RMSE", floats: 2, biases: [0.25], nested: [nested, leaf(8)] }, [x], { outputKinds: ["predict", "leaf"] })).toEqual([
    [9.25, 12.25, 10.25],
    [0, 0, 2, 0, 1, 0],
  ]);
});

test("categories by one-hot are an input of their hashes", () => {
  const oneHot: CatboostSpec = {
    ...spec,
    categories: 1,
    oblivious: [{ splits: [oneHotSplit(0, -2021404689), floatSplit(0, 0.5)], leaf_values: [1, 2, 4, 8], leaf_weights: [] }],
  };
  const hashes = tensor("i32", [3, 1], [-2021404689, 5, -2021404690]);
  expect(run(oneHot, [x, hashes])).toEqual([[2.25, 4.25, 1.25]]);
  expect(describeModel(writeCatboost(oneHot), "m.json").inputs.map(({ name, dims }) => [name, dims])).toEqual([
    ["x", ["N", 2]],
    ["categories", ["N", 1]],
  ]);
});

test("classes have the file's names", () => {
  const classes: CatboostSpec = { ...spec, loss: "MultiClass", biases: [0, 0, 0], classNames: ["a", "b", 7], oblivious: obliviousTrees(2, 2, 2, 2, 3) };
  const graph = read(writeCatboost(classes), { outputKinds: ["probability", "class"] });
  expect(graph.labels.get("class")).toEqual(["a", "b", "7"]);
  const [probability, found] = interpret(graph, [x]).map(({ data }) => Array.from(data as Float64Array, Number));
  for (let row = 0; row < 3; row++) {
    const mine = probability!.slice(row * 3, row * 3 + 3);
    expect(mine.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(mine.indexOf(Math.max(...mine))).toBe(found![row]);
  }
});

test("parameters of old files are text", () => {
  const old = { model_info: { params: JSON.stringify({ loss_function: { type: "Poisson" } }) } };
  const [raw, predict] = run({ ...spec, more: old }, [x], { outputKinds: ["raw", "predict"] });
  raw!.forEach((value, i) => expect(predict![i]).toBeCloseTo(Math.exp(value), 12));
});

test("features that CatBoost computes are refused by name", () => {
  const ctr = {
    features_info: {
      float_features: [],
      categorical_features: [{ feature_id: "colour", feature_index: 0 }],
      ctrs: [{ elements: [{ cat_feature_index: 0, combination_element: "cat_feature_value" }] }],
    },
  };
  const notes = noteTexts(expectRefused("NEO2034", () => read(writeCatboost({ ...spec, more: ctr }))));
  expect(notes).toEqual(['features_info: "colour": statistics of the target by category (CTR), not one-hot']);
  const words = { features_info: { float_features: [], text_features: [{ feature_index: 0 }] } };
  expect(noteTexts(expectRefused("NEO2034", () => read(writeCatboost({ ...spec, more: words }))))).toEqual(["features_info: text_features"]);
});

test.each<[string, object, string]>([
  [
    "leaves that disagree with the splits",
    { oblivious_trees: [{ splits: [floatSplit(0, 1)], leaf_values: [1] }] },
    "oblivious_trees[0].leaf_values: is an array of 1, wanted 2 numbers, 1 for each way through 1 splits",
  ],
  [
    "a feature outside",
    { oblivious_trees: [{ splits: [floatSplit(2, 1)], leaf_values: [1, 2] }] },
    "oblivious_trees[0].splits[0].float_feature_index: is 2, wanted a feature below 2",
  ],
  [
    "a category outside",
    { oblivious_trees: [{ splits: [oneHotSplit(0, 1)], leaf_values: [1, 2] }] },
    "oblivious_trees[0].splits[0].cat_feature_index: is 0, wanted a feature below 0",
  ],
  [
    "a test nobody knows",
    { oblivious_trees: [{ splits: [{ split_type: "Mine" }], leaf_values: [1, 2] }] },
    'oblivious_trees[0].splits[0].split_type: is "Mine", wanted FloatFeature or OneHotFeature',
  ],
  [
    "a border that is none",
    { oblivious_trees: [{ splits: [floatSplit(0, "x" as never)], leaf_values: [1, 2] }] },
    'oblivious_trees[0].splits[0].border: is "x", wanted a number',
  ],
  [
    "a vector where one number is wanted",
    { oblivious_trees: null, trees: [{ value: [1, 2], weight: 1 }] },
    "trees[0].value: is an array of 2, wanted 1 numbers",
  ],
  ["a bias that is none", { scale_and_bias: [1, ["x"]] }, 'scale_and_bias[1][0]: is "x", wanted a number'],
  [
    "nan treated in a way nobody knows",
    { features_info: { float_features: [{ feature_index: 0, nan_value_treatment: "Maybe" }] } },
    'features_info.float_features[0].nan_value_treatment: is "Maybe", wanted AsIs, AsFalse or AsTrue',
  ],
  [
    "features in another order",
    { features_info: { float_features: [{ feature_index: 1 }] } },
    "features_info.float_features[0].feature_index: is 1, wanted 0, its place",
  ],
])("%s is refused by its place", (_, more, wanted) => {
  const [note] = noteTexts(expectRefused("NEO2031", () => read(writeCatboost({ ...spec, more }))));
  expect(note).toBe(wanted);
});

test("losses nobody knows, outputs that a loss has not, files cut short, deep trees", () => {
  expect(expectRefused("NEO2032", () => read(writeCatboost({ ...spec, loss: "Mine" }))).message).toContain("Mine");
  expect(expectRefused("NEO2033", () => read(writeCatboost(spec), { outputKinds: ["probability"] })).hint).toMatch(/predict, raw, leaf$/);
  const bytes = writeCatboost(spec);
  expectRefused("NEO2030", () => read(bytes.subarray(0, bytes.length - 2)));
  let deep: NestedTree = { value: 1, weight: 1 };
  for (let i = 0; i < 500; i++) deep = { split: floatSplit(0, i), left: { value: i, weight: 1 }, right: deep };
  const of = writeCatboost({ loss: "RMSE", floats: 1, biases: [0], nested: [deep] });
  expect(() => read(of)).not.toThrow();
  expectRefused("NEO7002", () => read(of, { limits: { ...DEFAULT_LIMITS, depth: 5 } }));
});
