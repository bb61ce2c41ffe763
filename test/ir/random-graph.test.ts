import { expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { OPS } from "../../src/ir/ops/index.ts";
import { randomGraph, UNSETTLED } from "../../src/ir/random-graph.ts";
import { printGraph } from "../../src/ir/text/print.ts";
import { isStatic } from "../../src/ir/types.ts";
import { verify } from "../../src/ir/verify.ts";

test("random graphs are well formed, finite and use the whole table", () => {
  const used = new Set<string>();
  for (let seed = 0; seed < 150; seed++) {
    const { graph, inputs } = randomGraph(seed);
    expect(verify(graph)).toEqual([]);
    for (const output of interpret(graph, inputs))
      expect(Array.from(output.data as ArrayLike<unknown>).every((x) => typeof x !== "number" || Number.isFinite(x))).toBe(true);
    for (const op of graph.ops) used.add(op.name);
  }
  const dynamic = new Set(["nonZero", "unique", "compress", "nonMaxSuppression", "span", "limit", "textSplit", "textNormalise", ...UNSETTLED]);
  const missing = OPS.filter((def) => def.samples.length > 0 && !used.has(def.name) && !dynamic.has(def.name)).map((def) => def.name);
  expect(missing).toEqual([]);
});

test("a seed gives one graph", () => {
  expect(printGraph(randomGraph(11).graph)).toBe(printGraph(randomGraph(11).graph));
  expect(printGraph(randomGraph(11).graph)).not.toBe(printGraph(randomGraph(12).graph));
});

test("ops can be left out, and their number given", () => {
  const { graph } = randomGraph(3, {
    ops: 8,
    accepts: (op) => op.name !== "reshape" && op.results.every((value) => isStatic(value.type) && value.type.dtype === "f32"),
  });
  expect(graph.ops.filter((op) => op.name !== "constant" && op.name !== "return" && op.name !== "reshape")).toHaveLength(8);
});
