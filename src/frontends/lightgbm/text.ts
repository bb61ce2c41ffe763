import { NeoError } from "../../support/errors.ts";
import { checkLimit, limitError, type Limits } from "../../support/limits.ts";
import { MISSING, type LightgbmLeaf, type LightgbmModel, type LightgbmSplit, type LightgbmTree } from "./model.ts";

const MOST_GROUPS = 1 << 20;
const MOST_FEATURES = 2 ** 31 - 1;
const LAST_LINES = new Set(["end of trees", "feature importances:", "parameters:"]);

/** The text form: lines `key=value`, first of the model, then of each tree behind `Tree=`. Throws NEO2031 with the line. */
export function readText(bytes: Uint8Array, file: string, limits: Limits): LightgbmModel {
  checkLimit("fileBytes", limits, file, "bytes of the file:", bytes.length);
  const [header, ...blocks] = blocksOf(bytes, file, limits);
  const trees = blocks.map((block) => treeOf(block));
  const largest = header!.has("max_feature_idx") ? header!.integer("max_feature_idx", -1, MOST_FEATURES - 1) : largestFeature(trees);
  const groups = header!.has("num_tree_per_iteration") ? header!.integer("num_tree_per_iteration", 1, MOST_GROUPS) : 1;
  if (trees.length % groups !== 0) return header!.fail("num_tree_per_iteration", `a divisor of the number of trees, ${trees.length}`);
  const featureNames = header!.has("feature_names") ? header!.words("feature_names") : [];
  return {
    version: header!.has("version") ? header!.text("version") : "",
    objective: header!.has("objective") ? header!.text("objective") : "",
    features: largest + 1,
    featureNames: featureNames.length === largest + 1 ? featureNames : [],
    groups,
    averages: header!.has("average_output"),
    trees,
  };
}

/** The lines of the model, then those of each tree. */
function blocksOf(bytes: Uint8Array, file: string, limits: Limits): readonly Block[] {
  const decoder = new TextDecoder();
  const blocks = [new Block(file, "the model", 1)];
  let line = 0;
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    line++;
    const text = decoder.decode(bytes.subarray(start, end)).trimEnd();
    start = end + 1;
    if (LAST_LINES.has(text)) break;
    if (text.startsWith("Tree=")) {
      blocks.push(new Block(file, `tree ${blocks.length - 1}`, line));
      if (blocks.length > limits.nodes) throw limitError("nodes", limits, file, "trees:", blocks.length);
    } else if (text !== "") {
      const at = text.indexOf("=");
      blocks.at(-1)!.set(at < 0 ? text : text.slice(0, at), at < 0 ? "" : text.slice(at + 1), line);
    }
  }
  return blocks;
}

function treeOf(block: Block): LightgbmTree {
  const leafCount = block.integer("num_leaves", 1, MOST_FEATURES);
  const values = block.numbers("leaf_value", leafCount);
  const covers = block.has("leaf_count") && leafCount > 1 ? block.numbers("leaf_count", leafCount) : undefined;
  const isLinear = block.has("is_linear") && block.integer("is_linear", 0, 1) === 1;
  const leaves = isLinear ? linearLeaves(block, values) : values.map((value, leaf) => ({ value, ...(covers && { cover: covers[leaf]! }) }));
  if (leafCount === 1) return { root: ~0, splits: [], leaves };
  const count = leafCount - 1;
  const [features, thresholds, left, right] = (["split_feature", "threshold", "left_child", "right_child"] as const).map((key) =>
    block.numbers(key, count),
  ) as [number[], number[], number[], number[]];
  const types = block.has("decision_type") ? block.numbers("decision_type", count) : new Array<number>(count).fill(0);
  const sets = block.has("num_cat") && block.integer("num_cat", 0, MOST_FEATURES) > 0 ? setsOf(block) : [];
  const counts = block.has("internal_count") ? block.numbers("internal_count", count) : undefined;
  const taken = new Set<number>();
  const splits = features.map((feature, n): LightgbmSplit => {
    const [type, threshold] = [types[n]!, thresholds[n]!];
    const missing = MISSING[(type >> 2) & 3];
    if (!Number.isInteger(type) || type < 0 || missing === undefined) return block.fail("decision_type", `flags below 12; split ${n} has ${type}`);
    const cover = counts && { cover: counts[n]! };
    const common = { feature, defaultLeft: (type & 2) !== 0, missing, threshold, left: left[n]!, right: right[n]!, ...cover };
    if ((type & 1) === 0) return common;
    const categories = sets[threshold];
    if (!categories || taken.has(threshold)) return block.fail("threshold", `a set of its own of ${sets.length}; split ${n} has ${threshold}`);
    taken.add(threshold);
    return { ...common, categories };
  });
  return { root: 0, splits, leaves };
}

