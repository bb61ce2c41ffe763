import { limitError, type Limits } from "../../support/limits.ts";
import { singleFromText } from "../formats/decimal.ts";
import type { DocumentEntry } from "../formats/document.ts";
import type { LinearBooster, TreeBooster, XgboostModel } from "./model.ts";
import { readTree } from "./tree-document.ts";

const MOST_FEATURES = 2 ** 31 - 1;
const MOST_GROUPS = 1 << 20;

/** The model in the document that JSON and UBJSON files share. Throws NEO2031 with the place. */
export function modelOf(document: DocumentEntry, limits: Limits): XgboostModel {
  const root = document.at("Model").exists ? document.at("Model") : document;
  const learner = root.at("learner");
  const parameters = learner.at("learner_model_param");
  const count = (key: string, fallback: number, most: number): number => {
    const entry = parameters.at(key);
    return entry.exists ? entry.integer(0, most) : fallback;
  };
  const classes = count("num_class", 0, MOST_GROUPS);
  const features = parameters.at("num_feature").integer(0, MOST_FEATURES);
  const groups = Math.max(1, classes, count("num_target", 1, MOST_GROUPS));
  const featureNames = textsOf(learner.at("feature_names"));
  return {
    version: versionOf(root.at("version")),
    objective: learner.at("objective", "name").text(),
    features,
    featureNames: featureNames.length === features ? featureNames : [],
    featureTypes: textsOf(learner.at("feature_types")),
    groups,
    classes,
    baseScore: baseScoreOf(parameters.at("base_score"), groups),
    attributes: attributesOf(learner.at("attributes")),
    booster: boosterOf(learner.at("gradient_booster"), groups, features, limits),
  };
}

/** "5E-1"; from 3.1 on the text of an array, "[1E0,2E0]". */
function baseScoreOf(entry: DocumentEntry, groups: number): readonly number[] {
  if (typeof entry.value !== "string") return [Math.fround(entry.number())];
  const words = entry.value
    .replace(/^\s*[[(]|[\])]\s*$/g, "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const values = words.map(singleFromText);
  if (values.length === 0 || values.some(Number.isNaN)) return entry.fail("a number, or an array of them");
  return values.length === 1 || values.length === groups ? values.map(Math.fround) : entry.fail(`one number or ${groups}`);
}

function versionOf(entry: DocumentEntry): [number, number, number] {
  if (!entry.exists) return [0, 0, 0];
  const [major = 0, minor = 0, patch = 0] = Array.from(entry.numbers());
  return [major, minor, patch];
}

function textsOf(entry: DocumentEntry): readonly string[] {
  return entry.exists ? entry.texts() : [];
}

function attributesOf(entry: DocumentEntry): ReadonlyMap<string, string> {
  return new Map(entry.exists ? entry.keys().map((key) => [key, entry.at(key).text()]) : []);
}

function boosterOf(entry: DocumentEntry, groups: number, features: number, limits: Limits): TreeBooster | LinearBooster {
  const name = entry.at("name").text();
  switch (name) {
    case "gbtree":
      return treesOf("gbtree", entry.at("model"), entry.at("model", "weight_drop"), groups, limits);
    case "dart": {
      const inner = entry.at("gbtree").exists ? entry.at("gbtree") : entry;
      const weights = entry.at("weight_drop").exists ? entry.at("weight_drop") : inner.at("model", "weight_drop");
      return treesOf("dart", inner.at("model"), weights, groups, limits);
    }
    case "gblinear": {
      const weights = entry.at("model", "weights");
      const wanted = (features + 1) * groups;
      const values = weights.numbers();
      return values.length === wanted ? { kind: "gblinear", weights: values } : weights.fail(`${wanted} numbers for ${features} features and ${groups} groups`);
    }
    default:
      return entry.at("name").fail("gbtree, dart or gblinear");
  }
}

function treesOf(kind: "gbtree" | "dart", model: DocumentEntry, weightDrop: DocumentEntry, groups: number, limits: Limits): TreeBooster {
  const list = model.at("trees").list();
  const budget = { bytes: 0 };
  const trees = list.map((entry, i) => {
    const tree = readTree(entry, groups, i);
    budget.bytes += tree.left.length * 32;
    if (budget.bytes > limits.totalBytes) throw limitError("totalBytes", limits, model.file, `bytes of the trees up to tree ${i}:`, budget.bytes);
    return tree;
  });
  const info = model.at("tree_info");
  const treeGroups = info.numbers();
  if (treeGroups.length !== trees.length) return info.fail(`${trees.length} numbers, one a tree`);
  const weights = weightDrop.exists ? weightDrop.numbers() : undefined;
  if (weights && weights.length !== trees.length) return weightDrop.fail(`${trees.length} numbers, one a tree`);
  return { kind, trees, treeGroups, rounds: roundsOf(model, trees.length, groups), treeWeights: weights };
}

/** From 2.0 on the file tells them; before, a round has `num_parallel_tree` trees a group. */
function roundsOf(model: DocumentEntry, trees: number, groups: number): ArrayLike<number> {
  const told = model.at("iteration_indptr");
  if (told.exists) {
    const starts = told.numbers();
    for (let i = 0; i < starts.length; i++)
      if (!Number.isInteger(starts[i]) || starts[i]! < (starts[i - 1] ?? 0) || starts[i]! > trees) return told.fail(`rising numbers from 0 to ${trees}`);
    return starts.length > 0 && starts[0] === 0 ? starts : told.fail("rising numbers that begin with 0");
  }
  const parallel = model.at("gbtree_model_param", "num_parallel_tree");
  return evenRounds(trees, groups * Math.max(1, parallel.exists ? parallel.integer(0, MOST_FEATURES) : 1));
}

export function evenRounds(trees: number, treesPerRound: number): readonly number[] {
  return Array.from({ length: Math.floor(trees / treesPerRound) + 1 }, (_, i) => i * treesPerRound);
}
