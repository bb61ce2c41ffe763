import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { randomGraph } from "../../src/ir/random-graph.ts";
import { printGraph } from "../../src/ir/text/print.ts";
import { isFloat } from "../../src/ir/types.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { DEFAULT_OPTIONS, runPasses, type Pass } from "../../src/passes/pass.ts";
import { PASSES, PIPELINES } from "../../src/passes/pipelines.ts";

const GRAPHS = 40;

/** Passes reorder float arithmetic: sums of a chain of ops may differ in the last bits. */
const TOLERANCE = 1e-4;

function expectSame(got: readonly Tensor[], wanted: readonly Tensor[], label: string): void {
  wanted.forEach(({ type, data }, o) => {
    const [a, b] = [got[o]!.data as ArrayLike<number | bigint>, data as ArrayLike<number | bigint>];
    expect(a.length, label).toBe(b.length);
    for (let i = 0; i < b.length; i++) {
      const [x, y] = [Number(a[i]), Number(b[i])];
      if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
      if (!isFloat(type.dtype) || !(Math.abs(x - y) <= TOLERANCE * Math.max(1, Math.abs(y)))) expect.fail(`${label}: output ${o}[${i}] is ${x}, wanted ${y}`);
    }
  });
}

function keepsMeaning(passes: readonly Pass[]): void {
  for (let seed = 1; seed <= GRAPHS; seed++) {
    const { graph, inputs } = randomGraph(seed);
    const text = printGraph(graph);
    const wanted = interpret(graph, inputs);
    runPasses(graph, passes, DEFAULT_OPTIONS, { verifyEach: true });
    expectSame(interpret(graph, inputs), wanted, `seed ${seed}\n${text}\n${printGraph(graph)}`);
  }
}

describe("random graphs mean the same", () => {
  test.each(PASSES.map((pass) => [pass.name, pass] as const))("after %s", (_name, pass) => keepsMeaning([pass]));
  test.each(Object.entries(PIPELINES))("after the pipeline %s", (_name, passes) => keepsMeaning(passes));
});

test("a pass that says it changed nothing changed nothing", () => {
  for (let seed = 1; seed <= GRAPHS; seed++) {
    const { graph } = randomGraph(seed);
    runPasses(graph, PIPELINES["cpu"]!);
    const before = printGraph(graph);
    for (const pass of PASSES)
      if (!pass.run(graph, DEFAULT_OPTIONS)) expect(printGraph(graph), pass.name).toBe(before);
      else break;
  }
});
