import { limitError, type Limits } from "../../support/limits.ts";
import { DocumentEntry } from "../formats/document.ts";
import { readJson } from "../formats/json.ts";
import { MISSING, type LightgbmLeaf, type LightgbmModel, type LightgbmSplit, type LightgbmTree } from "./model.ts";

const MOST_GROUPS = 1 << 20;
const MOST_FEATURES = 2 ** 31 - 1;
/** A dump nests as deep as its trees, two levels a split; leaf-wise trees are deep. */
const LEVELS = 64;

/** The JSON that `dump_model` gives. Throws NEO2030, NEO2031 or a limit. */
export function readDump(bytes: Uint8Array, file: string, limits: Limits): LightgbmModel {
  const root = new DocumentEntry(readJson(bytes, file, { ...limits, depth: limits.depth * LEVELS }), file);
  const text = (key: string): string => (root.at(key).exists ? root.at(key).text() : "");
  const features = root.at("max_feature_idx").integer(-1, MOST_FEATURES - 1) + 1;
  const groups = root.at("num_tree_per_iteration").integer(1, MOST_GROUPS);
  const list = root.at("tree_info").list();
  if (list.length % groups !== 0) return root.at("num_tree_per_iteration").fail(`a divisor of the number of trees, ${list.length}`);
  const budget = { nodes: 0, file, limits };
  const names = root.at("feature_names").exists ? root.at("feature_names").texts() : [];
  return {
    version: text("version"),
    objective: text("objective"),
    features,
    featureNames: names.length === features ? names : [],
    groups,
    averages: root.at("average_output").exists && root.at("average_output").value === true,
    trees: list.map((entry) => treeOf(entry.at("tree_structure"), budget)),
  };
}

interface Budget {
  nodes: number;
  readonly file: string;
  readonly limits: Limits;
}

function treeOf(structure: DocumentEntry, budget: Budget): LightgbmTree {
  const splits = new Map<number, LightgbmSplit>();
  const leaves = new Map<number, LightgbmLeaf>();
  const root = isSplit(structure) ? structure.at("split_index").integer(0, MOST_FEATURES) : ~leafNumber(structure);
  const open = [structure];
  for (let entry = open.pop(); entry; entry = open.pop()) {
    budget.nodes++;
    if (budget.nodes * 64 > budget.limits.totalBytes) throw limitError("totalBytes", budget.limits, budget.file, "bytes of the trees:", budget.nodes * 64);
    if (!isSplit(entry)) {
      leaves.set(leafNumber(entry), leafOf(entry));
      continue;
    }
    const [left, right] = [entry.at("left_child"), entry.at("right_child")];
    const number = (child: DocumentEntry): number => (isSplit(child) ? child.at("split_index").integer(0, MOST_FEATURES) : ~leafNumber(child));
    const index = entry.at("split_index");
    // A walk that meets one of two splits of one number would be lost in the other.
    if (splits.has(index.integer(0, MOST_FEATURES))) return index.fail("a number that no other split of the tree has");
    splits.set(index.integer(0, MOST_FEATURES), splitOf(entry, number(left), number(right)));
    open.push(right, left);
  }
  return { root, splits, leaves };
}

function isSplit(entry: DocumentEntry): boolean {
  return entry.at("split_index").exists;
}

function leafNumber(entry: DocumentEntry): number {
  return entry.at("leaf_index").exists ? entry.at("leaf_index").integer(0, MOST_FEATURES) : 0;
}

function leafOf(entry: DocumentEntry): LightgbmLeaf {
  const value = entry.at("leaf_value").number();
  if (!entry.at("leaf_const").exists) return { value, ...coverOf(entry, "leaf_count") };
  const [features, coefficients] = [entry.at("leaf_features"), entry.at("leaf_coeff")].map((part) => Array.from(part.numbers())) as [number[], number[]];
  if (coefficients.length !== features.length) return entry.at("leaf_coeff").fail(`${features.length} numbers`);
  return { value, linear: { constant: entry.at("leaf_const").number(), features, coefficients } };
}

function coverOf(entry: DocumentEntry, key: string): { readonly cover?: number } {
  return entry.at(key).exists ? { cover: entry.at(key).number() } : {};
}

function splitOf(entry: DocumentEntry, left: number, right: number): LightgbmSplit {
  const word = entry.at("missing_type").text().toLowerCase();
  const missing = MISSING.find((name) => name === word);
  if (!missing) return entry.at("missing_type").fail("None, Zero or NaN");
  const threshold = entry.at("threshold");
  const common = {
    feature: entry.at("split_feature").integer(0, MOST_FEATURES),
    defaultLeft: entry.at("default_left").number() !== 0,
    missing,
    left,
    right,
    ...coverOf(entry, "internal_count"),
  };
  switch (entry.at("decision_type").text()) {
    case "<=":
      return { ...common, threshold: threshold.number() };
    case "==":
      return { ...common, threshold: 0, categories: categoriesOf(threshold) };
    default:
      return entry.at("decision_type").fail("<= or ==");
  }
}

/** "1||10||100", or a lone number. */
function categoriesOf(entry: DocumentEntry): readonly number[] {
  if (typeof entry.value === "number") return [entry.value];
  return entry
    .text()
    .split("||")
    .filter((word) => word !== "")
    .map((word) => (/^\d{1,10}$/.test(word) ? Number(word) : entry.fail("whole numbers between ||")));
}
