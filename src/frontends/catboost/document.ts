import { NeoError } from "../../support/errors.ts";
import { limitError, type Limits } from "../../support/limits.ts";
import { DocumentEntry } from "../formats/document.ts";
import { readJson } from "../formats/json.ts";
import type { CatboostModel, CatboostNode, CatboostTest, CatboostTree } from "./model.ts";

const MOST_FEATURES = 2 ** 31 - 1;
const MOST_DIMENSIONS = 1 << 20;
/** Trees that are not oblivious nest as deep as they are, a level a split. */
const LEVELS = 64;

/** The JSON that `save_model(format="json")` writes. Throws NEO2030, NEO2031, a limit, or NEO2034 for features that neo does not compute. */
export function readCatboost(bytes: Uint8Array, file: string, limits: Limits): CatboostModel {
  const root = new DocumentEntry(readJson(bytes, file, { ...limits, depth: limits.depth * LEVELS }), file);
  const features = root.at("features_info");
  refuseComputed(features, file);
  const floats = listOf(features.at("float_features"));
  const categories = listOf(features.at("categorical_features"));
  const [scale, bias] = scaleAndBias(root.at("scale_and_bias"));
  const sizes = { floats: inOrder(floats).length, categories: inOrder(categories).length, dimensions: bias.length };
  const info = root.at("model_info");
  const names = info.at("class_params", "class_names");
  return {
    loss: lossOf(info.at("params"), limits),
    floatNames: floats.map(nameOf),
    nanIsTrue: floats.map((entry) => treatmentOf(entry.at("nan_value_treatment"))),
    categoryNames: categories.map(nameOf),
    dimensions: bias.length,
    scale,
    bias,
    classNames: names.exists ? names.list().map((entry) => (typeof entry.value === "string" ? entry.value : String(entry.number()))) : [],
    trees: treesOf(root, sizes, limits),
  };
}

interface Sizes {
  readonly floats: number;
  readonly categories: number;
  readonly dimensions: number;
}

function listOf(entry: DocumentEntry): readonly DocumentEntry[] {
  return entry.exists ? entry.list() : [];
}

/** Splits name features by `feature_index`, which is their place. */
function inOrder(entries: readonly DocumentEntry[]): readonly DocumentEntry[] {
  entries.forEach((entry, i) => {
    const index = entry.at("feature_index");
    if (index.integer(0, MOST_FEATURES) !== i) index.fail(`${i}, its place`);
  });
  return entries;
}

function nameOf(entry: DocumentEntry): string {
  const id = entry.at("feature_id");
  return id.exists ? id.text() : "";
}

function treatmentOf(entry: DocumentEntry): boolean {
  const word = entry.exists ? entry.text() : "AsIs";
  return ["AsIs", "AsFalse", "AsTrue"].includes(word) ? word === "AsTrue" : entry.fail("AsIs, AsFalse or AsTrue");
}

/** Statistics of targets by category, and what is made of texts and embeddings, are computed from tables and code that are CatBoost's own. */
function refuseComputed(features: DocumentEntry, file: string): void {
  const categories = listOf(features.at("categorical_features"));
  const called = (number: number): string => {
    const name = categories[number] && nameOf(categories[number]);
    return name ? `"${name}"` : `categorical feature ${number}`;
  };
  const ofCtr = (entry: DocumentEntry): string[] =>
    listOf(entry.at("elements")).flatMap((element) =>
      element.at("cat_feature_index").exists ? [called(element.at("cat_feature_index").integer(0, MOST_FEATURES))] : [],
    );
  const found = [...new Set(listOf(features.at("ctrs")).flatMap(ofCtr))];
  const notes = [
    ...(listOf(features.at("ctrs")).length > 0 ? [`${found.join(", ")}: statistics of the target by category (CTR), not one-hot`] : []),
    ...(["text_features", "embedding_features"] as const).filter((key) => listOf(features.at(key)).length > 0),
  ];
  if (notes.length === 0) return;
  throw new NeoError({
    code: "NEO2034",
    message: `${file} has features that CatBoost computes from others, which neo does not`,
    notes: notes.map((text) => ({ where: "features_info", text })),
    hint: "train with one_hot_max_size above the number of categories, or encode them as numbers before training",
    file,
  });
}

