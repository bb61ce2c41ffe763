import { tensor } from "../../../src/ir/tensor.ts";
import { float, floats } from "../../fixtures/onnx-writer.ts";
import { DOUBLE_TREE_CASES, LISTED_TREE_CASES, TREE_CASES } from "./ml-tree-cases.ts";
import { f32, i64, type OneNode } from "./one-node.ts";

const ml = (op: string, inputs: OneNode["inputs"], attrs: OneNode["attrs"] = {}, more: Partial<OneNode> = {}): OneNode => ({
  op,
  domain: "ai.onnx.ml",
  inputs,
  attrs,
  ...more,
});

/** `count` numbers between -1 and 1, the same every time. */
function weights(count: number, seed = 1): { readonly floats: readonly number[] } {
  return floats(...Array.from({ length: count }, (_, i) => Math.fround(Math.sin(1.7 * i * i + 3.1 * seed + i))));
}

const score = { outputs: ["i64", "f32"] } as const;
const real = { outputs: ["f32"] } as const;

const features: OneNode[] = [
  ml("Scaler", ["4x3xf32"], { offset: floats(0.5, -1, 0), scale: floats(2, 0.5, 3) }),
  ml("Scaler", ["3xf32"], { offset: floats(0.5, 1, 2), scale: floats(2, 0.5, 3) }),
  ml("Scaler", ["4x3xi64"], { offset: floats(1, 2, 3), scale: floats(0.1, 0.2, 0.3) }, real),
  ml("Scaler", ["4x3xi32"], { offset: floats(1), scale: floats(0.1) }, real),
  ml("Scaler", ["4x3xf64"], { offset: floats(1, 2, 3), scale: floats(0.1, 0.2, 0.3) }, real),
  ...["MAX", "L1", "L2"].map((norm) => ml("Normalizer", ["3x4xf32"], { norm })),
  ...["MAX", "L1", "L2"].map((norm) => ml("Normalizer", [f32([2, 3], 0, 0, 0, -3, -1, -2)], { norm })),
  ml("Normalizer", ["5xf32"], { norm: "L2" }),
  ml("Normalizer", ["3x4xi64"], { norm: "L1" }, real),
  ml("Binarizer", ["3x4xf32"], { threshold: float(0.3) }),
  ml("Binarizer", ["7xf32"]),
  ml("Imputer", [f32([2, 3], NaN, 1, 2, 3, NaN, 4)], { imputed_value_floats: floats(7, 8, 9), replaced_value_float: float(NaN) }),
  ml("Imputer", [f32([2, 3], 0, 1, 2, 3, 0, 4)], { imputed_value_floats: floats(7), replaced_value_float: float(0) }),
  ml("Imputer", ["2x3xi64 in 0..2"], { imputed_value_int64s: [70, 80, 90], replaced_value_int64: 1 }),
  ml("ArrayFeatureExtractor", ["3x4xf32", i64(2, 0, 2)]),
  ml("ArrayFeatureExtractor", ["5xi64", i64(4, 1)]),
  ml("ArrayFeatureExtractor", ["2x3x4xf32", i64(3)]),
  ml("ArrayFeatureExtractor", [i64(10, 20, 30), "4xi64 in 0..2"]),
  ml("FeatureVectorizer", ["3x2xf32", "3x4xf32", "3x1xf32"], { inputdimensions: [2, 3, 2] }),
  ml("FeatureVectorizer", ["3xi64", "2xi64"], { inputdimensions: [3, 1] }, real),
];

