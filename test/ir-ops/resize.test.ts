import { describe, expect, test } from "vitest";
import { resize } from "../../src/ir/ops/resize.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { f32, infer, iota, list, random, run, type } from "./run-op.ts";

const line = (values: readonly number[], to: number, attrs: object = {}, scale = to / values.length): number[] =>
  list(run(resize, { x: f32([values.length], values) }, { shape: [to], scales: [scale], ...attrs })).map(Number);
const near = (found: readonly number[], wanted: readonly number[]): void => {
  expect(found.length).toBe(wanted.length);
  found.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4));
};

describe("nearest", () => {
  test("twice as long repeats, half as long skips", () => {
    expect(line([1, 2, 3], 6)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(line([1, 2, 3, 4], 2, { coordinates: "asymmetric", nearest: "floor" })).toEqual([1, 3]);
    expect(line([1, 2, 3, 4], 2, { coordinates: "asymmetric", nearest: "simple" })).toEqual([1, 3]);
  });

  test("halves go where the rounding says", () => {
    const halves = { coordinates: "alignCorners" } as const;
    expect(line([0, 1, 2], 5, { ...halves, nearest: "roundPreferFloor" })).toEqual([0, 0, 1, 1, 2]);
    expect(line([0, 1, 2], 5, { ...halves, nearest: "roundPreferCeil" })).toEqual([0, 1, 1, 2, 2]);
    expect(line([0, 1, 2], 5, { ...halves, nearest: "floor" })).toEqual([0, 0, 1, 1, 2]);
    expect(line([0, 1, 2], 5, { ...halves, nearest: "ceil" })).toEqual([0, 1, 1, 2, 2]);
  });

  test("moves elements of any kind", () => {
    expect(list(run(resize, { x: tensor("string", [2], ["a", "b"]) }, { shape: [4], scales: [2] }))).toEqual(["a", "a", "b", "b"]);
    expect(run(resize, { x: tensor("i64", [1], [2n ** 60n + 1n]) }, { shape: [2], scales: [2] }).data).toEqual(
      BigInt64Array.of(2n ** 60n + 1n, 2n ** 60n + 1n),
    );
  });
});

describe("linear", () => {
  test("in each system of coordinates", () => {
    near(line([1, 2], 4, { mode: "linear" }), [1, 1.25, 1.75, 2]);
    near(line([1, 2], 4, { mode: "linear", coordinates: "asymmetric" }), [1, 1.5, 2, 2]);
    near(line([1, 2], 4, { mode: "linear", coordinates: "alignCorners" }), [1, 4 / 3, 5 / 3, 2]);
    near(line([1, 2, 3, 4], 1, { mode: "linear" }), [2.5]);
    near(line([1, 2, 3, 4], 1, { mode: "linear", coordinates: "pytorchHalfPixel" }), [1]);
    near(line([1, 2, 3, 4], 2, { mode: "linear", coordinates: "tfHalfPixelForNn" }), [2, 4]);
  });

  test("scales that are not the ratio of the lengths are taken as they are", () => {
    near(line([1, 2, 3, 4], 2, { mode: "linear", coordinates: "alignCorners" }, 0.6), [1, 1 + 3 / 1.4]);
    near(line([1, 2, 3, 4], 2, { mode: "linear", coordinates: "halfPixelSymmetric" }, 0.6), [
      2 * (1 - 2 / 2.4) + 0.5 / 0.6 + 0.5,
      2 * (1 - 2 / 2.4) + 1.5 / 0.6 + 0.5,
    ]);
  });

  test("antialias averages over what is left out", () => {
    near(line([1, 2, 3, 4, 5, 6], 3, { mode: "linear", antialias: true }), [
      (1 * 0.75 + 2 * 0.75 + 3 * 0.25 + 1 * 0.25) / 2,
      (2 * 0.25 + 3 * 0.75 + 4 * 0.75 + 5 * 0.25) / 2,
      (4 * 0.25 + 5 * 0.75 + 6 * 0.75 + 6 * 0.25) / 2,
    ]);
  });

  test("a region of x, and what lies outside it", () => {
    near(line([0, 1, 2, 3, 4], 3, { mode: "linear", coordinates: "tfCropAndResize", roi: [0.25, 0.75] }), [1, 2, 3]);
    near(line([0, 1, 2, 3, 4], 3, { mode: "linear", coordinates: "tfCropAndResize", roi: [0.5, 1.5], extrapolation: -1 }), [2, 4, -1]);
    near(line([0, 1, 2, 3, 4], 3, { mode: "nearest", coordinates: "tfCropAndResize", roi: [-0.5, 0.5], extrapolation: 9 }), [9, 0, 2]);
  });

  test("integers get the nearest value, halfway the even one", () => {
    expect(list(run(resize, { x: tensor("u8", [2], [1, 2]) }, { shape: [3], scales: [1.5], mode: "linear", coordinates: "alignCorners" }))).toEqual([1, 2, 2]);
    expect(list(run(resize, { x: tensor("u8", [2], [0, 1]) }, { shape: [3], scales: [1.5], mode: "linear", coordinates: "alignCorners" }))).toEqual([0, 0, 1]);
  });
});

describe("cubic", () => {
  test("keeps a straight line straight inside, and a constant constant with excludeOutside", () => {
    near(line([0, 1, 2, 3, 4, 5], 12, { mode: "cubic", cubicA: -0.5 }).slice(4, 8), [1.75, 2.25, 2.75, 3.25]);
    near(line([2, 2, 2], 7, { mode: "cubic", excludeOutside: true }), [2, 2, 2, 2, 2, 2, 2]);
  });

  test("weights at a quarter with a = -0.75", () => {
    // x = 1.25 of [0, 0, 1, 0] reads pixel 2 at distance 0.75.
    const weight = (1.25 * 0.75 - 2.25) * 0.75 * 0.75 + 1;
    expect(line([0, 0, 1, 0], 8, { mode: "cubic" })[3]).toBeCloseTo(weight, 6);
  });

  test("saturates integers", () => {
    const y = list(run(resize, { x: tensor("u8", [4], [0, 0, 255, 255]) }, { shape: [8], scales: [2], mode: "cubic" }));
    expect(y.every((value) => Number(value) >= 0 && Number(value) <= 255)).toBe(true);
    expect(y[2]).toBe(0);
    expect(y[5]).toBe(255);
  });
});

test("axes of the same length stay as they are", () => {
  const x = random(1, 2, 3, 4);
  for (const mode of ["nearest", "linear", "cubic"])
    for (const coordinates of ["halfPixel", "alignCorners", "asymmetric"])
      expect(run(resize, { x }, { shape: [2, 3, 4], scales: [1, 1, 1], mode, coordinates }).data).toEqual(x.data);
  expect(list(run(resize, { x: iota("f32", 2, 2) }, { shape: [2, 4], scales: [1, 2], mode: "linear" }))).toEqual([0, 0.25, 0.75, 1, 2, 2.25, 2.75, 3]);
});

test.each([
  [{ shape: [4], scales: [2, 2] }, "scales has 2 entries, resize wants 1"],
  [{ shape: [4, 4], scales: [2] }, "shape has 2 entries, resize wants 1"],
  [{ shape: [4], scales: [0] }, "scales are 0, resize wants them above 0"],
  [{ shape: [4], scales: [2], coordinates: "tfCropAndResize" }, "roi has 0 entries, resize wants 2"],
  [{ shape: [4], scales: [2], antialias: true }, "mode is nearest, resize wants linear or cubic to antialias"],
])("resize refuses %j", (attrs, message) => {
  expect(() => infer(resize, { x: type("f32", 2) }, attrs)).toThrow(message);
});
