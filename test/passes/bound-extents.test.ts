import { expect, test } from "vitest";
import { lower } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { optimize } from "../../src/compile.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { mul } from "../../src/ir/ops/arithmetic.ts";
import { returnOp } from "../../src/ir/ops/control.ts";
import { gather } from "../../src/ir/ops/gather.ts";
import { matmul } from "../../src/ir/ops/linear.ts";
import { reshape } from "../../src/ir/ops/movement.ts";
import { exp } from "../../src/ir/ops/arithmetic.ts";
import { argReduce } from "../../src/ir/ops/reduction.ts";
import { compress, nonZero, unique } from "../../src/ir/ops/selection.ts";
import { tensorType, type Dim } from "../../src/ir/types.ts";
import { walkStatements } from "../../src/kernel/walk.ts";
import { boundExtents } from "../../src/passes/bound-extents.ts";
import { runPasses } from "../../src/passes/pass.ts";
import { NeoError } from "../../src/support/errors.ts";
import { target } from "../executors/targets.ts";

function graphOf(shapes: readonly (readonly Dim[])[], build: (b: Builder, inputs: readonly Value[]) => readonly Value[]): Graph {
  const graph = new Graph(
    "open",
    shapes.map((shape, i) => new Value(tensorType(i === 0 ? "bool" : "f32", shape), `in${i}`)),
  );
  const b = new Builder(graph.ops);
  b.loc = ["/head/node"];
  b.create(returnOp, { values: build(b, graph.params) });
  return graph;
}

function refusalOf(graph: Graph): NeoError {
  try {
    runPasses(graph, [boundExtents]);
  } catch (error) {
    if (error instanceof NeoError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("ops that would let what is behind the end through are refused, all at once, by node and reason", () => {
  const graph = graphOf([[6], [6, 3]], (b, [condition, x]) => {
    const rows = b.create(compress, { x: x!, condition: condition! });
    return [b.create(argReduce, { x: rows }, { axis: 0, lastIndex: true }), b.create(unique, { x: rows }, { extent: "m" })];
  });
  const { code, notes } = refusalOf(graph);
  expect(code).toBe("NEO3110");
  expect(notes.map(({ where, text }) => `${where}: ${text}`)).toEqual([
    "/head/node: argReduce wants the last of equal elements along it; take the first",
    "/head/node: unique wants a tensor whose shape is known: what lies behind the end would count as elements",
  ]);
});

test("an input of open shape gets a length beside it", () => {
  const open = graphOf([[2], [{ kind: "symbol", name: "n", low: 1, high: 4 }, 3]], (b, [, x]) => [b.create(mul, { a: x!, b: x! })]);
  boundExtents.run(open, { foldBudget: 0 });
  expect(open.params.map(({ type }) => [type.dtype, type.shape])).toEqual([
    ["bool", [2]],
    ["f32", [4, 3]],
    ["i32", []],
  ]);
  expect(open.terminator.attrs).toMatchObject({ inputExtents: [1, 0, 2, 1, 1], extents: [0, 0, 1] });
});

test("an input without any bound is refused", () => {
  const graph = graphOf([[{ kind: "symbol", name: "n", low: 0, high: Infinity }]], (_b, [x]) => [x!]);
  expect(refusalOf(graph).notes).toEqual([{ where: "in0", text: "is n: axis 0 has no range" }]);
});

test("a graph of known shapes stays as it is", () => {
  const graph = graphOf([[6], [6, 3]], (b, [, x]) => [b.create(mul, { a: x!, b: x! })]);
  const before = [...graph.ops];
  expect(boundExtents.run(graph, { foldBudget: 0 })).toBe(false);
  expect(graph.ops).toEqual(before);
});

test("loops over rows that nobody will look at stop where the rows end", () => {
  const graph = graphOf([[64], [64, 32], [32, 48]], (b, [condition, x, w]) => {
    const places = b.create(reshape, { x: b.create(nonZero, { x: condition! }) }, { shape: [-1] });
    const picked = b.create(gather, { x: x!, indices: places }, { axis: 0 });
    return [b.create(exp, { x: b.create(matmul, { a: b.create(exp, { x: picked }), b: w! }) })];
  });
  optimize(graph);
  const { program, lengths } = lower(graph, target("host"), new WeightPool());
  const ending = program.kernels.filter((kernel) => {
    let ends = false;
    walkStatements(kernel.body, (stmt) => void (ends ||= stmt.kind === "for" && typeof stmt.trips !== "number"));
    return ends;
  });
  // Looking up, both exps, the product and the copy to the output.
  expect(ending.length).toBeGreaterThanOrEqual(4);
  expect(lengths).toEqual([{ port: "output", index: 0, axis: 0, extent: lengths[0]!.extent }]);
  expect(program.extents[lengths[0]!.extent]!.max).toBe(64);
});
