import { describe, expect, test } from "vitest";
import { dimSymbol } from "../../src/ir/dims.ts";
import { broadcast, concat, pad, reshape, reverse, roll, slice, transpose } from "../../src/ir/ops/movement.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { tensorType } from "../../src/ir/types.ts";
import { infer, iota, list, run, type } from "./run-op.ts";

describe("movement", () => {
  test("transpose moves axis perm[i] to i, for every kind of element", () => {
    expect(list(run(transpose, { x: iota("f32", 2, 3) }, { perm: [1, 0] }))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(list(run(transpose, { x: iota("i64", 2, 1, 3) }, { perm: [2, 0, 1] }))).toEqual([0, 3, 1, 4, 2, 5]);
    expect(list(run(transpose, { x: tensor("string", [2, 2], ["a", "b", "c", "d"]) }, { perm: [1, 0] }))).toEqual(["a", "c", "b", "d"]);
    expect(list(run(transpose, { x: tensor("bool", [2, 2], [1, 0, 1, 1]) }, { perm: [1, 0] }))).toEqual([1, 1, 0, 1]);
  });

  test("i64 keeps all its bits", () => {
    const x = tensor("i64", [2], [2n ** 62n + 1n, -(2n ** 61n) - 3n]);
    expect(run(reverse, { x }, { axes: [0] }).data).toEqual(BigInt64Array.of(-(2n ** 61n) - 3n, 2n ** 62n + 1n));
  });

  test("slice takes sizes[a] elements from starts[a] on, steps[a] apart, backwards too", () => {
    const x = iota("f32", 4, 5);
    expect(list(run(slice, { x }, { starts: [3, 1], sizes: [2, 2], steps: [-2, 3] }))).toEqual([16, 19, 6, 9]);
    expect(list(run(slice, { x }, { starts: [9, 0], sizes: [0, 5], steps: [1, 1] }))).toEqual([]);
  });

  test.each([
    ["constant", [9, 9, 0, 1, 2, 9]],
    ["edge", [0, 0, 0, 1, 2, 2]],
    ["reflect", [2, 1, 0, 1, 2, 1]],
    ["wrap", [1, 2, 0, 1, 2, 0]],
  ])("pad with %s", (mode, wanted) => {
    expect(list(run(pad, { x: iota("i64", 3) }, { low: [2], high: [1], mode, value: 9 }))).toEqual(wanted);
  });

  test("pads longer than x reflect and wrap more than once", () => {
    expect(list(run(pad, { x: iota("f32", 3) }, { low: [5], high: [0], mode: "reflect" }))).toEqual([1, 0, 1, 2, 1, 0, 1, 2]);
    expect(list(run(pad, { x: iota("f32", 2) }, { low: [3], high: [3], mode: "wrap" }))).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
    expect(list(run(pad, { x: iota("f32", 1) }, { low: [1], high: [1], mode: "reflect" }))).toEqual([0, 0, 0]);
  });

  test("pad writes a real number in terms of the quantisation", () => {
    const quantised = { type: { dtype: "u8", shape: [2], quant: { scale: [0.5], zeroPoint: [10] } }, data: Uint8Array.of(1, 2) } as const;
    expect(list(run(pad, { x: quantised }, { low: [1], high: [0], value: 0 }))).toEqual([10, 1, 2]);
    expect(list(run(pad, { x: quantised }, { low: [1], high: [0], value: 2 }))).toEqual([14, 1, 2]);
  });

  test("concat puts operands one after another along an axis", () => {
    expect(list(run(concat, { xs: [iota("f32", 2, 2), iota("f32", 2, 1)] }, { axis: 1 }))).toEqual([0, 1, 0, 2, 3, 1]);
    expect(list(run(concat, { xs: [tensor("string", [1], ["a"]), tensor("string", [2], ["b", "c"])] }, { axis: 0 }))).toEqual(["a", "b", "c"]);
  });

  test("roll brings back at the front what leaves at the end", () => {
    expect(list(run(roll, { x: iota("f32", 5) }, { shifts: [2], axes: [0] }))).toEqual([3, 4, 0, 1, 2]);
    expect(list(run(roll, { x: iota("f32", 2, 3) }, { shifts: [-1, 1], axes: [1, 0] }))).toEqual([4, 5, 3, 1, 2, 0]);
  });

  test("broadcast repeats axes of extent 1 and new leading axes", () => {
    expect(list(run(broadcast, { x: iota("i64", 2, 1) }, { shape: [2, 2, 3] }))).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
  });

  test("reshape keeps a symbol where -1 stands", () => {
    const n = dimSymbol("n", 0, 9);
    expect(infer(reshape, { x: type("f32", n, 1, 3) }, { shape: [-1, 3] })[0]!.shape).toEqual([n, 3]);
    expect(infer(reshape, { x: type("f32", 4, 3) }, { shape: [2, -1] })[0]!.shape).toEqual([2, 6]);
  });

  test("a quantised axis goes along, or is refused where it is cut up", () => {
    const quant = { scale: [1, 2, 3], zeroPoint: [0, 0, 0], axis: 1 };
    const x = tensorType("i8", [2, 3], quant);
    expect(infer(transpose, { x }, { perm: [1, 0] })[0]!.quant).toEqual({ ...quant, axis: 0 });
    expect(infer(reshape, { x }, { shape: [1, 2, 1, 3] })[0]!.quant).toEqual({ ...quant, axis: 3 });
    expect(() => infer(reshape, { x }, { shape: [6] })).toThrow("quantised along axis 1");
    expect(() => infer(slice, { x }, { starts: [0, 0], sizes: [2, 2], steps: [1, 1] })).toThrow("quantised along axis 1");
  });

  test.each([
    [reshape, { x: type("f32", 2, 3) }, { shape: [4] }, "x is 2x3, which does not fit into 4"],
    [reshape, { x: type("f32", 2, 3) }, { shape: [2 ** 30, 2 ** 30] }, "wants fewer than 2^53"],
    [transpose, { x: type("f32", 2, 3) }, { perm: [0, 0] }, "perm is 0, 0, transpose wants each axis below 2 once"],
    [transpose, { x: type("f32", 2, 3) }, { perm: [0] }, "perm has 1 entries, transpose wants 2"],
    [broadcast, { x: type("f32", 2) }, { shape: [3] }, "x is 2, which does not broadcast to 3"],
    [slice, { x: type("f32", 4) }, { starts: [2], sizes: [3], steps: [1] }, "axis 0 of x has 4 elements, slice wants 2 to 4 of them"],
    [slice, { x: type("f32", 4) }, { starts: [1], sizes: [3], steps: [-1] }, "slice wants 1 to -1 of them"],
    [pad, { x: type("f32", 4) }, { low: [-1], high: [0] }, "low is -1, pad wants integers from 0 on"],
    [pad, { x: type("f32", 0) }, { low: [1], high: [0], mode: "edge" }, "axis 0 of x is empty"],
    [concat, { xs: [] }, { axis: 0 }, "there is no operand"],
    [concat, { xs: [type("f32", 2, 2), type("f32", 2, 3)] }, { axis: 0 }, "operand 1 is 2x3, concat along axis 0 wants it to agree with 2x2"],
    [concat, { xs: [type("f32", 2), type("i64", 2)] }, { axis: 0 }, "operand 1 is i64, concat wants f32 like the first"],
    [reverse, { x: type("f32", 2) }, { axes: [1] }, "axis 1 is outside rank 1"],
    [reverse, { x: type("f32", 2) }, { axes: [0, -1] }, "name one twice"],
    [roll, { x: type("f32", 2) }, { shifts: [1, 2], axes: [0] }, "shifts has 2 entries, roll wants 1"],
  ])("refuses: $3", (def, operands, attrs, message) => {
    expect(() => infer(def, operands, attrs)).toThrow(message);
  });
});
