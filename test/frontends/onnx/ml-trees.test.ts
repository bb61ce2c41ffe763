import { expect, test } from "vitest";
import { floats, type Attribute } from "../../fixtures/onnx-writer.ts";
import { runNode } from "./one-node.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const STUMP: Readonly<Record<string, Attribute>> = {
  n_targets: 1,
  nodes_treeids: [0, 0, 0],
  nodes_nodeids: [0, 1, 2],
  nodes_featureids: [1, 0, 0],
  nodes_values: floats(0.5, 0, 0),
  nodes_modes: ["BRANCH_LEQ", "LEAF", "LEAF"],
  nodes_truenodeids: [1, 0, 0],
  nodes_falsenodeids: [2, 0, 0],
  target_treeids: [0, 0],
  target_nodeids: [1, 2],
  target_ids: [0, 0],
  target_weights: floats(1, 2),
};

function refusalOf(more: Readonly<Record<string, Attribute>>): string {
  return noteTexts(
    expectRefused("NEO2005", () => runNode({ op: "TreeEnsembleRegressor", domain: "ai.onnx.ml", inputs: ["4x3xf32"], attrs: { ...STUMP, ...more } })),
  ).join();
}

test("a stump runs", () => {
  const [y] = runNode({ op: "TreeEnsembleRegressor", domain: "ai.onnx.ml", inputs: ["4x3xf32"], attrs: STUMP });
  expect(y!.type.shape).toEqual([4, 1]);
});

test.each<[string, Readonly<Record<string, Attribute>>, string]>([
  ["a child that is not there", { nodes_truenodeids: [9, 0, 0] }, "has tree 0 with 2 nodes that are no node's child"],
  [
    "a node with two parents",
    { nodes_modes: ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], nodes_truenodeids: [1, 2, 0], nodes_falsenodeids: [2, 2, 0] },
    "tree 0, node 2 is met a second time",
  ],
  ["a feature beyond the row", { nodes_featureids: [3, 0, 0] }, "tree 0, node 0 reads feature 3, rows have 3"],
  ["a target beyond the results", { target_ids: [0, 1] }, "tree 0, node 2 is for target 1 of 1"],
  ["a mode of no standard", { nodes_modes: ["BRANCH_LIKE", "LEAF", "LEAF"] }, "has node 0 of tree 0 in mode BRANCH_LIKE"],
  ["lists of unequal length", { nodes_featureids: [0, 0] }, "has 2 of nodes_featureids, wanted 3"],
  ["a weight for no node", { target_nodeids: [1, 7] }, "has a weight for node 7 of tree 0, which is not there"],
])("%s is refused", (_, more, text) => {
  expect(refusalOf(more)).toContain(text);
});
