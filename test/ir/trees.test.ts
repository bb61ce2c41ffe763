import { describe, expect, test } from "vitest";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { returnOp } from "../../src/ir/ops/control.ts";
import { trees } from "../../src/ir/ops/trees.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { printGraph } from "../../src/ir/text/print.ts";
import { EnsembleCollector, type LeafNode, type SplitNode } from "../../src/ir/trees/collect.ts";
import { COMPARISONS, ensembleAttrs, type Comparison, type TreeEnsemble } from "../../src/ir/trees/ensemble.ts";
import { ensembleProblems } from "../../src/ir/trees/problems.ts";
import type { NeoError } from "../../src/support/errors.ts";

const F32 = { thresholds: "f32", weights: "f32" } as const;
const F64 = { thresholds: "f64", weights: "f64" } as const;

const leaf = (...weights: LeafNode["weights"]): LeafNode => ({ kind: "leaf", weights });
const split = (comparison: Comparison, threshold: number, more: Partial<SplitNode> = {}): SplitNode => ({
  kind: "split",
  feature: 0,
  comparison,
  threshold,
  defaultLeft: false,
  left: 1,
  right: 2,
  ...more,
});

/** One split; a row that goes left gives 1, else 0. */
function stump(root: SplitNode, dtype: typeof F32 | typeof F64 = F64): TreeEnsemble {
  const collector = new EnsembleCollector(1, [0], dtype);
  const nodes = [root, leaf([0, 1]), leaf([0, 0])];
  collector.addTree((n) => nodes[n]);
  return collector.finish();
}

function run(ensemble: TreeEnsemble, x: readonly number[], options: object = {}, columns = 1): readonly number[] {
  const graph = new Graph("g", [new Value({ dtype: "f64", shape: [x.length / columns, columns] }, "x")]);
  const b = new Builder(graph.ops);
  const y = b.create(trees, { x: graph.params[0]! }, { ...ensembleAttrs(ensemble), ...options });
  b.createAll(returnOp, { values: [y] }, { names: ["y"] });
  return Array.from(interpret(graph, [tensor("f64", [x.length / columns, columns], x)])[0]!.data as Float64Array);
}

describe("a split", () => {
  test.each([
    ["lt", [1, 0, 0]],
    ["le", [1, 1, 0]],
    ["gt", [0, 0, 1]],
    ["ge", [0, 1, 1]],
    ["eq", [0, 1, 0]],
    ["ne", [1, 0, 1]],
  ] as const)("%s looks at values below, at and above its threshold, and sends NaN by default", (comparison, wanted) => {
    expect(run(stump(split(comparison, 0.5)), [0.25, 0.5, 0.75, NaN])).toEqual([...wanted, 0]);
    expect(run(stump(split(comparison, 0.5, { defaultLeft: true })), [0.25, 0.5, 0.75, NaN])).toEqual([...wanted, 1]);
  });

  test("of members rounds as it says", () => {
    const x = [-1, -0.5, 0, 0.5, 1, 40, 40.5, 41, 1e30, Infinity, -Infinity];
    const members = { members: [0, 40] };
    expect(run(stump(split("member", 0, members)), x)).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect(run(stump(split("memberTrunc", 0, members)), x)).toEqual([0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0]);
    expect(run(stump(split("memberFloor", 0, members)), x)).toEqual([0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0]);
  });

  test("whose zero is missing sends what is near it by default", () => {
    const near = Math.fround(1e-35);
    expect(run(stump(split("le", -1, { defaultLeft: true, zeroIsMissing: true })), [0, near, -near, 1.1e-35, -2, NaN])).toEqual([1, 1, 1, 0, 1, 1]);
  });

  test("compares f64 rows with f32 thresholds as exact numbers", () => {
    expect(run(stump(split("lt", 0.1), F32), [0.1])).toEqual([1]);
    expect(run(stump(split("lt", 0.1), F64), [0.1])).toEqual([0]);
  });
});

