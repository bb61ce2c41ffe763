import { describeModel, importModel } from "../../src/frontends/index.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { NeoError } from "../../src/support/errors.ts";
import { seededRandom } from "../../src/support/random.ts";
import { floatSplit, obliviousTrees, oneHotSplit, writeCatboost, type CatboostSpec } from "../fixtures/catboost-writer.ts";
import { leafWiseTrees, writeLightgbmDump, writeLightgbmText, type LightgbmSpec } from "../fixtures/lightgbm-writer.ts";
import { randomTrees, writeXgboostBinary, writeXgboostJson, writeXgboostUbjson, type XgboostSpec } from "../fixtures/xgboost-writer.ts";
import { damage, damageNumber } from "./damage.ts";
import type { OnnxFuzzOptions, OnnxFuzzResult } from "./fuzz-onnx.ts";

/**
 * Feeds damaged tree models to the importers. Throws at the first that ends in anything but a graph or a `NeoError`, or takes longer
 * than `limitMs`.
 */
export function fuzzTrees(kind: keyof typeof MODELS, { seed, runs = Infinity, milliseconds = Infinity, limitMs = 10_000 }: OnnxFuzzOptions): OnnxFuzzResult {
  const random = seededRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const models = MODELS[kind]();
  const limits = { ...DEFAULT_LIMITS, totalBytes: 2 ** 26, tensorBytes: 2 ** 26 };
  const codes: Record<string, number> = {};
  let [count, imported, slowestMs] = [0, 0, 0];
  const started = performance.now();
  for (; count < runs && performance.now() - started < milliseconds; count++) {
    let bytes: Uint8Array = models[pick(models.length)]!.slice();
    for (let i = 1 + pick(3); i > 0; i--) bytes = pick(2) ? damage(bytes, models, pick) : damageNumber(bytes, pick);
    const start = performance.now();
    try {
      if (pick(8) === 0) describeModel(bytes, "fuzz", limits);
      importModel(bytes, { fileName: "fuzz", shapes: { N: 2 }, outputKinds: KINDS[pick(KINDS.length)]!, limits });
      imported++;
    } catch (error) {
      if (!(error instanceof NeoError)) throw new Error(`seed ${seed}, file ${count}: ${(error as Error).stack}`, { cause: error });
      codes[error.code] = (codes[error.code] ?? 0) + 1;
    }
    const took = performance.now() - start;
    slowestMs = Math.max(slowestMs, took);
    if (took > limitMs) throw new Error(`seed ${seed}, file ${count}: ${took.toFixed(0)} ms`);
  }
  return { runs: count, imported, codes, slowestMs };
}

/** What importers are asked for; CatBoost has no contributions, and says so. */
const KINDS = [[], ["predict", "leaf"], ["contributions"]] as const;

const MODELS = { xgboost: xgboostModels, lightgbm: lightgbmModels, catboost: catboostModels };

function catboostModels(): readonly Uint8Array[] {
  const plain: CatboostSpec = { loss: "Logloss", floats: 3, biases: [0.5], classNames: ["a", 1], oblivious: obliviousTrees(1, 3, 2, 3, 1) };
  const leaf = (value: number): { value: number; weight: number } => ({ value, weight: 3 });
  const nested = { split: floatSplit(0, 0.5), left: { split: oneHotSplit(0, -7), left: leaf(1), right: leaf(2) }, right: leaf(4) };
  return [
    plain,
    { ...plain, loss: "MultiClass", biases: [0, 0, 0], scale: 2, oblivious: obliviousTrees(2, 2, 3, 3, 3) },
    { ...plain, categories: 2, oblivious: [{ splits: [oneHotSplit(1, 77), floatSplit(2, 1)], leaf_values: [1, 2, 3, 4] }] },
    {
      loss: "Poisson",
      floats: 1,
      categories: 1,
      biases: [0],
      nested: [nested, leaf(1)],
      more: { model_info: { params: JSON.stringify({ loss_function: { type: "Poisson" } }) } },
    },
  ].map((spec) => writeCatboost(spec));
}

function xgboostModels(): readonly Uint8Array[] {
  const plain: XgboostSpec = {
    objective: "binary:logistic",
    features: 3,
    baseScore: "0.5",
    trees: randomTrees(1, 3, 2, 3),
    attributes: { best_iteration: "1" },
  };
  const specs: XgboostSpec[] = [
    plain,
    { ...plain, objective: "multi:softprob", classes: 3, treeGroups: [0, 1, 2], iterationStarts: [0, 3] },
    { ...plain, weightDrop: [1, 0.5, 0.25] },
    { ...plain, objective: "multi:softmax", classes: 2, weights: [1, 2, 3, 4, 5, 6, 7, 8] },
  ];
  const newer: XgboostSpec[] = [
    { ...plain, trees: randomTrees(2, 2, 2, 3, { categories: true }) },
    { ...plain, objective: "reg:squarederror", targets: 2, baseScore: "[1E0,2E0]", trees: randomTrees(3, 2, 2, 3, { vector: 2 }) },
  ];
  const pickle = Uint8Array.from([0x80, 4, ...new TextEncoder().encode("xgboost.core Booster"), ...writeXgboostUbjson(plain)]);
  return [pickle, ...specs.map(writeXgboostBinary), ...[...specs, ...newer].flatMap((spec) => [writeXgboostJson(spec), writeXgboostUbjson(spec)])];
}

function lightgbmModels(): readonly Uint8Array[] {
  const plain: LightgbmSpec = { objective: "binary sigmoid:1", features: 3, trees: leafWiseTrees(1, 3, 5, 3) };
  const specs: LightgbmSpec[] = [
    plain,
    { ...plain, classes: 3, objective: "multiclass num_class:3" },
    { ...plain, averages: true, objective: "regression sqrt", trees: leafWiseTrees(2, 2, 4, 3, true) },
  ];
  return specs.flatMap((spec) => [writeLightgbmText(spec), writeLightgbmDump(spec)]);
}
