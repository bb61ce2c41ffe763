import { describe, expect, test } from "vitest";
import { compress, nonZero, unique } from "../../src/ir/ops/selection.ts";
import { sort, topK } from "../../src/ir/ops/sorting.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { f32, i64, infer, iota, list, run, runAll, type } from "./run-op.ts";

describe("order", () => {
  test("topK gives the one that stood first among equals", () => {
    const [values, indices] = runAll(topK, { x: f32([5], [1, 3, 2, 3, 3]) }, { k: 2 });
    expect([list(values!), list(indices!)]).toEqual([
      [3, 3],
      [1, 3],
    ]);
    const [least, at] = runAll(topK, { x: f32([2, 3], [3, 1, 1, 0, 5, 0]) }, { k: 2, largest: false });
    expect([list(least!), list(at!)]).toEqual([
      [1, 1, 0, 0],
      [1, 2, 0, 2],
    ]);
  });

  test("topK of i64 is exact, NaN is greatest", () => {
    expect(run(topK, { x: i64([3], [2n ** 60n, 2n ** 60n + 1n, 5n]) }, { k: 1 }).data).toEqual(BigInt64Array.of(2n ** 60n + 1n));
    expect(list(runAll(topK, { x: f32([3], [1, NaN, 2]) }, { k: 3 })[1]!)).toEqual([1, 2, 0]);
    expect(list(runAll(topK, { x: f32([3], [1, NaN, 2]) }, { k: 3, largest: false })[1]!)).toEqual([0, 2, 1]);
  });

  test("sort is stable in both directions, along any axis", () => {
    const [up, from] = runAll(sort, { x: f32([2, 3], [2, 1, 2, 0, 1, 5]) }, { axis: 0 });
    expect([list(up!), list(from!)]).toEqual([
      [0, 1, 2, 2, 1, 5],
      [1, 0, 0, 0, 1, 1],
    ]);
    expect(list(runAll(sort, { x: f32([3], [7, 7, 9]) }, { descending: true })[1]!)).toEqual([2, 0, 1]);
    expect(list(run(sort, { x: tensor("string", [3], ["b", "c", "a"]) }))).toEqual(["a", "b", "c"]);
  });
});

describe("results as long as the data says", () => {
  test("nonZero lists places column by column", () => {
    const y = run(nonZero, { x: tensor("bool", [2, 2], [1, 0, 1, 1]) });
    expect([y.type.shape, list(y)]).toEqual([
      [2, 3],
      [0, 1, 1, 0, 0, 1],
    ]);
    expect(run(nonZero, { x: f32([3], [0, 0, 0]) }).type.shape).toEqual([1, 0]);
    expect(run(nonZero, { x: f32([], [4]) }).type.shape).toEqual([0, 1]);
    expect(infer(nonZero, { x: type("f32", 3, 4) }, { extent: "hits" })[0]!.shape).toEqual([2, { kind: "symbol", name: "hits", low: 0, high: 12 }]);
  });

  test("unique of elements, ascending or as they came", () => {
    const x = f32([6], [2, 1, 1, 3, 4, 3]);
    expect(runAll(unique, { x }).map(list)).toEqual([
      [1, 2, 3, 4],
      [1, 0, 3, 4],
      [1, 0, 0, 2, 3, 2],
      [2, 1, 2, 1],
    ]);
    expect(runAll(unique, { x }, { sorted: false }).map(list)).toEqual([
      [2, 1, 3, 4],
      [0, 1, 3, 4],
      [0, 1, 1, 2, 3, 2],
      [1, 2, 2, 1],
    ]);
    expect(list(run(unique, { x: f32([3], [NaN, 1, NaN]) }))).toEqual([1, NaN]);
  });

  test("unique of slices orders them by their first difference", () => {
    const x = f32([3, 3], [1, 0, 0, 1, 0, 0, 2, 3, 4]);
    const [values, ...rest] = runAll(unique, { x }, { flat: false, axis: 0 });
    expect([values!.type.shape, list(values!)]).toEqual([
      [2, 3],
      [1, 0, 0, 2, 3, 4],
    ]);
    expect(rest.map(list)).toEqual([
      [0, 2],
      [0, 0, 1],
      [2, 1],
    ]);
    const columns = runAll(unique, { x: f32([2, 3], [1, 1, 0, 5, 5, 7]) }, { flat: false, axis: 1 });
    expect(columns.map(list)).toEqual([
      [0, 1, 7, 5],
      [2, 0],
      [1, 1, 0],
      [1, 2],
    ]);
  });

  test("compress keeps what the condition names", () => {
    const x = iota("f32", 3, 2);
    const kept = run(compress, { x, condition: tensor("bool", [3], [0, 1, 1]) }, { axis: 0 });
    expect([kept.type.shape, list(kept)]).toEqual([
      [2, 2],
      [2, 3, 4, 5],
    ]);
    expect(list(run(compress, { x, condition: tensor("bool", [2], [0, 1]) }, { axis: 1 }))).toEqual([1, 3, 5]);
    expect(list(run(compress, { x, condition: tensor("bool", [4], [0, 1, 0, 1]) }, { flat: true }))).toEqual([1, 3]);
  });

  test.each([
    [topK, { x: type("f32", 3) }, { k: 4 }, "k is 4 and axis 0 of x has 3 elements"],
    [compress, { x: type("f32", 3), condition: type("bool", 4) }, {}, "condition is 4, compress wants no more than the 3 there are"],
    [compress, { x: type("f32", 3), condition: type("i64", 3) }, {}, "condition is i64, compress wants bool"],
    [nonZero, { x: type("string", 3) }, {}, "nonZero wants plain numbers"],
  ])("refuses: $3", (def, operands, attrs, message) => {
    expect(() => infer(def, operands, attrs)).toThrow(message);
  });
});
