import { describe, expect, test } from "vitest";
import { gather, gatherElements, gatherNd } from "../../src/ir/ops/gather.ts";
import { scatterElements, scatterNd } from "../../src/ir/ops/scatter.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { f32, i64, infer, iota, list, run, type } from "./run-op.ts";

describe("gather and scatter", () => {
  test("gather picks slices; negative indices count from the end, others outside read the nearest inside", () => {
    expect(list(run(gather, { x: iota("f32", 3, 2), indices: i64([2], [2, -3]) }, { axis: 0 }))).toEqual([4, 5, 0, 1]);
    expect(list(run(gather, { x: iota("f32", 2, 3), indices: i64([2, 1], [0, 2]) }, { axis: 1 }))).toEqual([0, 2, 3, 5]);
    expect(list(run(gather, { x: iota("i64", 3), indices: i64([2], [7, -9]) }, { axis: 0 }))).toEqual([2, 0]);
  });

  test("gatherElements picks along the axis only", () => {
    const x = iota("f32", 3, 3);
    expect(list(run(gatherElements, { x, indices: i64([2, 3], [1, 2, 0, 2, 0, 0]) }, { axis: 0 }))).toEqual([3, 7, 2, 6, 1, 2]);
    expect(list(run(gatherElements, { x, indices: i64([1, 2], [-1, 1]) }, { axis: 1 }))).toEqual([2, 1]);
  });

  test("gatherNd reads positions from the last axis, behind the batch axes", () => {
    expect(list(run(gatherNd, { x: iota("f32", 2, 2), indices: i64([2, 2], [0, 0, 1, 1]) }))).toEqual([0, 3]);
    expect(list(run(gatherNd, { x: iota("f32", 2, 2), indices: i64([1, 1], [1]) }))).toEqual([2, 3]);
    expect(list(run(gatherNd, { x: iota("f32", 2, 2, 2), indices: i64([2, 1], [1, 0]) }, { batchDims: 1 }))).toEqual([2, 3, 4, 5]);
  });

  test("scatterElements writes in the order of updates, and nothing outside", () => {
    const x = f32([1, 5], [1, 2, 3, 4, 5]);
    const indices = i64([1, 3], [1, 1, 9]);
    const updates = f32([1, 3], [10, 20, 30]);
    expect(list(run(scatterElements, { x, indices, updates }, { axis: 1 }))).toEqual([1, 20, 3, 4, 5]);
    expect(list(run(scatterElements, { x, indices, updates }, { axis: 1, reduction: "add" }))).toEqual([1, 32, 3, 4, 5]);
    expect(list(run(scatterElements, { x, indices, updates }, { axis: 1, reduction: "mul" }))).toEqual([1, 400, 3, 4, 5]);
    expect(list(run(scatterElements, { x, indices, updates }, { axis: 1, reduction: "max" }))).toEqual([1, 20, 3, 4, 5]);
    expect(list(run(scatterElements, { x, indices, updates }, { axis: 1, reduction: "min" }))).toEqual([1, 2, 3, 4, 5]);
  });

  test("scatterNd writes whole slices where indices leave axes", () => {
    const x = iota("i64", 3, 2);
    expect(list(run(scatterNd, { x, indices: i64([2, 1], [2, 0]), updates: i64([2, 2], [7, 8, 9, 9]) }))).toEqual([9, 9, 2, 3, 7, 8]);
    expect(list(run(scatterNd, { x, indices: i64([2, 2], [1, 1, 1, 1]), updates: i64([2], [10, 20]) }, { reduction: "add" }))).toEqual([0, 1, 2, 33, 4, 5]);
    expect(list(run(scatterNd, { x: tensor("string", [2], ["a", "b"]), indices: i64([1, 1], [-1]), updates: tensor("string", [1], ["z"]) }))).toEqual([
      "a",
      "z",
    ]);
  });

  test("scattering what was gathered from the same places changes nothing", () => {
    const x = iota("f32", 4, 3);
    const indices = i64([2, 3], [3, 0, 2, 1, 1, 0]);
    const updates = run(gatherElements, { x, indices }, { axis: 0 });
    expect(run(scatterElements, { x, indices, updates }, { axis: 0 }).data).toEqual(x.data);
  });

  test.each([
    [gather, { x: type("f32", 3), indices: type("f32", 1) }, { axis: 0 }, "indices is f32, gather wants i64 or i32"],
    [gather, { x: type("f32", 0), indices: type("i64", 1) }, { axis: 0 }, "axis 0 of x is empty"],
    [
      gatherElements,
      { x: type("f32", 2, 2), indices: type("i64", 3, 3) },
      { axis: 0 },
      "indices are 3x3, gatherElements along axis 0 wants them to lie inside 2x2",
    ],
    [gatherNd, { x: type("f32", 2), indices: type("i64", 1, 2) }, {}, "indices point into 2 axes, x has 1"],
    [gatherNd, { x: type("f32", 2, 2), indices: type("i64", 3, 1) }, { batchDims: 1 }, "wants them to share 1 batch axes"],
    [scatterElements, { x: type("f32", 2), indices: type("i64", 1), updates: type("f32", 2) }, { axis: 0 }, "updates is 2, scatterElements wants 1"],
    [scatterNd, { x: type("f32", 2, 3), indices: type("i64", 1, 1), updates: type("f32", 1, 2) }, {}, "updates are 1x2, scatterNd wants 1x3"],
    [scatterNd, { x: type("string", 2), indices: type("i64", 1, 1), updates: type("string", 1) }, { reduction: "add" }, "x is string"],
  ])("refuses: $3", (def, operands, attrs, message) => {
    expect(() => infer(def, operands, attrs)).toThrow(message);
  });
});
