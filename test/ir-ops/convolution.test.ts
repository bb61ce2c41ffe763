import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conv, convTranspose, deformConv } from "../../src/ir/ops/convolution.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { distance, f32, infer, iota, list, random, run, type } from "./run-op.ts";

interface Windows {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
}

/** conv by its formula, one output at a time, for two spatial axes. */
function byFormula(x: Tensor, w: Tensor, { strides, pads, dilations, groups }: Windows): Tensor {
  const [batch, channels, height, width] = x.type.shape as [number, number, number, number];
  const [outputs, perGroup, kh, kw] = w.type.shape as [number, number, number, number];
  const extent = (size: number, axis: number, kernel: number): number =>
    Math.floor((size + pads[axis]! + pads[axis + 2]! - dilations[axis]! * (kernel - 1) - 1) / strides[axis]!) + 1;
  const [oh, ow] = [extent(height, 0, kh), extent(width, 1, kw)];
  const y: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < oh; i++)
        for (let j = 0; j < ow; j++) {
          let sum = 0;
          for (let c = 0; c < perGroup; c++)
            for (let a = 0; a < kh; a++)
              for (let b = 0; b < kw; b++) {
                const [r, q] = [i * strides[0]! + a * dilations[0]! - pads[0]!, j * strides[1]! + b * dilations[1]! - pads[1]!];
                const channel = Math.floor(o / (outputs / groups)) * perGroup + c;
                if (r >= 0 && r < height && q >= 0 && q < width)
                  sum += Number(x.data[((n * channels + channel) * height + r) * width + q]) * Number(w.data[((o * perGroup + c) * kh + a) * kw + b]);
              }
          y.push(sum);
        }
  return f32([batch, outputs, oh, ow], y);
}

const dot = (a: Tensor, b: Tensor): number => list(a).reduce<number>((sum, x, i) => sum + Number(x) * Number(list(b)[i]), 0);

const windows = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  perGroupIn: fc.integer({ min: 1, max: 3 }),
  perGroupOut: fc.integer({ min: 1, max: 5 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  pads: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 }),
  space: fc.tuple(fc.integer({ min: 5, max: 8 }), fc.integer({ min: 5, max: 9 })),
});

describe("conv", () => {
  test("follows its formula for all windows, groups and pads", () => {
    fc.assert(
      fc.property(windows, (at) => {
        const x = random(1, at.batch, at.groups * at.perGroupIn, ...at.space);
        const w = random(2, at.groups * at.perGroupOut, at.perGroupIn, ...at.kernel);
        expect(
          distance(run(conv, { x, w }, { strides: at.strides, pads: at.pads, dilations: at.dilations, groups: at.groups }), byFormula(x, w, at)),
        ).toBeLessThan(1e-4);
      }),
      { numRuns: 60 },
    );
  });

  test("one and three axes are the same windows", () => {
    const line = run(conv, { x: iota("f32", 1, 1, 5), w: f32([1, 1, 2], [1, 10]) }, { pads: [1, 0], strides: [2] });
    expect(list(line)).toEqual([0, 21, 43]);
    const flat = run(conv, { x: random(1, 1, 2, 4, 5), w: random(2, 3, 2, 2, 3) }, { pads: [1, 0, 0, 1] });
    const deep = run(conv, { x: { ...random(1, 1, 2, 1, 4, 5) }, w: random(2, 3, 2, 1, 2, 3) }, { pads: [0, 1, 0, 0, 0, 1] });
    expect(list(deep)).toEqual(list(flat));
  });

  test("bias, then residual, then activation", () => {
    const operands = { x: f32([1, 1, 2], [1, -1]), w: f32([1, 1, 1], [2]), bias: f32([1], [0.5]), residual: f32([1, 1, 2], [1, 1]) };
    expect(list(run(conv, operands))).toEqual([3.5, -0.5]);
    expect(list(run(conv, operands, { activation: "relu" }))).toEqual([3.5, 0]);
    expect(list(run(conv, operands, { activation: "hardSigmoid", alpha: 0.2, beta: 0.5 }))).toEqual([1, Math.fround(0.4)]);
  });

  test("i32 is exact", () => {
    const x = tensor("i32", [1, 1, 3], [255, -128, 127]);
    expect(list(run(conv, { x, w: tensor("i32", [1, 1, 2], [-128, 255]) }))).toEqual([255 * -128 + -128 * 255, -128 * -128 + 127 * 255]);
  });
});

