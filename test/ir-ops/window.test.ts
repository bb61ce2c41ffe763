import { describe, expect, test } from "vitest";
import { transpose } from "../../src/ir/ops/movement.ts";
import { gridSample, lrn, maxPoolWithIndices, maxUnpool, pool, roiAlign } from "../../src/ir/ops/window.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { distance, f32, i64, infer, iota, list, random, run, runAll, type } from "./run-op.ts";

const line = (values: readonly number[]) => f32([1, 1, values.length], values);

describe("pool", () => {
  test("max, mean and norm of windows", () => {
    const x = f32([1, 1, 2, 4], [1, -2, 3, 4, 5, 6, -7, 8]);
    const attrs = { kernel: [2, 2], strides: [2, 2] };
    expect(list(run(pool, { x }, { ...attrs, kind: "max" }))).toEqual([6, 8]);
    expect(list(run(pool, { x }, { ...attrs, kind: "average" }))).toEqual([2.5, 2]);
    expect(list(run(pool, { x }, { ...attrs, kind: "lp", p: 1 }))).toEqual([14, 22]);
    expect(list(run(pool, { x }, { ...attrs, kind: "lp" }))).toEqual([Math.sqrt(66), Math.sqrt(138)].map(Math.fround));
  });

  test("a mean counts padding only if asked, and never what lies beyond it", () => {
    const x = line([6, 6, 6, 6]);
    expect(list(run(pool, { x }, { kind: "average", kernel: [3], strides: [2], pads: [1, 1] }))).toEqual([6, 6]);
    expect(list(run(pool, { x }, { kind: "average", kernel: [3], strides: [2], pads: [1, 1], countIncludePad: true }))).toEqual([4, 6]);
    expect(list(run(pool, { x }, { kind: "average", kernel: [3], strides: [3], pads: [0, 0], ceilMode: true, countIncludePad: true }))).toEqual([6, 6]);
    expect(list(run(pool, { x }, { kind: "average", kernel: [3], strides: [2], pads: [0, 1], ceilMode: true, countIncludePad: true }))).toEqual([6, 4]);
  });

  test("ceilMode leaves out a window that would begin in the padding behind x", () => {
    expect(infer(pool, { x: type("f32", 1, 1, 4) }, { kernel: [1], strides: [2], ceilMode: true })[0]!.shape).toEqual([1, 1, 2]);
    expect(infer(pool, { x: type("f32", 1, 1, 5) }, { kernel: [2], strides: [2], ceilMode: true })[0]!.shape).toEqual([1, 1, 3]);
    expect(infer(pool, { x: type("f32", 1, 1, 4) }, { kernel: [2], strides: [3], pads: [0, 1], ceilMode: true })[0]!.shape).toEqual([1, 1, 2]);
    expect(infer(pool, { x: type("f32", 1, 1, 3) }, { kernel: [2], strides: [3], pads: [0, 1], ceilMode: true })[0]!.shape).toEqual([1, 1, 1]);
    expect(list(run(pool, { x: line([1, 2, 3, 4, 5]) }, { kind: "max", kernel: [2], strides: [2], ceilMode: true }))).toEqual([2, 4, 5]);
  });

  test("dilated windows skip", () => {
    expect(list(run(pool, { x: line([9, 1, 2, 8, 3]) }, { kind: "max", kernel: [2], dilations: [2] }))).toEqual([9, 8, 3]);
  });

  test("integers and all-negative windows with padding", () => {
    expect(list(run(pool, { x: tensor("u8", [1, 1, 3], [1, 200, 3]) }, { kind: "max", kernel: [2] }))).toEqual([200, 200]);
    expect(list(run(pool, { x: tensor("i8", [1, 1, 2], [-9, -7]) }, { kind: "max", kernel: [2], pads: [1, 1] }))).toEqual([-9, -7, -7]);
    expect(list(run(pool, { x: i64([1, 1, 2], [-9, 2n ** 60n + 1n]) }, { kind: "max", kernel: [2] }))).toEqual([Number(2n ** 60n + 1n)]);
  });
});

