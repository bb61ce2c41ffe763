import { describe, expect, test } from "vitest";
import { defineAccelerator, type Accelerator } from "../../../src/backends/accelerators/accelerator.ts";
import { cut } from "../../../src/backends/partition/cut.ts";
import { partition, regionUs, type PartitionOptions } from "../../../src/backends/partition/partition.ts";
import { regionsOf } from "../../../src/backends/partition/regions.ts";
import { reportOf, type PartitionReport } from "../../../src/backends/partition/report.ts";
import type { Graph, Op } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { randomGraph } from "../../../src/ir/random-graph.ts";
import { parseGraph } from "../../../src/ir/text/parse.ts";
import { verify } from "../../../src/ir/verify.ts";
import { seededRandom } from "../../../src/support/random.ts";

const base: Accelerator = defineAccelerator({
  name: "fast",
  summary: "",
  exchange: "onnx",
  engine: "fastEngine",
  dtypes: ["f32"],
  accepts: { relu: [], add: [], exp: [], sigmoid: [], neg: [] },
  costs: { launchUs: 10, opUs: 1, macsPerUs: { f32: 1000 }, bytesPerUs: 1000, transferUs: 1, inBytesPerUs: 1000, outBytesPerUs: 1000 },
});
const other: Accelerator = { ...base, name: "other", accepts: { sin: [], cos: [] } };

/** A chain of ops from x to y, each called after its place. */
function chain(...names: readonly string[]): Graph {
  const type = "tensor<10xf32>";
  const lines = names.map((name, i) => `  %v${i + 1} = ${name} %v${i} : ${type} loc("/${i}/${name}")`);
  return parseGraph(`graph @main(%v0: ${type}) -> (${type}) {\n${lines.join("\n")}\n  return %v${names.length} {names = ["y"]}\n}\n`);
}

function planned(
  graph: Graph,
  accelerators: readonly Accelerator[],
  cpuUs: (op: Op) => number = () => 50,
  more: Partial<PartitionOptions> = {},
): PartitionReport {
  const plan = partition(graph, { accelerators, cpuUs, ...more });
  const made = cut(graph, plan);
  expect(verify(made)).toEqual([]);
  const inRegions = new Set(plan.regions.flatMap(({ ops }) => ops));
  const cpu = plan.numbers.ops.filter((op) => !inRegions.has(op)).reduce((sum, op) => sum + cpuUs(op), 0);
  expect(plan.totalUs).toBeCloseTo(cpu + plan.regions.reduce((sum, region) => sum + regionUs(region), 0));
  expect(plan.totalUs).toBeLessThanOrEqual(plan.allCpuUs);
  return reportOf(graph, plan);
}

const nodesOf = (report: PartitionReport): unknown => report.regions.map(({ accelerator, nodes }) => [accelerator, ...nodes]);