/** Categories of each set: bits of 32-bit words. */
function setsOf(block: Block): readonly (readonly number[])[] {
  const count = block.integer("num_cat", 0, MOST_FEATURES);
  const starts = block.numbers("cat_boundaries", count + 1);
  const words = block.numbers("cat_threshold");
  if (starts.some((start, i) => !Number.isInteger(start) || start < (starts[i - 1] ?? 0) || start > words.length))
    return block.fail("cat_boundaries", `rising numbers from 0 to ${words.length}`);
  const odd = words.find((word) => !Number.isInteger(word) || word < 0 || word > 0xffffffff);
  if (odd !== undefined) return block.fail("cat_threshold", `words of 32 bits; one is ${odd}`);
  return Array.from({ length: count }, (_, i) => {
    const members: number[] = [];
    for (let w = starts[i]!; w < starts[i + 1]!; w++) for (let bit = 0; bit < 32; bit++) if ((words[w]! >>> bit) & 1) members.push((w - starts[i]!) * 32 + bit);
    return members;
  });
}

function linearLeaves(block: Block, values: readonly number[]): readonly LightgbmLeaf[] {
  const constants = block.numbers("leaf_const", values.length);
  const counts = block.numbers("num_features", values.length);
  const total = counts.reduce((sum, count) => sum + (Number.isInteger(count) && count >= 0 ? count : NaN), 0);
  if (Number.isNaN(total)) return block.fail("num_features", "whole numbers");
  const [features, coefficients] = [block.numbers("leaf_features", total), block.numbers("leaf_coeff", total)];
  let at = 0;
  return values.map((value, leaf) => {
    const [start, end] = [at, (at += counts[leaf]!)];
    return { value, linear: { constant: constants[leaf]!, features: features.slice(start, end), coefficients: coefficients.slice(start, end) } };
  });
}

function largestFeature(trees: readonly LightgbmTree[]): number {
  let most = 0;
  for (const { splits } of trees) for (const { feature } of splits as readonly LightgbmSplit[]) most = Math.max(most, feature);
  return Number.isInteger(most) && most < MOST_FEATURES ? most : 0;
}

const WORDS: ReadonlyMap<string, number> = new Map([
  ["nan", NaN],
  ["-nan", NaN],
  ["inf", Infinity],
  ["-inf", -Infinity],
]);

/** Lines of one part of the file, read as what is wanted. */
class Block {
  private readonly file: string;
  private readonly name: string;
  private readonly firstLine: number;
  private readonly lines = new Map<string, { readonly text: string; readonly line: number }>();

  constructor(file: string, name: string, firstLine: number) {
    this.file = file;
    this.name = name;
    this.firstLine = firstLine;
  }

  set(key: string, text: string, line: number): void {
    this.lines.set(key, { text, line });
  }

  has(key: string): boolean {
    return this.lines.has(key);
  }

  text(key: string): string {
    return this.lines.get(key)?.text ?? this.fail(key, "a value");
  }

  words(key: string): string[] {
    return this.text(key)
      .split(/[ \t]+/)
      .filter((word) => word !== "");
  }

  /** `count` numbers, or however many there are. */
  numbers(key: string, count?: number): number[] {
    const numbers = this.words(key).map((word) => {
      const value = WORDS.get(word) ?? (/^[-+]?[0-9.]/.test(word) ? Number(word) : NaN);
      return Number.isNaN(value) && !WORDS.has(word) ? this.fail(key, `numbers; one is "${word.slice(0, 40).replace(/[^\x20-\x7e]/g, "\ufffd")}"`) : value;
    });
    return count === undefined || numbers.length === count ? numbers : this.fail(key, `${count} numbers, found ${numbers.length}`);
  }

  integer(key: string, low: number, high: number): number {
    const [value, more] = this.numbers(key);
    return Number.isInteger(value) && value! >= low && value! <= high && more === undefined ? value! : this.fail(key, `a whole number from ${low} to ${high}`);
  }

  fail(key: string, wanted: string): never {
    const found = this.lines.get(key);
    throw new NeoError({
      code: "NEO2031",
      message: `${this.file} has not what its format says`,
      notes: [{ where: `${this.name}, line ${found?.line ?? this.firstLine}`, text: `${key} ${found ? "is there" : "is absent"}, wanted ${wanted}` }],
      hint: "save the model again with the library that trained it",
      file: this.file,
    });
  }
}