describe("leaves", () => {
  /** Trees that are leaves, each for target 0. */
  const of = (dtype: typeof F32 | typeof F64, base: readonly number[], ...all: LeafNode["weights"][]): TreeEnsemble => {
    const collector = new EnsembleCollector(1, base, dtype);
    for (const weights of all) collector.addTree(() => leaf(...weights));
    return collector.finish();
  };

  test("are added to base in the order of the trees, rounded to the dtype of the weights", () => {
    const big = 2 ** 24;
    expect(run(of(F32, [big], [[0, 1]], [[0, 1]]), [0])).toEqual([big]);
    expect(run(of(F32, [big], [[0, 1]], [[0, 1]]), [0], { baseLast: true })).toEqual([big + 2]);
    expect(run(of(F64, [big], [[0, 1]], [[0, 1]]), [0])).toEqual([big + 2]);
  });

  test("may name several targets or none", () => {
    const ensemble = of(
      F64,
      [1, 2, 3],
      [
        [0, 10],
        [2, 20],
      ],
      [],
      [
        [2, 5],
        [2, 6],
      ],
    );
    expect(run(ensemble, [0])).toEqual([11, 2, 34]);
    expect(run(ensemble, [0], { aggregate: "min" })).toEqual([11, 2, 8]);
    expect(run(ensemble, [0], { aggregate: "max" })).toEqual([11, 2, 23]);
    expect(run(ensemble, [0], { aggregate: "average" })).toEqual([1 + 10 / 3, 2, 3 + 31 / 3]);
  });

  test("are told by the names of the file's nodes", () => {
    const collector = new EnsembleCollector(2, [0], F32);
    const nodes = new Map<number, SplitNode | LeafNode>([
      [7, split("lt", 0, { left: 30, right: 9 })],
      [9, leaf([0, 1])],
      [30, split("lt", 0, { feature: 1, left: 2, right: 4 })],
      [2, leaf([0, 1])],
      [4, leaf([0, 1])],
    ]);
    collector.addTree((n) => nodes.get(n), 7);
    collector.addTree(() => leaf([0, 1]), 5);
    expect(run(collector.finish(), [-1, -1, -1, 1, 1, -1], { output: "leaves" }, 2)).toEqual([2, 5, 4, 5, 9, 5]);
  });
});

describe("the collector", () => {
  const problemsOf = (nodes: readonly (SplitNode | LeafNode | undefined)[]): readonly string[] => {
    const collector = new EnsembleCollector(2, [0], F32);
    collector.addTree(() => leaf([0, 1]));
    collector.addTree((n) => nodes[n]);
    try {
      collector.finish("model.json");
    } catch (error) {
      expect((error as NeoError).code).toBe("NEO2072");
      return (error as NeoError).notes.map(({ where, text }) => `${where} ${text}`);
    }
    return [];
  };

  test("takes a tree that is well formed", () => {
    expect(problemsOf([split("lt", 0), leaf([0, 1]), leaf([0, 2])])).toEqual([]);
  });

  test.each([
    ["a cycle", [split("lt", 0), leaf([0, 1]), split("lt", 0, { left: 3, right: 0 }), leaf()], "tree 1, node 0 is met a second time: nodes want one parent"],
    ["two parents", [split("lt", 0, { right: 1 }), leaf()], "tree 1, node 1 is met a second time: nodes want one parent"],
    ["a child that is not there", [split("lt", 0), leaf()], "tree 1, node 2 is not there"],
    ["a feature beyond the row", [split("lt", 0, { feature: 2 }), leaf(), leaf()], "tree 1, node 0 reads feature 2, rows have 2"],
    ["the threshold NaN", [split("lt", NaN), leaf(), leaf()], "tree 1, node 0 has the threshold NaN"],
    ["a target beyond the results", [leaf([1, 0])], "tree 1, node 0 is for target 1 of 1"],
    [
      "a category beyond 2^24",
      [split("member", 0, { members: [2 ** 24] }), leaf(), leaf()],
      "tree 1, node 0 has the category 16777216, wanted whole numbers below 16777216",
    ],
  ] as const)("refuses %s", (_, nodes, problem) => {
    expect(problemsOf(nodes)).toEqual([problem]);
  });

  test("keeps equal sets once", () => {
    const collector = new EnsembleCollector(1, [0], F32);
    const nodes = [split("member", 0, { members: [3, 70] }), leaf(), leaf()];
    for (let i = 0; i < 3; i++) collector.addTree((n) => nodes[n]);
    expect(collector.finish().setWords).toEqual(Uint32Array.of(8, 0, 64));
  });
});

