import { describe, expect, test } from "vitest";
import { nativeTest } from "../backends/host-compilers.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { constant, returnOp } from "../../src/ir/ops/control.ts";
import { dequantise } from "../../src/ir/ops/conversion.ts";
import { linear, matmul } from "../../src/ir/ops/linear.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { integerRange, tensorType, type DType, type StaticType } from "../../src/ir/types.ts";
import { lower } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { Executors, type Executor } from "./executors.ts";
import { target } from "./targets.ts";

interface Case {
  readonly dtype: DType;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** 0: one scale a row. */
  readonly block: number;
  readonly zeroPoint: boolean;
  readonly as: "linear" | "matmul";
}

const CASES: readonly Case[] = [
  { dtype: "u4", m: 1, k: 64, n: 40, block: 32, zeroPoint: true, as: "linear" },
  { dtype: "i4", m: 5, k: 48, n: 21, block: 16, zeroPoint: false, as: "linear" },
  { dtype: "u4", m: 3, k: 15, n: 19, block: 5, zeroPoint: true, as: "linear" },
  { dtype: "i8", m: 9, k: 40, n: 33, block: 0, zeroPoint: false, as: "linear" },
  { dtype: "u8", m: 2, k: 32, n: 17, block: 8, zeroPoint: true, as: "matmul" },
  { dtype: "i4", m: 1, k: 96, n: 64, block: 32, zeroPoint: true, as: "matmul" },
];

function graphOf({ dtype, m, k, n, block, zeroPoint, as }: Case): Graph {
  const graph = new Graph("weights", [new Value(tensorType("f32", [m, k]), "x")]);
  const b = new Builder(graph.ops);
  const random = (of: DType, shape: readonly number[], seed: number, range: readonly [number, number]): Value =>
    b.create(constant, {}, { value: randomTensor(tensorType(of, shape) as StaticType, seed, range) });
  const [turned, scales] = [as === "matmul", block === 0 ? [n] : [n, k / block]];
  const shaped = (shape: readonly number[]): readonly number[] => (turned ? shape.toReversed() : shape);
  const [low, high] = integerRange(dtype);
  const w = b.create(
    dequantise,
    {
      x: random(dtype, shaped([n, k]), 1, [low, high]),
      scale: random("f32", shaped(scales), 2, [0.01, 0.02]),
      zeroPoint: zeroPoint ? random(dtype, shaped(scales), 3, [Math.floor(low / 2), Math.ceil(high / 2)]) : undefined,
    },
    { axis: (block === 0) === turned ? 1 : 0, block },
  );
  const [x] = graph.params;
  const y = turned ? b.create(matmul, { a: x!, b: w }) : b.create(linear, { x: x!, w, bias: random("f32", [n], 4, [-1, 1]) });
  b.create(returnOp, { values: [y] }, { names: ["y"] });
  return graph;
}

async function expectSame(executor: Executor, at: Case): Promise<void> {
  const executors = new Executors(graphOf(at), { flags: ["-O1"] });
  const input = [randomTensor(tensorType("f32", [at.m, at.k]) as StaticType, 5, [-1, 1])];
  const [wanted] = executors.interpretImported(input);
  const [got] = await executors.run(executor, input);
  Array.from(wanted!.data, Number).forEach((value, i) => expect(Number(got!.data[i])).toBeCloseTo(value, 4));
}

describe.each(CASES)("$as of $m x $k x $n in $dtype, blocks of $block", (at) => {
  test("keeps its codes", () => {
    const graph = graphOf(at);
    new Executors(graph).optimize();
    expect(graph.ops.map(({ name }) => name)).toContain("weightOnlyLinear");
    const pool = new WeightPool();
    lower(graph, target("wasm"), pool);
    const bits = at.dtype.endsWith("4") && at.block % 2 === 0 ? 4 : 8;
    const tables = 2 * 4 * at.n * (at.block === 0 ? 1 : at.k / at.block) + 4 * at.n;
    // Columns that fill no vector have a code a byte; segments begin at 64 bytes.
    expect(pool.bytes().length).toBeLessThanOrEqual((at.n * at.k * bits) / 8 + 3 * at.k + tables + 12 * 64);
  });
  test.each(["wasm", "guardedWasm"] as const)("%s", (executor) => expectSame(executor, at));
  nativeTest.each(["native", "guarded"] as const)("%s", (executor) => expectSame(executor, at));
});
