import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeData } from "../../src/ir/tensor.ts";
import type { GoldenCase, GoldenTensor } from "./golden.ts";

const FOLDER = "lightgbm/leaves";

/** Models that came to the corpus with rows and results as text, of the library that trained them. */
const SETS = [
  {
    model: "lg_dart_breast_cancer.model",
    rows: "xgboost/leaves/breast_cancer_test.tsv",
    output: "predict",
    results: "lg_dart_breast_cancer_true_predictions.txt",
  },
  { model: "lg_kddcup99.model", rows: "xgboost/leaves/kddcup99_test.tsv", output: "raw", results: "lg_kddcup99_true_predictions.txt" },
  { model: "lg_breast_cancer.txt", rows: `${FOLDER}/lg_breast_cancer_data.txt`, output: "leaf", results: "lg_breast_cancer_data_pred_leaves.txt" },
] as const;

/** Cases of them, as goldens are, for as far as their files are there. */
export function upstreamCases(root: string): GoldenCase[] {
  return SETS.filter(({ model }) => existsSync(join(root, FOLDER, model))).map(({ model, rows, output, results }) => {
    const [x, want] = [matrix(join(root, rows)), matrix(join(root, FOLDER, results))];
    const bytes = [encodeData("f64", x.data), encodeData("f64", want.data)];
    const tensor = (name: string, shape: readonly number[], offset: number, byteLength: number): GoldenTensor => ({
      name,
      dtype: "float64",
      shape,
      offset,
      byteLength,
    });
    return {
      name: `lightgbm/upstream_${model.replace(/\.\w+$/, "")}`,
      format: "lightgbm",
      model: `${FOLDER}/${model}`,
      inputs: [tensor("x", x.shape, 0, bytes[0]!.length)],
      outputs: [tensor(output, want.shape, bytes[0]!.length, bytes[1]!.length)],
      blob: () => Buffer.concat(bytes),
      manifest: {},
    };
  });
}

/** Numbers of a text, one line a row. */
function matrix(path: string): { readonly shape: readonly [number, number]; readonly data: Float64Array } {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const rows = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return { shape: [rows.length, rows[0]!.length], data: Float64Array.from(rows.flat()) };
}