describe("places of maxima", () => {
  test("count over the whole of x, row-major or first spatial axis first", () => {
    const x = f32([1, 2, 2, 3], [1, 5, 2, 3, 4, 0, 0, 1, 2, 3, 4, 9]);
    const [y, at] = runAll(maxPoolWithIndices, { x }, { kernel: [2, 2] });
    expect([list(y!), list(at!)]).toEqual([
      [5, 5, 4, 9],
      [1, 1, 10, 11],
    ]);
    expect(list(runAll(maxPoolWithIndices, { x }, { kernel: [2, 2], columnMajor: true })[1]!)).toEqual([2, 2, 9, 11]);
  });

  test("maxUnpool puts maxima back", () => {
    const x = random(1, 1, 2, 4, 4);
    const [values, indices] = runAll(maxPoolWithIndices, { x }, { kernel: [2, 2], strides: [2, 2] });
    const back = run(maxUnpool, { x: values!, indices: indices! }, { shape: [1, 2, 4, 4] });
    expect(
      list(back)
        .filter((value) => value !== 0)
        .sort(),
    ).toEqual(list(values!).sort());
    list(indices!).forEach((at) => expect(back.data[Number(at)]).toBe(x.data[Number(at)]));
    expect(list(run(maxUnpool, { x: f32([1, 1, 2], [1, 2]), indices: i64([1, 1, 2], [-1, 9]) }, { shape: [1, 1, 3] }))).toEqual([0, 0, 0]);
  });
});

test("lrn sums over neighbouring channels, one more behind when size is even", () => {
  const y = run(lrn, { x: f32([1, 3, 1], [1, 2, 3]) }, { size: 2, alpha: 2, beta: 1, bias: 1 });
  expect(list(y)).toEqual([1 / 6, 2 / 14, 3 / 10].map(Math.fround));
});

describe("roiAlign", () => {
  const x = iota("f32", 1, 1, 4, 4);
  test("means of samples between pixels", () => {
    const rois = f32([1, 4], [0, 0, 4, 4]);
    const y = run(roiAlign, { x, rois, batchIndices: i64([1], [0]) }, { height: 2, width: 2, samplingRatio: 2 });
    expect(list(y)).toEqual([2.5, 4.5, 10.5, 12.5]);
    const corner = run(roiAlign, { x, rois, batchIndices: i64([1], [0]) }, { height: 4, width: 4, samplingRatio: 1 });
    expect(list(corner)).toEqual(list(x));
  });

  test("without half pixels a region is at least one pixel wide", () => {
    const y = run(roiAlign, { x, rois: f32([1, 4], [1, 1, 1, 1]), batchIndices: i64([1], [0]) }, { samplingRatio: 1, halfPixel: false });
    expect(list(y)).toEqual([7.5]);
  });

  test("a region much larger than the image has as many samples as it has pixels, and all but those near the image are 0", () => {
    // By the formula of ONNX: bins of 20 pixels, 20 samples each, the pixels 0..3 of both axes in one bin, the edge up to a pixel outside.
    const [left, size] = [-8, 40];
    const place = (bin: number, k: number): number => left - 0.5 + (bin * size) / 2 + k + 0.5;
    const at = (row: number, column: number): number => {
      if (row < -1 || row > 4 || column < -1 || column > 4) return 0;
      const [r, c] = [Math.min(Math.max(row, 0), 3), Math.min(Math.max(column, 0), 3)];
      const [top, front] = [Math.floor(r), Math.floor(c)];
      const [bottom, back] = [Math.min(top + 1, 3), Math.min(front + 1, 3)];
      const pixel = (i: number, j: number): number => 4 * i + j;
      const [down, over] = [r - top, c - front];
      return (1 - down) * ((1 - over) * pixel(top, front) + over * pixel(top, back)) + down * ((1 - over) * pixel(bottom, front) + over * pixel(bottom, back));
    };
    const sum = (i: number, j: number): number => {
      let total = 0;
      for (let a = 0; a < 20; a++) for (let b = 0; b < 20; b++) total += at(place(i, a), place(j, b));
      return total / 400;
    };
    const y = run(roiAlign, { x, rois: f32([1, 4], [left, left, left + size, left + size]), batchIndices: i64([1], [0]) }, { height: 2, width: 2 });
    list(y).forEach((value, k) => expect(value).toBeCloseTo(sum(k >> 1, k & 1), 6));
    expect(list(y)[0]).toBeGreaterThan(0);
  });

  test("a region of a billion pixels takes no longer than one of the image's size", () => {
    const y = run(roiAlign, { x, rois: f32([1, 4], [-1e9, -1e9, 1e9, 1e9]), batchIndices: i64([1], [0]) }, { kind: "max" });
    expect(list(y)[0]).toBeGreaterThanOrEqual(0);
  });

  test("far outside is 0", () => {
    const y = run(roiAlign, { x, rois: f32([1, 4], [50, 50, 60, 60]), batchIndices: i64([1], [0]) }, { samplingRatio: 2 });
    expect(list(y)).toEqual([0]);
  });
});