describe("a partition", () => {
  test("takes what pays and leaves what is refused, with the reason", () => {
    const report = planned(chain("relu", "exp", "sin", "neg", "relu"), [base]);
    expect(nodesOf(report)).toEqual([
      ["fast", "/0/relu", "/1/exp"],
      ["fast", "/3/neg", "/4/relu"],
    ]);
    expect(report.cpuOps).toMatchObject([{ node: "/2/sin", op: "sin", accelerator: "fast", code: "op", reason: "fast does not take sin", cpuUs: 50 }]);
    expect(report.borders.map(({ value, bytes, from, to }) => [value, bytes, from, ...to])).toEqual([
      ["v2", 40, "r0", "cpu"],
      ["v5", 40, "r1", "cpu"],
      ["v0", 40, "cpu", "r0"],
      ["v3", 40, "cpu", "r1"],
    ]);
    expect(report.whatIf).toMatchObject([{ op: "sin", code: "op", count: 1, joins: ["r0", "r1"] }]);
  });

  test("never costs more than the CPU: says what an op would save and cost", () => {
    const report = planned(chain("relu", "sin", "exp"), [base], () => 1.5);
    expect(report.regions).toEqual([]);
    expect(report.totalUs).toBe(report.allCpuUs);
    expect(report.cpuOps.map(({ code }) => code)).toEqual(["worth", "op", "worth"]);
    expect(report.cpuOps[2]!.reason).toMatch(/^saves .* us, costs 1[0-9] us$/);
  });

  test("says that it is the launch alone that an op is not worth", () => {
    const report = planned(chain("exp", "sin", "relu", "cos", "exp"), [base], (op) => (op.name === "relu" ? 12 : 50));
    expect(report.cpuOps.find(({ op }) => op === "relu")).toMatchObject({ code: "order" });
    expect(report.cpuOps.find(({ op }) => op === "relu")!.reason).toMatch(/^would need a region of its own: saves/);
  });

  test("uses several accelerators, in order of preference", () => {
    expect(nodesOf(planned(chain("relu", "exp", "sin", "cos", "neg"), [base, other]))).toEqual([
      ["fast", "/0/relu", "/1/exp"],
      ["other", "/2/sin", "/3/cos"],
      ["fast", "/4/neg"],
    ]);
  });

  test.each<[string, Accelerator["limits"], unknown, RegExp]>([
    ["regions", { regions: 1 }, [["fast", "/2/neg", "/3/relu"]], /^there would be 2 regions, fast has 1/],
    ["minMacs", { minMacs: 1 }, [], /^a region of it has 0 multiply-accumulates/],
  ])("keeps to the limit %s and says so", (_, limits, wanted, words) => {
    const report = planned(chain("relu", "sin", "neg", "relu"), [{ ...base, limits }]);
    expect(nodesOf(report)).toEqual(wanted);
    expect(report.cpuOps.find(({ node }) => node === "/0/relu")).toMatchObject({ code: "limit" });
    expect(report.cpuOps.find(({ node }) => node === "/0/relu")!.reason).toMatch(words);
  });

  test("splits what is too large for one region, unless that does not pay", () => {
    const ops = ["relu", "exp", "neg", "exp", "neg"];
    expect(nodesOf(planned(chain(...ops), [{ ...base, limits: { opsPerRegion: 3 } }]))).toEqual([
      ["fast", "/0/relu", "/1/exp", "/2/neg"],
      ["fast", "/3/exp", "/4/neg"],
    ]);
    const dear = planned(chain(...ops), [{ ...base, limits: { opsPerRegion: 1 } }], () => 6);
    expect(dear.regions).toEqual([]);
    expect(dear.cpuOps[0]).toMatchObject({ code: "limit" });
  });

  test("splits into connected regions where that is wanted", () => {
    const type = "tensor<10xf32>";
    const graph = parseGraph(
      `graph @main(%x: ${type}, %y: ${type}) -> (${type}, ${type}) {\n  %a = relu %x : ${type}\n  %b = exp %y : ${type}\n  %c = neg %a : ${type}\n  %d = neg %b : ${type}\n  return %c, %d {names = ["c", "d"]}\n}\n`,
    );
    expect(planned(graph, [base]).regions.length).toBe(1);
    expect(planned(graph, [{ ...base, limits: { connected: true } }]).regions.map(({ nodes }) => nodes)).toEqual([
      ["a", "c"],
      ["b", "d"],
    ]);
  });

  test("refuses open extents, dtypes and large constants before its table is asked", () => {
    const open = parseGraph("graph @main(%x: tensor<?n[1..4]xf32>) -> (tensor<?n[1..4]xf32>) {\n  %y = relu %x : tensor<?n[1..4]xf32>\n  return %y\n}\n");
    expect(planned(open, [base]).cpuOps).toMatchObject([{ code: "shape" }]);
    const wide = parseGraph("graph @main(%x: tensor<4xf64>) -> (tensor<4xf64>) {\n  %y = relu %x : tensor<4xf64>\n  return %y\n}\n");
    expect(planned(wide, [base]).cpuOps).toMatchObject([{ code: "dtype", found: "f64", wanted: "f32" }]);
    const heavy = parseGraph(
      "graph @main(%x: tensor<4xf32>) -> (tensor<4xf32>) {\n  %c = constant {value = dense<1> : tensor<4xf32>} : tensor<4xf32>\n  %y = add %x, %c : tensor<4xf32>\n  return %y\n}\n",
    );
    expect(planned(heavy, [{ ...base, limits: { weightBytes: 8 } }]).cpuOps).toMatchObject([{ code: "limit", found: "16", wanted: "8" }]);
  });
});

test("state is read and written in the order of the source", () => {
  const graph = parseGraph(`graph @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a = readState {name = "s", dtype = f32, shape = [2]} : tensor<2xf32>
  writeState %x {name = "s"}
  %b = readState {name = "s", dtype = f32, shape = [2]} : tensor<2xf32>
  %c = relu %a : tensor<2xf32>
  return %c, %b {names = ["c", "b"]}
}
`);
  const made = cut(graph, partition(graph, { accelerators: [base], cpuUs: () => 50 }));
  expect(made.ops.map(({ name }) => name).filter((name) => name.endsWith("State"))).toEqual(["readState", "writeState", "readState"]);
});

describe("any assignment of a random graph of real ops", () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))("gives the same when it is cut: %i", (seed) => {
    const { graph, inputs } = randomGraph(seed, { ops: 30 });
    const random = seededRandom(seed);
    const parts = new Map<Op, Accelerator>();
    for (const op of graph.ops) {
      const pick = [undefined, base, other][Math.floor(random() * 3)];
      if (pick && op.name !== "constant" && op.name !== "return") parts.set(op, pick);
    }
    const found = regionsOf(graph, parts);
    expect(found.regions.flatMap(({ ops }) => ops).length).toBe(parts.size);
    for (const { accelerator, ops } of found.regions) for (const op of ops) expect(parts.get(op)).toBe(accelerator);
    const made = cut(graph, found);
    expect(verify(made)).toEqual([]);
    expect(interpret(made, inputs)).toEqual(interpret(graph, inputs));
  });
});
