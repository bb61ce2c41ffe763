import { describe, expect, test } from "vitest";
import { batchNorm, groupNorm, l2Normalise, layerNorm, logSoftmax, rmsNorm, softmax } from "../../src/ir/ops/normalisation.ts";
import { reshape } from "../../src/ir/ops/movement.ts";
import { reduce } from "../../src/ir/ops/reduction.ts";
import { distance, f32, infer, list, random, run, type } from "./run-op.ts";

describe("softmax", () => {
  test("sums to 1 along its axis, moves with a shift, and does not overflow", () => {
    const x = random(1, 2, 3, 4);
    for (const axis of [0, 1, -1])
      list(run(reduce, { x: run(softmax, { x }, { axis }) }, { kind: "sum", axes: [axis] })).forEach((sum) => expect(sum).toBeCloseTo(1, 6));
    expect(list(run(softmax, { x: f32([3], [1e4, 1e4, -1e4]) }))).toEqual([0.5, 0.5, 0]);
  });

  test("logSoftmax is its logarithm", () => {
    const x = random(2, 3, 5);
    const logs = list(run(softmax, { x }, { axis: 0 })).map((p) => Math.log(Number(p)));
    expect(distance(run(logSoftmax, { x }, { axis: 0 }), f32([3, 5], logs))).toBeLessThan(1e-5);
  });
});

describe("norms", () => {
  const x = f32([2, 4], [1, 2, 3, 4, -1, -1, 1, 1]);

  test("layerNorm makes mean 0 and variance 1, then scales and shifts", () => {
    const y = run(layerNorm, { x, scale: f32([4], [1, 1, 1, 2]), bias: f32([4], [0, 0, 0, 1]) }, { epsilon: 0 });
    [-3, -1, 1, 3].forEach((value, i) => expect(y.data[i]).toBeCloseTo((value / Math.sqrt(5)) * (i === 3 ? 2 : 1) + (i === 3 ? 1 : 0), 5));
    expect(list(y).slice(4)).toEqual([-1, -1, 1, 3]);
  });

  test("layerNorm from an axis on is that of the flattened rest", () => {
    const cube = random(3, 2, 3, 4);
    const flat = run(layerNorm, { x: run(reshape, { x: cube }, { shape: [2, 12] }) });
    expect(list(run(layerNorm, { x: cube }, { axis: 1 }))).toEqual(list(flat));
  });

  test("rmsNorm divides by the root of the mean square", () => {
    expect(list(run(rmsNorm, { x: f32([2], [3, 4]), scale: f32([2], [1, 10]) }, { epsilon: 0 }))).toEqual(
      [3 / Math.sqrt(12.5), 40 / Math.sqrt(12.5)].map(Math.fround),
    );
  });

  test("groupNorm of one group is layerNorm of the rest, of as many groups as channels one a channel", () => {
    const cube = random(4, 2, 4, 3);
    expect(distance(run(groupNorm, { x: cube }, { groups: 1 }), run(layerNorm, { x: cube }, { axis: 1 }))).toBe(0);
    expect(distance(run(groupNorm, { x: cube }, { groups: 4 }), run(layerNorm, { x: cube }, { axis: 2 }))).toBe(0);
  });

  test("batchNorm uses the numbers it is given", () => {
    const y = run(
      batchNorm,
      { x: f32([1, 2, 2], [1, 2, 3, 4]), scale: f32([2], [2, 1]), bias: f32([2], [0, 1]), mean: f32([2], [1, 3]), variance: f32([2], [4, 0.25]) },
      { epsilon: 0 },
    );
    expect(list(y)).toEqual([0, 1, 1, 3]);
  });

  test("l2Normalise makes length 1, but for what is shorter than epsilon", () => {
    expect(list(run(l2Normalise, { x: f32([2, 2], [3, 4, 0, 0.25]) }, { axes: [1], epsilon: 0.5 }))).toEqual([Math.fround(0.6), Math.fround(0.8), 0, 0.5]);
    expect(list(run(l2Normalise, { x: f32([2], [0, 0]) }, { axes: [0] }))).toEqual([0, 0]);
  });
});

test.each([
  [softmax, { x: type("i32", 2) }, {}, "x is i32, softmax wants a float"],
  [softmax, { x: type("f32") }, {}, "axis -1 is outside rank 0"],
  [layerNorm, { x: type("f32", 2, 3), scale: type("f32", 2) }, {}, "scale is 2, layerNorm wants 3"],
  [layerNorm, { x: type("f32", 2, 3), scale: type("f64", 3) }, {}, "scale is f64, layerNorm wants f32"],
  [groupNorm, { x: type("f32", 2, 3, 4) }, { groups: 2 }, "x has 3 channels, groupNorm wants a multiple of 2 groups"],
  [
    batchNorm,
    { x: type("f32", 2, 3), scale: type("f32", 3), bias: type("f32", 3), mean: type("f32", 2), variance: type("f32", 3) },
    {},
    "mean is 2, batchNorm wants 3",
  ],
])("refuses: $3", (def, operands, attrs, message) => {
  expect(() => infer(def, operands, attrs)).toThrow(message);
});
