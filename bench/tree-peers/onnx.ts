import { comparisonOf, MODE, treeCount, type TreeEnsemble } from "../../src/ir/trees/ensemble.ts";
import { node, value, writeOnnx } from "../../test/fixtures/onnx-writer.ts";

/** The same trees as a file with one TreeEnsembleRegressor over open rows, for peers that read ONNX. Splits compare by < or <=; f64 becomes f32. */
export function onnxOf(ensemble: TreeEnsemble, features: number): Uint8Array {
  const { splits, leaves, left, right, modes, entries } = ensemble;
  const nodes: { tree: number; id: number; feature: number; value: number; mode: string; left: number; right: number; track: number }[] = [];
  const weights: { tree: number; id: number; target: number; weight: number }[] = [];
  for (let tree = 0; tree < treeCount(ensemble); tree++) {
    const [firstSplit, firstLeaf] = [splits[tree]!, leaves[tree]!];
    const count = splits[tree + 1]! - firstSplit;
    const idOf = (child: number): number => (child >= 0 ? child : count + ~child);
    for (let i = 0; i < count; i++) {
      const at = firstSplit + i;
      const mode = { lt: "BRANCH_LT", le: "BRANCH_LEQ" }[comparisonOf(modes[at]!) as "lt" | "le"];
      nodes.push({
        tree,
        id: i,
        feature: ensemble.features[at]!,
        value: notAbove(ensemble.thresholds[at]!),
        mode,
        left: idOf(left[at]!),
        right: idOf(right[at]!),
        track: modes[at]! & MODE.defaultLeft ? 1 : 0,
      });
    }
    for (let leaf = firstLeaf; leaf < leaves[tree + 1]!; leaf++) {
      const id = count + leaf - firstLeaf;
      nodes.push({ tree, id, feature: 0, value: 0, mode: "LEAF", left: 0, right: 0, track: 0 });
      for (let e = entries[leaf]!; e < entries[leaf + 1]!; e++) weights.push({ tree, id, target: ensemble.targets[e]!, weight: ensemble.weights[e]! });
    }
  }
  const attributes = {
    n_targets: ensemble.base.length,
    base_values: { floats: [...ensemble.base] },
    nodes_treeids: nodes.map(({ tree }) => tree),
    nodes_nodeids: nodes.map(({ id }) => id),
    nodes_featureids: nodes.map(({ feature }) => feature),
    nodes_values: { floats: nodes.map((split) => split.value) },
    nodes_modes: nodes.map(({ mode }) => mode),
    nodes_truenodeids: nodes.map((split) => split.left),
    nodes_falsenodeids: nodes.map((split) => split.right),
    nodes_missing_value_tracks_true: nodes.map(({ track }) => track),
    target_treeids: weights.map(({ tree }) => tree),
    target_nodeids: weights.map(({ id }) => id),
    target_ids: weights.map(({ target }) => target),
    target_weights: { floats: weights.map(({ weight }) => weight) },
  };
  return writeOnnx({
    nodes: [node("TreeEnsembleRegressor", ["x"], ["y"], attributes, { name: "trees", domain: "ai.onnx.ml" })],
    inputs: [value("x", "f32", ["N", features])],
    outputs: [value("y", "f32", ["N", ensemble.base.length])],
    initializers: {},
    opsets: [
      { domain: "", version: 17 },
      { domain: "ai.onnx.ml", version: 3 },
    ],
  });
}

/** The greatest f32 that is not above x: of f32 rows it splits alike. */
function notAbove(x: number): number {
  const rounded = Math.fround(x);
  if (rounded <= x) return rounded;
  const bits = new Int32Array(new Float32Array([rounded]).buffer);
  bits[0]! += rounded > 0 ? -1 : 1;
  return new Float32Array(bits.buffer)[0]!;
}
