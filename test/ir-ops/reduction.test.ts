import { describe, expect, test } from "vitest";
import { argReduce, cumulative, reduce } from "../../src/ir/ops/reduction.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { f32, i64, infer, iota, list, run, type } from "./run-op.ts";

const x = f32([2, 3], [1, -2, 3, 4, 0.5, -6]);

describe("reduce", () => {
  test.each([
    ["sum", [2, -1.5]],
    ["mean", [2 / 3, -0.5]],
    ["prod", [-6, -12]],
    ["min", [-2, -6]],
    ["max", [3, 4]],
    ["l1", [6, 10.5]],
    ["l2", [Math.sqrt(14), Math.sqrt(52.25)]],
    ["sumSquare", [14, 52.25]],
    ["logSumExp", [Math.log(Math.E + Math.exp(-2) + Math.exp(3)), Math.log(Math.exp(4) + Math.exp(0.5) + Math.exp(-6))]],
  ])("%s of rows", (kind, wanted) => {
    const y = run(reduce, { x }, { kind, axes: [1] });
    expect(y.type.shape).toEqual([2, 1]);
    list(y).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
  });

  test("axes in any order, from the end, dropped without keepDims", () => {
    const cube = iota("f32", 2, 3, 4);
    expect(list(run(reduce, { x: cube }, { kind: "sum", axes: [-1, 0], keepDims: false }))).toEqual([60, 92, 124]);
    expect(run(reduce, { x: cube }, { kind: "max", axes: [0, 1, 2], keepDims: false })).toEqual(f32([], [23]));
    expect(list(run(reduce, { x }, { kind: "sumSquare", axes: [] }))).toEqual([1, 4, 9, 16, 0.25, 36]);
  });

  test("of nothing: neutral elements, and the bounds of the dtype for extremes", () => {
    const empty = f32([2, 0], []);
    expect(list(run(reduce, { x: empty }, { kind: "sum", axes: [1] }))).toEqual([0, 0]);
    expect(list(run(reduce, { x: empty }, { kind: "prod", axes: [1] }))).toEqual([1, 1]);
    expect(list(run(reduce, { x: empty }, { kind: "max", axes: [1] }))).toEqual([-Infinity, -Infinity]);
    expect(list(run(reduce, { x: empty }, { kind: "logSum", axes: [1] }))).toEqual([-Infinity, -Infinity]);
    expect(list(run(reduce, { x: tensor("u8", [0], []) }, { kind: "min", axes: [0] }))).toEqual([255]);
    expect(run(reduce, { x: i64([0], []) }, { kind: "max", axes: [0] }).data).toEqual(BigInt64Array.of(-(2n ** 63n)));
  });

  test("i64 sums are exact and wrap", () => {
    expect(run(reduce, { x: i64([2], [2n ** 60n + 1n, 2n]) }, { kind: "sum", axes: [0] }).data).toEqual(BigInt64Array.of(2n ** 60n + 3n));
    expect(run(reduce, { x: i64([2], [2n ** 62n, 2n ** 62n]) }, { kind: "sum", axes: [0] }).data).toEqual(BigInt64Array.of(-(2n ** 63n)));
    expect(run(reduce, { x: i64([2], [-7, 2]) }, { kind: "mean", axes: [0] }).data).toEqual(BigInt64Array.of(-2n));
  });

  test("extremes of NaN are NaN, and logSumExp does not overflow", () => {
    expect(list(run(reduce, { x: f32([3], [1, NaN, 3]) }, { kind: "max", axes: [0] }))).toEqual([NaN]);
    expect(list(run(reduce, { x: f32([3], [1, NaN, 3]) }, { kind: "min", axes: [0] }))).toEqual([NaN]);
    expect(list(run(reduce, { x: f32([2], [1000, 1000]) }, { kind: "logSumExp", axes: [0] }))[0]).toBeCloseTo(1000 + Math.LN2, 3);
  });

  test("any and all", () => {
    const flags = tensor("bool", [3, 2], [0, 0, 0, 1, 1, 1]);
    expect(list(run(reduce, { x: flags }, { kind: "any", axes: [1] }))).toEqual([0, 1, 1]);
    expect(list(run(reduce, { x: flags }, { kind: "all", axes: [1] }))).toEqual([0, 0, 1]);
  });
});

describe("argReduce and cumulative", () => {
  test("the first of equals, or the last", () => {
    const ties = f32([4], [2, 5, 5, 1]);
    expect(list(run(argReduce, { x: ties }, { kind: "max", axis: 0 }))).toEqual([1]);
    expect(list(run(argReduce, { x: ties }, { kind: "max", axis: 0, lastIndex: true }))).toEqual([2]);
    expect(list(run(argReduce, { x: f32([3], [1, NaN, 3]) }, { kind: "min", axis: 0 }))).toEqual([1]);
    expect(run(argReduce, { x: iota("i64", 2, 3) }, { kind: "min", axis: 1, keepDims: false }).type).toEqual({ dtype: "i64", shape: [2] });
  });

  test("running sums and products from either end, with or without the element itself", () => {
    const line = f32([4], [1, 2, 3, 4]);
    expect(list(run(cumulative, { x: line }, { axis: 0 }))).toEqual([1, 3, 6, 10]);
    expect(list(run(cumulative, { x: line }, { axis: 0, exclusive: true }))).toEqual([0, 1, 3, 6]);
    expect(list(run(cumulative, { x: line }, { axis: 0, reverse: true }))).toEqual([10, 9, 7, 4]);
    expect(list(run(cumulative, { x: line }, { axis: 0, reverse: true, exclusive: true, kind: "prod" }))).toEqual([24, 12, 4, 1]);
    expect(list(run(cumulative, { x: iota("i64", 2, 2) }, { axis: 0 }))).toEqual([0, 1, 2, 4]);
  });

  test.each([
    [reduce, { x: type("bool", 2) }, { kind: "sum", axes: [0] }, "x is bool, reduce of sum wants numbers"],
    [reduce, { x: type("f32", 2) }, { kind: "any", axes: [0] }, "x is f32, reduce wants bool"],
    [reduce, { x: type("f32", 2) }, { kind: "sum", axes: [1] }, "axis 1 is outside rank 1"],
    [argReduce, { x: type("f32", 0) }, { axis: 0 }, "axis 0 of x is empty"],
    [cumulative, { x: type("string", 2) }, { axis: 0 }, "x is string"],
  ])("refuses: $3", (def, operands, attrs, message) => {
    expect(() => infer(def, operands, attrs)).toThrow(message);
  });
});
