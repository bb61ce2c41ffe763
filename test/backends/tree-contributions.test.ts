import { describe, expect, test } from "vitest";
import { gaussLegendre } from "../../src/backends/schedules/gauss.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { returnOp } from "../../src/ir/ops/control.ts";
import { contributionAttrs, treeContributions } from "../../src/ir/ops/tree-contributions.ts";
import { COMPARISONS } from "../../src/ir/trees/ensemble.ts";
import { Executors, type Executor } from "../executors/executors.ts";
import { randomCovers } from "../fixtures/random-covers.ts";
import { hardRows, randomForest, type Forest } from "../fixtures/random-trees.ts";
import { nativeTest } from "./host-compilers.ts";

const common = { seed: 1, trees: 9, depth: 6, features: 8, targets: 1, comparisons: ["lt"], stop: 0.1, leaves: "one" } as const;
const F32 = { thresholds: "f32", weights: "f32" } as const;
const F64 = { thresholds: "f64", weights: "f64" } as const;

const CASES: readonly { readonly name: string; readonly forest: Forest; readonly x: "f32" | "f64" }[] = [
  { name: "like XGBoost", forest: { ...common, dtype: F32 }, x: "f32" },
  { name: "three classes", forest: { ...common, targets: 3, dtype: F32 }, x: "f32" },
  { name: "vectors a leaf", forest: { ...common, targets: 2, leaves: "any", dtype: F64 }, x: "f64" },
  { name: "deep, leaf-wise, many features", forest: { ...common, depth: 24, stop: 0.45, features: 40, dtype: F64 }, x: "f64" },
  { name: "every comparison", forest: { ...common, comparisons: COMPARISONS, zeroIsMissing: true, dtype: F64 }, x: "f64" },
  { name: "single leaves only", forest: { ...common, depth: 0, dtype: F64 }, x: "f64" },
];

async function check({ forest, x }: (typeof CASES)[number], executor: Executor): Promise<void> {
  const rows = 6;
  const ensemble = randomForest(forest);
  const graph = new Graph("main", [new Value({ dtype: x, shape: [rows, forest.features] }, "x")]);
  const b = new Builder(graph.ops);
  const y = b.create(treeContributions, { x: graph.params[0]! }, contributionAttrs(ensemble, randomCovers(ensemble, 2)));
  b.createAll(returnOp, { values: [y] }, { names: ["y"] });
  const input = { type: { dtype: x, shape: [rows, forest.features] }, data: hardRows(ensemble, x, rows, forest.features, 5) };
  const all = new Executors(graph);
  const [wanted, got] = [(await all.run("interpreter", [input]))[0]!, (await all.run(executor, [input]))[0]!];
  const allowed = forest.dtype.weights === "f32" ? 1e-7 : 1e-13;
  const far = Array.from(wanted.data as Float64Array, (value, i) => [i, Number(got.data[i]), value] as const).filter(
    ([, a, want]) => !(Math.abs(a - want) <= allowed * Math.max(1, Math.abs(want))),
  );
  expect(far.slice(0, 4)).toEqual([]);
}

describe("contributions by quadrature are those of the definition", () => {
  nativeTest.each(CASES)("native: $name", (of) => check(of, "native"));
  test.each(CASES)("WebAssembly: $name", (of) => check(of, "wasm"));
});

test.each([1, 2, 3, 8, 20, 101])("%i points of Gauss and Legendre sum up powers of degree 2 n - 1", (count) => {
  const { points, weights } = gaussLegendre(count);
  for (const degree of [0, 1, count, 2 * count - 1]) {
    const sum = points.reduce((total, point, i) => total + weights[i]! * point ** degree, 0);
    expect(sum * (degree + 1)).toBeCloseTo(1, 12);
  }
});