describe("gridSample", () => {
  const x = random(2, 1, 2, 4, 5);
  const grid = (places: readonly (readonly [number, number])[]) => f32([1, 1, places.length, 2], places.flat());

  test("the grid of pixel centres gives x, in every mode", () => {
    const centres = Array.from({ length: 20 }, (_, i) => [-1 + ((i % 5) * 2 + 1) / 5, -1 + (Math.floor(i / 5) * 2 + 1) / 4] as const);
    const corners = Array.from({ length: 20 }, (_, i) => [-1 + ((i % 5) * 2) / 4, -1 + (Math.floor(i / 5) * 2) / 3] as const);
    for (const mode of ["linear", "nearest", "cubic"]) {
      expect(distance(run(gridSample, { x, grid: grid(centres) }, { mode }), { ...x, type: { dtype: "f32", shape: [1, 2, 1, 20] } })).toBeLessThan(1e-5);
      expect(
        distance(run(gridSample, { x, grid: grid(corners) }, { mode, alignCorners: true }), { ...x, type: { dtype: "f32", shape: [1, 2, 1, 20] } }),
      ).toBeLessThan(1e-5);
    }
  });

  test("outside: zeros, the edge, or mirrored", () => {
    const row = {
      x: f32([1, 1, 1, 3], [1, 2, 3]),
      grid: grid([
        [-3, 0],
        [2, 0],
      ]),
    };
    expect(list(run(gridSample, row, { padding: "zeros" }))).toEqual([0, 0]);
    expect(list(run(gridSample, row, { padding: "border" }))).toEqual([1, 3]);
    expect(list(run(gridSample, row, { padding: "reflection" }))).toEqual([3, 2]);
  });

  test("three axes: the last spatial axis stands first in the grid", () => {
    const cube = iota("f32", 1, 1, 2, 3, 4);
    const at = f32([1, 1, 1, 1, 3], [1, 0, -1]);
    expect(list(run(gridSample, { x: cube, grid: at }, { alignCorners: true }))).toEqual([7]);
    expect(
      distance(
        run(gridSample, { x: run(transpose, { x: cube }, { perm: [0, 1, 4, 3, 2] }), grid: f32([1, 1, 1, 1, 3], [-1, 0, 1]) }, { alignCorners: true }),
        f32([1, 1, 1, 1, 1], [7]),
      ),
    ).toBe(0);
  });
});

test.each([
  [pool, { x: type("f32", 1, 1, 5) }, { kernel: [2, 2] }, "kernel has 2 entries, pool wants 1"],
  [pool, { x: type("f32", 1, 1, 5) }, { kernel: [6] }, "pool wants 6 for a window"],
  [pool, { x: type("u8", 1, 1, 5) }, { kernel: [2], kind: "average" }, "x is u8, pool wants a float"],
  [maxUnpool, { x: type("f32", 1, 1, 2), indices: type("i64", 1, 1, 3) }, { shape: [1, 1, 9] }, "indices is 1x1x3, maxUnpool wants 1x1x2"],
  [lrn, { x: type("f32", 1, 1, 2) }, { size: 0 }, "size is 0"],
  [roiAlign, { x: type("f32", 1, 1, 2, 2), rois: type("f32", 2, 5), batchIndices: type("i64", 2) }, {}, "rois is 2x5, roiAlign wants rows of 4"],
  [gridSample, { x: type("f32", 1, 1, 2, 2), grid: type("f32", 1, 2, 2, 3) }, {}, "grid is 1x2x2x3"],
])("refuses: $3", (def, operands, attrs, message) => {
  expect(() => infer(def, operands, attrs)).toThrow(message);
});
