import { describe, expect, test } from "vitest";
import { isBad } from "../../src/cli/compare-limits.ts";
import { compareTensors } from "../../src/cli/tensor-difference.ts";

const of = (dtype: string, data: readonly number[], shape: readonly number[] = [data.length]) => ({ dtype, shape, data });
const f32 = (data: readonly number[], shape?: readonly number[]) => of("f32", data, shape);

describe("a difference", () => {
  test("names the place of the largest error with both numbers", () => {
    const d = compareTensors("y", f32([1, 2, 3, 4, 5, 9]), f32([1, 2, 3, 4, 5, 6], [2, 3]));
    expect(d.worst).toEqual({ index: [1, 2], found: 9, wanted: 6 });
    expect([d.maxAbs, d.maxRel, d.requiredTolerance]).toEqual([3, 0.5, 3]);
  });

  test("of equal tensors has no place; NaN equals NaN", () => {
    const d = compareTensors("y", f32([1, NaN, Infinity]), f32([1, NaN, Infinity]));
    expect([d.worst, d.maxAbs, d.ratio, d.sqnrDb]).toEqual([undefined, 0, 0, Infinity]);
  });

  test("of a NaN that should be none is infinite", () => {
    expect(compareTensors("y", f32([NaN]), f32([1])).maxAbs).toBe(Infinity);
  });
});

describe("what is usual", () => {
  test.each([
    ["f32", [1000, 0.001], [1000, 0.01], false], // beside 1000 it is rounding
    ["f32", [0.001, 0.0011], [0.001, 0.001], true], // a softmax of many classes
    ["f32", [1, 2.0001], [1, 2], false],
    ["f32", [1, 2.1], [1, 2], true],
    ["bf16", [1, 2.02], [1, 2], false],
    ["i8", [1, 2], [1, 3], true],
    ["bool", [1, 0], [1, 0], false],
    ["f32", [0], [1e-8], false],
  ])("%s %o for %o: bad is %o", (dtype, got, want, bad) => {
    expect(isBad(compareTensors("y", of(dtype, got), of(dtype, want)), {})).toBe(bad);
  });
});

describe("the k largest", () => {
  const topk = (k: number, got: number[], want: number[], shape: number[]) => compareTensors("y", f32(got), f32(want, shape), k).topk;

  test("are compared row by row, in any order", () => {
    expect(topk(2, [3, 2, 1, 1, 2, 3], [2, 3, 1, 3, 2, 1], [2, 3])).toEqual({ k: 2, rows: 2, equalRows: 1, overlap: 0.75 });
  });

  test("a tie is as good", () => {
    expect(topk(1, [1, 2], [5, 5], [1, 2])).toMatchObject({ equalRows: 1 });
  });

  test("k beyond the row takes the row", () => {
    expect(topk(9, [1, 2], [2, 1], [1, 2])).toMatchObject({ equalRows: 1, overlap: 1 });
  });
});

test("the divergence of distributions is in nats; of other rows there is none", () => {
  expect(compareTensors("y", f32([0.5, 0.5]), f32([0.25, 0.75], [1, 2])).kl).toBeCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), 12);
  expect(compareTensors("y", f32([1, 2]), f32([1, 2], [1, 2])).kl).toBeNaN();
});