/** [scale, [bias, …]]; of before 1.0 [scale, bias]. */
function scaleAndBias(entry: DocumentEntry): readonly [number, readonly number[]] {
  if (!entry.exists) return [1, [0]];
  const [scale, bias, more] = entry.list();
  if (!scale || !bias || more) return entry.fail("a scale and biases");
  const biases = typeof bias.value === "number" ? [bias.value] : Array.from(bias.numbers());
  const isFinite = [scale.number(), ...biases].every(Number.isFinite);
  return isFinite && biases.length > 0 && biases.length <= MOST_DIMENSIONS ? [scale.number(), biases] : entry.fail("a scale and biases, finite numbers");
}

/** Parameters are an object, of old files its text. */
function lossOf(params: DocumentEntry, limits: Limits): string {
  const text = typeof params.value === "string" ? params.value : undefined;
  const object = text === undefined ? params : new DocumentEntry(readJson(new TextEncoder().encode(text), params.file, limits), params.file, params.path);
  const type = object.at("loss_function", "type");
  return type.exists ? type.text() : "";
}

function treesOf(root: DocumentEntry, sizes: Sizes, limits: Limits): readonly CatboostTree[] {
  const budget = { nodes: 0, limits, file: root.file };
  if (root.at("oblivious_trees").exists)
    return root
      .at("oblivious_trees")
      .list()
      .map((entry) => obliviousTree(entry, sizes, budget));
  return root
    .at("trees")
    .list()
    .map((entry) => anyTree(entry, sizes, budget));
}

interface Budget {
  nodes: number;
  readonly limits: Limits;
  readonly file: string;
}

function spend(budget: Budget, nodes: number): void {
  budget.nodes += nodes;
  if (budget.nodes * 64 > budget.limits.totalBytes) throw limitError("totalBytes", budget.limits, budget.file, "bytes of the trees:", budget.nodes * 64);
}

function obliviousTree(entry: DocumentEntry, sizes: Sizes, budget: Budget): CatboostTree {
  const splits = listOf(entry.at("splits"));
  const values = entry.at("leaf_values").numbers();
  const wanted = 2 ** splits.length * sizes.dimensions;
  if (values.length !== wanted) return entry.at("leaf_values").fail(`${wanted} numbers, ${sizes.dimensions} for each way through ${splits.length} splits`);
  spend(budget, 2 ** splits.length);
  return { kind: "oblivious", tests: splits.map((split) => testOf(split, sizes)), values };
}

function anyTree(root: DocumentEntry, sizes: Sizes, budget: Budget): CatboostTree {
  const nodes: (CatboostNode & { right?: number })[] = [];
  let leaves = 0;
  const open: { readonly entry: DocumentEntry; readonly parent: number; readonly isRight: boolean }[] = [{ entry: root, parent: -1, isRight: false }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { entry, parent, isRight } = next;
    spend(budget, 1);
    const number = nodes.length;
    if (isRight) nodes[parent] = { ...nodes[parent]!, right: number };
    if (!entry.at("split").exists) {
      const value = entry.at("value");
      const values = typeof value.value === "number" ? [value.value] : Array.from(value.numbers());
      if (values.length !== sizes.dimensions) return value.fail(`${sizes.dimensions} numbers`);
      nodes.push({ leaf: leaves++, values });
      continue;
    }
    // The left child comes next.
    nodes.push({ test: testOf(entry.at("split"), sizes), left: number + 1, right: -1 });
    open.push({ entry: entry.at("right"), parent: number, isRight: true }, { entry: entry.at("left"), parent: number, isRight: false });
  }
  return { kind: "any", nodes };
}

function testOf(split: DocumentEntry, sizes: Sizes): CatboostTest {
  switch (split.at("split_type").text()) {
    case "FloatFeature":
      return { kind: "float", feature: indexOf(split.at("float_feature_index"), sizes.floats), border: borderOf(split.at("border")) };
    case "OneHotFeature":
      return {
        kind: "category",
        feature: indexOf(split.at("cat_feature_index"), sizes.categories),
        hash: split.at("value").integer(-(2 ** 31), 2 ** 32 - 1) | 0,
      };
    default:
      return split.at("split_type").fail("FloatFeature or OneHotFeature");
  }
}

function indexOf(entry: DocumentEntry, count: number): number {
  const index = entry.integer(0, MOST_FEATURES);
  return index < count ? index : entry.fail(`a feature below ${count}`);
}

function borderOf(entry: DocumentEntry): number {
  const border = entry.number();
  return Number.isNaN(border) ? entry.fail("a number") : Math.fround(border);
}
