import { describe, expect, test } from "vitest";
import { attention } from "../../src/ir/ops/attention.ts";
import { det, inverse, linear, matmul } from "../../src/ir/ops/linear.ts";
import { transpose } from "../../src/ir/ops/movement.ts";
import { softmax } from "../../src/ir/ops/normalisation.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { distance, f32, i64, infer, iota, list, random, run, type } from "./run-op.ts";

describe("matmul and linear", () => {
  test("batches broadcast", () => {
    const a = iota("f32", 2, 1, 1, 2);
    const b = f32([2, 2, 1], [1, 1, 10, 1]);
    const y = run(matmul, { a, b });
    expect([y.type.shape, list(y)]).toEqual([
      [2, 2, 1, 1],
      [1, 1, 5, 23],
    ]);
  });

  test("a vector is a row on the left, a column on the right, and its axis goes", () => {
    const m = iota("f32", 2, 3);
    expect(run(matmul, { a: f32([2], [1, 10]), b: m })).toEqual(f32([3], [30, 41, 52]));
    expect(run(matmul, { a: m, b: f32([3], [1, 0, 2]) })).toEqual(f32([2], [4, 13]));
    expect(run(matmul, { a: f32([2], [1, 2]), b: f32([2], [3, 4]) })).toEqual(f32([], [11]));
  });

  test("integers wrap at their width", () => {
    const big = tensor("i32", [1, 2], [2 ** 31 - 1, 65537]);
    expect(list(run(matmul, { a: big, b: tensor("i32", [2, 1], [3, 65537]) }))).toEqual([(Math.imul(2 ** 31 - 1, 3) + Math.imul(65537, 65537)) | 0]);
    expect(list(run(matmul, { a: tensor("u8", [1, 1], [200]), b: tensor("u8", [1, 1], [3]) }))).toEqual([600 % 256]);
    expect(run(matmul, { a: i64([1, 1], [2n ** 40n + 1n]), b: i64([1, 1], [2n ** 20n]) }).data).toEqual(BigInt64Array.of(2n ** 60n + 2n ** 20n));
  });

  test("linear is matmul with a transposed matrix, bias, residual and activation", () => {
    const [x, w, bias, residual] = [random(1, 3, 5), random(2, 7, 5), random(3, 7), random(4, 3, 7)];
    const product = run(matmul, { a: x, b: run(transpose, { x: w }, { perm: [1, 0] }) });
    const sum = list(product).map((value, i) => Number(value) + Number(bias.data[i % 7]) + Number(residual.data[i]));
    expect(distance(run(linear, { x, w, bias, residual }), f32([3, 7], sum))).toBeLessThan(1e-5);
    expect(
      distance(
        run(linear, { x, w, bias, residual }, { activation: "relu" }),
        f32(
          [3, 7],
          sum.map((v) => Math.max(v, 0)),
        ),
      ),
    ).toBeLessThan(1e-5);
    expect(
      distance(
        run(linear, { x, w, bias, residual }, { activation: "clip", alpha: -1, beta: 0.5 }),
        f32(
          [3, 7],
          sum.map((v) => Math.min(Math.max(v, -1), 0.5)),
        ),
      ),
    ).toBeLessThan(1e-5);
    expect(
      distance(
        run(linear, { x, w, bias, residual }, { activation: "leakyRelu", alpha: 0.25 }),
        f32(
          [3, 7],
          sum.map((v) => (v < 0 ? v / 4 : v)),
        ),
      ),
    ).toBeLessThan(1e-5);
  });

  test("det of a product is the product of dets; inverse undoes", () => {
    const [a, b] = [random(5, 2, 4, 4), random(6, 2, 4, 4)];
    const [da, db, dab] = [a, b, run(matmul, { a, b })].map((x) => list(run(det, { x })).map(Number)) as [number[], number[], number[]];
    dab.forEach((value, i) => expect(value).toBeCloseTo(da[i]! * db[i]!, 3));
    const identity = f32(
      [2, 4, 4],
      Array.from({ length: 32 }, (_, i) => Number((i % 16) % 5 === 0)),
    );
    expect(distance(run(matmul, { a, b: run(inverse, { x: a }) }), identity)).toBeLessThan(1e-3);
    expect(list(run(det, { x: f32([2, 2], [0, 2, 3, 0]) }))).toEqual([-6]);
    expect(list(run(det, { x: f32([2, 2], [1, 2, 2, 4]) }))).toEqual([0]);
  });
});