const linear: OneNode[] = [
  ml("LinearRegressor", ["4x3xf32"], { coefficients: weights(3), intercepts: floats(0.5) }),
  ml("LinearRegressor", ["4x3xf32"], { coefficients: weights(6), targets: 2 }),
  ml("LinearRegressor", ["4x3xf32"], { coefficients: weights(3), post_transform: "LOGISTIC" }),
  ...["SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"].map((post_transform) =>
    ml("LinearRegressor", ["4x3xf32"], { coefficients: weights(9), intercepts: floats(0.5, 1, -1), targets: 3, post_transform }),
  ),
  ml("LinearRegressor", ["3xf32"], { coefficients: weights(3), intercepts: floats(0.5) }),
  ...["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"].map((post_transform) =>
    ml("LinearClassifier", ["5x4xf32"], { coefficients: weights(12), intercepts: weights(3, 2), classlabels_ints: [10, 20, 30], post_transform }, score),
  ),
  ml(
    "LinearClassifier",
    ["5x2xf32 in 0.2..0.3"],
    { coefficients: floats(1, 1, 0.5, 0.5), intercepts: floats(0.3, -0.1), classlabels_ints: [1, 2], post_transform: "PROBIT" },
    score,
  ),
  ml("LinearClassifier", ["5x3xf32"], { coefficients: weights(6), intercepts: floats(0.1, -0.1), classlabels_ints: [3, 7], multi_class: 1 }, score),
  ...["NONE", "LOGISTIC", "SOFTMAX"].map((post_transform) =>
    ml("LinearClassifier", ["6x3xf32"], { coefficients: weights(3), intercepts: floats(0.1), classlabels_ints: [3, 7], post_transform }, score),
  ),
  ml("LinearClassifier", ["6x3xi64"], { coefficients: weights(6), intercepts: floats(0.1, 0.2), classlabels_ints: [3, 4] }, score),
  ml("LinearClassifier", ["6x3xf64"], { coefficients: weights(6), intercepts: floats(0.1, 0.2), classlabels_ints: [3, 4] }, score),
];

const kernel = (kernel_type: string, gamma = 0.4, coef0 = 0.2, degree = 3): OneNode["attrs"] => ({ kernel_type, kernel_params: floats(gamma, coef0, degree) });
const KERNELS = ["LINEAR", "POLY", "RBF", "SIGMOID"].map((type) => kernel(type));
const three = {
  classlabels_ints: [5, 6, 7],
  vectors_per_class: [2, 1, 3],
  support_vectors: weights(18),
  coefficients: weights(12, 3),
  rho: floats(0.1, -0.2, 0.3),
};
const two = { classlabels_ints: [5, 9], vectors_per_class: [2, 2], support_vectors: weights(12), coefficients: weights(4, 3), rho: floats(0.1) };
const probabilities = { prob_a: floats(-1.5, -2, -0.7), prob_b: floats(0.1, 0, -0.2) };

const svm: OneNode[] = [
  ...KERNELS.map((attrs) =>
    ml("SVMRegressor", ["5x3xf32"], { ...attrs, n_supports: 4, support_vectors: weights(12), coefficients: weights(4, 2), rho: floats(0.25) }),
  ),
  ml("SVMRegressor", ["5x3xf32"], {
    ...kernel("POLY", 0.4, 2.5, 2),
    n_supports: 2,
    support_vectors: weights(6),
    coefficients: weights(2, 2),
    rho: floats(0.25),
    one_class: 1,
  }),
  ml("SVMRegressor", ["5x3xf32"], { ...kernel("LINEAR"), n_supports: 0, coefficients: weights(3), rho: floats(0.25) }),
  ...KERNELS.map((attrs) => ml("SVMClassifier", ["7x3xf32"], { ...attrs, ...three }, score)),
  ml("SVMClassifier", ["7x3xf32"], { ...kernel("RBF"), ...three, ...probabilities }, score),
  ml("SVMClassifier", ["7x3xf32"], { ...kernel("RBF"), ...three, ...probabilities, post_transform: "SOFTMAX" }, score),
  ml("SVMClassifier", ["7x3xf32"], { ...kernel("RBF"), ...three, post_transform: "LOGISTIC" }, score),
  ...["NONE", "LOGISTIC", "SOFTMAX"].map((post_transform) => ml("SVMClassifier", ["7x3xf32"], { ...kernel("RBF"), ...two, post_transform }, score)),
  ml("SVMClassifier", ["7x3xf32"], { ...kernel("LINEAR"), ...two, prob_a: floats(-1.5), prob_b: floats(0.2) }, score),
  ml("SVMClassifier", ["3xf32"], { ...kernel("RBF"), ...three }, score),
  ml("SVMClassifier", ["7x3xf64"], { ...kernel("RBF"), ...three }, score),
  ml("SVMClassifier", ["7x3xf32"], { ...kernel("LINEAR"), classlabels_ints: [5, 6, 7], coefficients: weights(9), rho: floats(0.1) }, score),
  ml("SVMClassifier", ["7x3xf32"], { ...kernel("LINEAR"), classlabels_ints: [5, 6], coefficients: weights(6), rho: floats(0.1) }, score),
  ml(
    "SVMClassifier",
    ["7x3xf32"],
    { ...kernel("LINEAR"), classlabels_ints: [5, 6], coefficients: floats(0.1, 0.2, 0.3, 0.4, 0.1, 0), rho: floats(0.1) },
    score,
  ),
  ml(
    "SVMClassifier",
    ["7x3xf32"],
    { ...kernel("LINEAR"), classlabels_ints: [5, 6, 8], coefficients: weights(9), rho: floats(0), post_transform: "SOFTMAX" },
    score,
  ),
];

