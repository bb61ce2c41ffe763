import { expect, test } from "vitest";
import { lower, type Lowered } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { optimize } from "../../src/compile.ts";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { add, mul } from "../../src/ir/ops/arithmetic.ts";
import { returnOp } from "../../src/ir/ops/control.ts";
import { matmul } from "../../src/ir/ops/linear.ts";
import { concat, slice } from "../../src/ir/ops/movement.ts";
import { reduce } from "../../src/ir/ops/reduction.ts";
import { scatterElements, scatterNd } from "../../src/ir/ops/scatter.ts";
import { readState, writeState } from "../../src/ir/ops/state.ts";
import { tensorType, type TensorType } from "../../src/ir/types.ts";
import { target } from "../executors/targets.ts";

const [ROOM, WIDTH] = [512, 64];
const CACHE_BYTES = ROOM * WIDTH * 4;
const types = { row: tensorType("f32", [1, WIDTH]), place: tensorType("i64", [1, 1]), places: tensorType("i64", [1, WIDTH]) } as const;

/** A cache that `next` makes anew of the old one, and what `read` makes of both. */
function lowered(
  next: (b: Builder, cache: Value, inputs: Readonly<Record<keyof typeof types, Value>>) => Value,
  read: (b: Builder, next: Value, cache: Value, inputs: Readonly<Record<keyof typeof types, Value>>) => Value = (b, x) =>
    b.create(reduce, { x }, { kind: "sum", axes: [0] }),
): Lowered {
  const inputs = Object.fromEntries(Object.entries(types).map(([name, type]: [string, TensorType]) => [name, new Value(type, name)])) as Record<
    keyof typeof types,
    Value
  >;
  const graph = new Graph("decoder", Object.values(inputs));
  const b = new Builder(graph.ops);
  const cache = b.create(readState, {}, { name: "keys", dtype: "f32", shape: [ROOM, WIDTH] });
  const made = next(b, cache, inputs);
  const y = read(b, made, cache, inputs);
  b.createAll(writeState, { x: made }, { name: "keys" });
  b.create(returnOp, { values: [y] }, { names: ["y"] });
  optimize(graph);
  return lower(graph, target("wasm"), new WeightPool());
}

/** Buffers of the arena, beside the state, that hold as much as the cache. */
const large = ({ memory }: Lowered): number => memory.buffers.filter(({ bytes }) => bytes >= CACHE_BYTES).length;

test("a row that is scattered into a state is written where it lies", () => {
  const byPlace = lowered(
    (b, x, { row, place }) => b.create(scatterNd, { x, indices: place, updates: row }),
    (b, next, _, { row }) => b.create(matmul, { a: next, b: b.create(reduce, { x: row }, { kind: "max", axes: [0], keepDims: false }) }),
  );
  const byElement = lowered((b, x, { row, places }) => b.create(scatterElements, { x, indices: places, updates: row }, { axis: 0 }));
  for (const one of [byPlace, byElement]) {
    expect(large(one)).toBe(0);
    expect(one.calls.map(({ op }) => op)).not.toContain("writeState");
    expect(one.calls.filter(({ op }) => op.startsWith("scatter")).length).toBe(1);
  }
});

test("a state that is computed element by element is computed where it lies", () => {
  const one = lowered((b, x, { row }) => b.create(add, { a: b.create(mul, { a: x, b: row }), b: row }));
  expect(large(one)).toBe(0);
  expect(one.calls.map(({ op }) => op)).not.toContain("writeState");
});

test("what is cut out of a longer tensor goes to the state at once", () => {
  const one = lowered((b, x, { row }) =>
    b.create(slice, { x: b.create(concat, { xs: [x, row] }, { axis: 0 }) }, { starts: [1, 0], sizes: [ROOM, WIDTH], steps: [1, 1] }),
  );
  expect(large(one)).toBe(1);
});

test("where the old state is read behind the new one, it stays until then", () => {
  const one = lowered(
    (b, x, { row, place }) => b.create(scatterNd, { x, indices: place, updates: row }),
    (b, next, cache) => b.create(reduce, { x: b.create(mul, { a: next, b: cache }) }, { kind: "sum", axes: [0] }),
  );
  expect(large(one)).toBeGreaterThan(0);
  expect(one.calls.map(({ op }) => op)).toContain("writeState");
});