describe("attention", () => {
  const [q, k, v] = [random(7, 2, 4, 3, 5), random(8, 2, 2, 6, 5), random(9, 2, 2, 6, 4)];

  /** The same in steps, with the shared heads written out. */
  function inSteps(scale: number, bias: (row: number, key: number) => number): number[] {
    const y: number[] = [];
    for (let head = 0; head < 8; head++) {
      const shared = Math.floor(head / 4) * 2 + Math.floor((head % 4) / 2);
      for (let row = 0; row < 3; row++) {
        const logits = Array.from(
          { length: 6 },
          (_, t) =>
            Array.from({ length: 5 }, (_, d) => Number(q.data[(head * 3 + row) * 5 + d]) * Number(k.data[(shared * 6 + t) * 5 + d])).reduce((a, b) => a + b) *
              scale +
            bias(row, t),
        );
        const weights = list(run(softmax, { x: f32([6], logits) })).map(Number);
        for (let d = 0; d < 4; d++) y.push(weights.reduce((sum, weight, t) => sum + weight * Number(v.data[(shared * 6 + t) * 4 + d]), 0));
      }
    }
    return y;
  }

  test("is softmax(scale * q kᵀ + mask) v; neighbouring heads share keys", () => {
    expect(
      distance(
        run(attention, { q, k, v }),
        f32(
          [2, 4, 3, 4],
          inSteps(1 / Math.sqrt(5), () => 0),
        ),
      ),
    ).toBeLessThan(1e-5);
    const mask = random(10, 3, 6);
    expect(
      distance(
        run(attention, { q, k, v, mask }, { scale: 0.5 }),
        f32(
          [2, 4, 3, 4],
          inSteps(0.5, (row, key) => Number(mask.data[row * 6 + key])),
        ),
      ),
    ).toBeLessThan(1e-5);
  });

  test("causal: query i sees keys up to i + offset; a bool mask lets through where it is true", () => {
    const hidden = (isHidden: boolean): number => (isHidden ? -Infinity : 0);
    expect(
      distance(
        run(attention, { q, k, v }, { causal: true, offset: 2 }),
        f32(
          [2, 4, 3, 4],
          inSteps(1 / Math.sqrt(5), (row, key) => hidden(key > row + 2)),
        ),
      ),
    ).toBeLessThan(1e-5);
    const mask = tensor("bool", [6], [1, 0, 1, 1, 0, 1]);
    expect(
      distance(
        run(attention, { q, k, v, mask }),
        f32(
          [2, 4, 3, 4],
          inSteps(1 / Math.sqrt(5), (_, key) => hidden(mask.data[key] === 0)),
        ),
      ),
    ).toBeLessThan(1e-5);
  });

  test("what sees no key is 0, and softcap comes before the mask", () => {
    const none = tensor("bool", [6], [0, 0, 0, 0, 0, 0]);
    expect(list(run(attention, { q, k, v, mask: none })).every((value) => value === 0)).toBe(true);
    const mask = tensor("bool", [6], [1, 0, 0, 0, 0, 0]);
    expect(distance(run(attention, { q, k, v, mask }, { softcap: 0.1 }), run(attention, { q, k, v, mask }))).toBe(0);
  });
});

test.each([
  [matmul, { a: type("f32", 2, 3), b: type("f32", 4, 2) }, {}, "a is 2x3 and b is 4x2, matmul wants as many columns as rows"],
  [matmul, { a: type("f32", 2, 3), b: type("f64", 3, 2) }, {}, "a is f32 and b is f64, matmul wants numbers of one dtype"],
  [matmul, { a: type("f32"), b: type("f32", 3, 2) }, {}, "a has rank 0, matmul wants 1 or more"],
  [matmul, { a: type("f32", 2, 1, 3), b: type("f32", 3, 3, 1) }, {}, "don't broadcast"],
  [linear, { x: type("f32", 2, 3), w: type("f32", 4, 2) }, {}, "x is 2x3 and w is 4x2, linear wants rows of one length"],
  [linear, { x: type("f32", 2, 3), w: type("f32", 4, 3), bias: type("f32", 3) }, {}, "bias is 3, linear wants 4"],
  [linear, { x: type("f32", 2, 3), w: type("f32", 4, 3), residual: type("f32", 4) }, {}, "residual is 4, linear wants 2x4"],
  [det, { x: type("f32", 2, 3) }, {}, "x is 2x3, det wants square matrices"],
  [attention, { q: type("f32", 1, 3, 2, 4), k: type("f32", 1, 2, 2, 4), v: type("f32", 1, 2, 2, 4) }, {}, "q has 3 heads, k 2 and v 2"],
  [attention, { q: type("f32", 1, 2, 2, 4), k: type("f32", 1, 2, 5, 4), v: type("f32", 1, 2, 6, 4) }, {}, "attention wants as many keys as values"],
  [attention, { q: type("f32", 1, 2, 2, 4), k: type("f32", 1, 2, 5, 4), v: type("f32", 1, 2, 5, 4), mask: type("bool", 3, 5) }, {}, "don't broadcast"],
])("refuses: $3", (def, operands, attrs, message) => {
  expect(() => infer(def, operands, attrs)).toThrow(message);
});
