import { seededRandom } from "../src/support/random.ts";
import { node, value, writeOnnx } from "../test/fixtures/onnx-writer.ts";

/** Boosted trees over 50 features with 255 thresholds each, as training by histograms gives them. */
export interface Boosted {
  readonly trees: number;
  readonly depth: number;
  /** Trees take turns at them. */
  readonly targets: number;
}

export const BOOSTED = {
  a: { trees: 100, depth: 6, targets: 1 },
  b: { trees: 500, depth: 8, targets: 1 },
  c: { trees: 1000, depth: 6, targets: 10 },
} as const satisfies Readonly<Record<string, Boosted>>;

const [FEATURES, BINS] = [50, 255];

/** A file with one TreeEnsembleRegressor over `rows` rows; the trees are random, the same bytes on every machine. */
export function boostedTrees({ trees, depth, targets }: Boosted, rows: number): Uint8Array {
  const random = seededRandom(7);
  const thresholds = Array.from({ length: FEATURES }, () => Array.from({ length: BINS }, () => Math.fround(random() * 2 - 1)));
  const nodes: { tree: number; id: number; feature: number; value: number; isLeaf: boolean; left: number; right: number; track: number }[] = [];
  const leaves: { tree: number; id: number; weight: number }[] = [];
  for (let tree = 0; tree < trees; tree++) {
    let next = 0;
    const grow = (left: number): number => {
      const id = next++;
      const isLeaf = left === 0 || (left < depth - 2 && random() < 0.05);
      // Few features tell most, and few thresholds lie far out.
      const feature = Math.floor(FEATURES * random() * random());
      const bin = Math.floor((BINS * (random() + random())) / 2);
      const made = { tree, id, feature, value: isLeaf ? 0 : thresholds[feature]![bin]!, isLeaf, left: 0, right: 0, track: Number(random() < 0.5) };
      nodes.push(made);
      if (isLeaf) leaves.push({ tree, id, weight: Math.fround(random() - 0.5) });
      else [made.left, made.right] = [grow(left - 1), grow(left - 1)];
      return id;
    };
    grow(depth);
  }
  const attributes = {
    n_targets: targets,
    nodes_treeids: nodes.map(({ tree }) => tree),
    nodes_nodeids: nodes.map(({ id }) => id),
    nodes_featureids: nodes.map(({ feature }) => feature),
    nodes_values: { floats: nodes.map((split) => split.value) },
    nodes_modes: nodes.map(({ isLeaf }) => (isLeaf ? "LEAF" : "BRANCH_LT")),
    nodes_truenodeids: nodes.map(({ left }) => left),
    nodes_falsenodeids: nodes.map(({ right }) => right),
    nodes_missing_value_tracks_true: nodes.map(({ track }) => track),
    target_treeids: leaves.map(({ tree }) => tree),
    target_nodeids: leaves.map(({ id }) => id),
    target_ids: leaves.map(({ tree }) => tree % targets),
    target_weights: { floats: leaves.map(({ weight }) => weight) },
  };
  return writeOnnx({
    nodes: [node("TreeEnsembleRegressor", ["x"], ["y"], attributes, { name: "trees", domain: "ai.onnx.ml" })],
    inputs: [value("x", "f32", [rows, FEATURES])],
    outputs: [value("y", "f32", [rows, targets])],
    initializers: {},
    opsets: [
      { domain: "", version: 17 },
      { domain: "ai.onnx.ml", version: 3 },
    ],
  });
}