const encoders: OneNode[] = [
  ml("LabelEncoder", ["2x5xi64 in 0..4"], { keys_int64s: [1, 3, 4], values_int64s: [10, 30, 40], default_int64: -7 }),
  ml("LabelEncoder", ["6xi64 in 0..3"], { keys_int64s: [0, 1, 2], values_floats: floats(0.5, 1.5, 2.5), default_float: float(9) }, real),
  ml("LabelEncoder", [f32([4], 1, 2, 0.5, -1)], { keys_floats: floats(0.5, 1, 2), values_int64s: [5, 6, 7] }, { outputs: ["i64"] }),
  ml("LabelEncoder", [f32([4], 1, 2, 0.5, -1)], { keys_floats: floats(0.5, 1, 2), values_floats: floats(5, 6, 7) }),
  ml("LabelEncoder", ["6xi64 in 0..3"], { keys_int64s: [1, 1], values_int64s: [5, 6] }),
  ml("LabelEncoder", [f32([3], NaN, 1, 2)], { keys_floats: floats(NaN, 1), values_floats: floats(5, 6), default_float: float(-2) }),
  ml("OneHotEncoder", ["2x4xi64 in 0..4"], { cats_int64s: [1, 3, 4] }, real),
  ml("OneHotEncoder", ["5xf32 in -1..4"], { cats_int64s: [0, 2, 3] }, real),
  ml("OneHotEncoder", ["5xf64 in -1..4"], { cats_int64s: [0, 2, 3] }, real),
];

const tensors: OneNode[] = [
  ml(
    "LabelEncoder",
    ["2x5xi64 in 0..4"],
    { keys_tensor: i64(1, 3), values_tensor: tensor("f64", [2], [0.5, 1.5]), default_tensor: tensor("f64", [1], [-1]) },
    { outputs: ["f64"] },
  ),
  ml("LabelEncoder", [tensor("f64", [3], [1, 2.5, NaN])], {
    keys_tensor: tensor("f64", [2], [NaN, 2.5]),
    values_tensor: tensor("f64", [2], [7, 8]),
    default_tensor: tensor("f64", [1], [-1]),
  }),
];

/** One-node models of ai.onnx.ml by family, with the version of the domain that has them; compared with ONNX Runtime. */
export const ML_CASES: Readonly<Record<string, { readonly version: number; readonly cases: readonly OneNode[] }>> = {
  features: { version: 1, cases: features },
  linear: { version: 1, cases: linear },
  "support vectors": { version: 1, cases: svm },
  encoders: { version: 2, cases: encoders },
  "encoders by tensors": { version: 4, cases: tensors },
  trees: { version: 1, cases: TREE_CASES },
  "trees of doubles": { version: 3, cases: DOUBLE_TREE_CASES },
  "trees in lists": { version: 5, cases: LISTED_TREE_CASES },
};