describe("the verifier", () => {
  const good = stump(split("lt", 0.5));
  const two = new EnsembleCollector(1, [0], F64);
  const nodes = [split("lt", 0), split("le", -1, { left: 3, right: 4 }), leaf([0, 1]), leaf([0, 2]), leaf([0, 3])];
  two.addTree((n) => nodes[n]);
  const deep = two.finish();

  test.each<[string, TreeEnsemble, string]>([
    ["a child before its parent", { ...deep, left: Int32Array.of(1, 0) }, "tree 0, split 1 has the child 0 of 2 splits"],
    ["a leaf that two splits have", { ...deep, right: Int32Array.of(-1, -2) }, "tree 0, split 1 has the child leaf 0, which is another's too"],
    ["a leaf that is not there", { ...deep, right: Int32Array.of(-9, -2) }, "tree 0, split 0 has the child leaf 8 of 3"],
    ["a feature outside", { ...good, features: Int32Array.of(1) }, "tree 0, split 0 reads feature 1, rows have 1"],
    ["a mode without meaning", { ...good, modes: Uint8Array.of(9) }, "tree 0, split 0 has mode 9, which means nothing"],
    [
      "a set that is not there",
      { ...good, modes: Uint8Array.of(COMPARISONS.indexOf("member")), thresholds: Float64Array.of(0) },
      "tree 0, split 0 asks for set 0 of 0",
    ],
    ["the threshold NaN", { ...good, thresholds: Float64Array.of(NaN) }, "tree 0, split 0 has the threshold NaN"],
    ["a target outside", { ...good, targets: Int32Array.of(0, 1) }, "entry 1 is for target 1 of 1"],
    ["starts that fall", { ...good, entries: Int32Array.of(0, 3, 2) }, "entries fall from 3 to 2"],
    [
      "a tree without a leaf",
      { ...good, splits: Int32Array.of(0, 1, 1), leaves: Int32Array.of(0, 2, 2) },
      "tree 1 has 0 splits and 0 leaves, wanted one leaf more",
    ],
    ["arrays of unequal length", { ...good, left: Int32Array.of(-1, -2) }, "left has 2 elements for 1 splits"],
    ["base of another dtype", { ...good, base: Float32Array.of(0) }, "base is of another dtype than weights"],
  ])("finds %s", (_, ensemble, problem) => {
    expect(ensembleProblems(good, 1)).toEqual([]);
    expect(ensembleProblems(ensemble, 1).map(({ where, text }) => `${where} ${text}`)).toEqual([problem]);
    expect(() => run(ensemble, [0])).toThrow(problem);
  });
});

test("text of the op is read back to the same bits", () => {
  for (const { attrs, x } of trees.samples as readonly { attrs: object; x: string }[]) {
    const [rows, columns, dtype] = x.split("x") as [string, string, "f32" | "f64"];
    const graph = new Graph("g", [new Value({ dtype, shape: [Number(rows), Number(columns)] }, "x")]);
    const b = new Builder(graph.ops);
    b.createAll(returnOp, { values: [b.create(trees, { x: graph.params[0]! }, attrs as never)] }, { names: ["y"] });
    const text = printGraph(graph);
    const read = parseGraph(text);
    expect(printGraph(read)).toBe(text);
    expect(read.ops[0]!.attrs).toEqual(graph.ops[0]!.attrs);
  }
});