describe("convTranspose", () => {
  test("is the adjoint of conv: <conv(x), y> = <x, convTranspose(y)>", () => {
    fc.assert(
      fc.property(windows, (at) => {
        const attrs = { strides: at.strides, pads: at.pads, dilations: at.dilations, groups: at.groups };
        const x = random(3, at.batch, at.groups * at.perGroupIn, ...at.space);
        const w = random(4, at.groups * at.perGroupOut, at.perGroupIn, ...at.kernel);
        const forth = run(conv, { x, w }, attrs);
        const y = random(5, ...forth.type.shape);
        const reached = (axis: 0 | 1): number =>
          (forth.type.shape[axis + 2]! - 1) * at.strides[axis] + (at.kernel[axis] - 1) * at.dilations[axis] + 1 - at.pads[axis]! - at.pads[axis + 2]!;
        const outputPads = ([0, 1] as const).map((axis) => at.space[axis] - reached(axis));
        const back = run(convTranspose, { x: y, w }, { ...attrs, outputPads });
        expect(back.type.shape).toEqual(x.type.shape);
        const [left, right] = [dot(forth, y), dot(x, back)];
        expect(Math.abs(left - right)).toBeLessThan(1e-3 * (1 + Math.abs(left)));
      }),
      { numRuns: 60 },
    );
  });

  test("the example of its specification", () => {
    const y = run(convTranspose, { x: iota("f32", 1, 1, 3, 3), w: f32([1, 2, 3, 3], new Array<number>(18).fill(1)) });
    expect(y.type.shape).toEqual([1, 2, 5, 5]);
    expect(list(y).slice(0, 10)).toEqual([0, 1, 3, 3, 2, 3, 8, 15, 12, 7]);
  });
});

describe("deformConv", () => {
  test("without offsets is conv", () => {
    const [x, w, bias] = [random(6, 2, 4, 5, 6), random(7, 6, 2, 3, 2), random(8, 6)];
    const attrs = { groups: 2, strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2] };
    const wanted = run(conv, { x, w, bias }, attrs);
    const offset = f32([2, 24, ...wanted.type.shape.slice(2)], new Array<number>(48 * wanted.type.shape[2]! * wanted.type.shape[3]!).fill(0));
    expect(distance(run(deformConv, { x, w, bias, offset }, { ...attrs, offsetGroups: 2 }), wanted)).toBeLessThan(1e-5);
  });

  test("whole offsets move taps, halves read between pixels, the mask weighs", () => {
    const x = iota("f32", 1, 1, 3, 3);
    const w = f32([1, 1, 1, 1], [1]);
    const moved = (down: number, right: number, mask?: Tensor): number[] =>
      list(run(deformConv, { x, w, offset: f32([1, 2, 3, 3], [...new Array<number>(9).fill(down), ...new Array<number>(9).fill(right)]), mask })).map(Number);
    expect(moved(1, 0)).toEqual([3, 4, 5, 6, 7, 8, 0, 0, 0]);
    expect(moved(0, 0.5)).toEqual([0.5, 1.5, 1, 3.5, 4.5, 2.5, 6.5, 7.5, 4]);
    expect(moved(0, 0, f32([1, 1, 3, 3], new Array<number>(9).fill(2)))).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16]);
  });
});

test.each([
  [conv, { x: type("f32", 1, 3, 5), w: type("f32", 4, 2, 3) }, {}, "x has 3 channels and w is 4x2x3, conv wants them to fit 1 groups"],
  [conv, { x: type("f32", 1, 4, 5), w: type("f32", 3, 2, 3) }, { groups: 2 }, "conv wants them to fit 2 groups"],
  [conv, { x: type("f32", 1, 3, 5), w: type("f32", 4, 3, 3, 3) }, {}, "w has rank 4, conv wants 3"],
  [conv, { x: type("f32", 1, 3), w: type("f32", 4, 3) }, {}, "x has rank 2, conv wants 3 to 5"],
  [conv, { x: type("f32", 1, 3, 2), w: type("f32", 4, 3, 3) }, {}, "spatial axis 0 of x has 2 elements and 0 of padding, conv wants 3 for a window"],
  [conv, { x: type("f32", 1, 3, 5), w: type("f32", 4, 3, 3) }, { strides: [0] }, "strides is 0, conv wants integers from 1 on"],
  [conv, { x: type("f32", 1, 3, 5), w: type("f32", 4, 3, 3) }, { pads: [1] }, "pads has 1 entries, conv wants 2"],
  [conv, { x: type("f32", 1, 3, 5), w: type("f32", 4, 3, 3) }, { pads: [-1, 0] }, "pads are -1, 0, conv wants none below 0"],
  [conv, { x: type("f32", 1, 3, 5), w: type("f16", 4, 3, 3) }, {}, "w is f16, conv wants f32 like x"],
  [convTranspose, { x: type("f32", 1, 3, 2), w: type("f32", 3, 1, 2) }, { pads: [2, 1] }, "convTranspose wants pads that leave something"],
  [convTranspose, { x: type("f32", 1, 3, 2), w: type("f32", 4, 1, 2) }, {}, "convTranspose wants them to fit 1 groups"],
  [deformConv, { x: type("f32", 1, 1, 3, 3), w: type("f32", 1, 1, 2, 2), offset: type("f32", 1, 4, 2, 2) }, {}, "offset is 1x4x2x2, deformConv wants 1x8x2x2"],
])("refuses: $3", (def, operands, attrs, message) => {
  expect(() => infer(def, operands, attrs)).toThrow(message);
});
