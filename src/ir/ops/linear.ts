import { activationAttrs } from "../attr.ts";
import { broadcastShapes, shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, equalShapes, isWide, tensorType, type Dim } from "../types.ts";
import { broadcastTable, SUMS, toDoubles } from "./elements.ts";
import { activate, addResidual } from "./epilogue.ts";
import { expect, expectNumbers, expectParts, expectRank, expectShape, squareMatrix } from "./expect.ts";
import { centred, isQuantised, quantisedType, requantAttrs, requantise } from "./requantise.ts";
import { dotRows, multiplyDoubles, multiplyInt32, multiplyWide } from "./matmul-loops.ts";

export const matmul = defineOp({
  name: "matmul",
  summary: "Matrix products over the last two axes; the axes before them broadcast; a vector is a row on the left, a column on the right. Integers wrap.",
  operands: ["a", "b"],
  attrs: { ...requantAttrs },
  tolerance: SUMS,
  samples: [
    { a: "3x5xf32", b: "5x4xf32" },
    { a: "2x1x3x4xf32", b: "3x4x2xf32" },
    { a: "1x7xf32", b: "2x7x1xf32" },
    { a: "2x3xi32", b: "3x2xi32" },
    { a: "2x3xi64", b: "3x2xi64" },
    { a: "2x0xf32", b: "0x3xf32" },
    { a: "3xf32", b: "2x3x4xf32" },
    { a: "2x3xf32", b: "3xf32" },
    { a: "5xf32", b: "5xf32" },
  ],
  infer({ a, b }, attrs) {
    const isPlain = !isQuantised(a, b);
    for (const [name, type] of [
      ["a", a],
      ["b", b],
    ] as const) {
      if (isPlain) expectNumbers("matmul", name, type);
      expectRank("matmul", name, type, 1, Infinity);
    }
    expect(!isPlain || (a.dtype === b.dtype && a.dtype !== "bool"), () => `a is ${a.dtype} and b is ${b.dtype}, matmul wants numbers of one dtype`);
    const [left, right] = asMatrices(a.shape, b.shape);
    expect(
      equalShapes(left.slice(-1), right.slice(-2, -1)),
      () => `a is ${shapeText(a.shape)} and b is ${shapeText(b.shape)}, matmul wants as many columns as rows`,
    );
    const lines = [...(a.shape.length > 1 ? [left.at(-2)!] : []), ...(b.shape.length > 1 ? [right.at(-1)!] : [])];
    const shape = [...broadcastShapes(left.slice(0, -2), right.slice(0, -2)), ...lines];
    return isPlain
      ? tensorType(a.dtype, shape)
      : quantisedType(
          "matmul",
          { x: a, w: b, names: ["a", "b"], axisW: b.shape.length > 1 ? b.shape.length - 1 : undefined, channels: shape.length - 1, shape },
          attrs,
        );
  },
  evaluate({ a, b }, attrs, result, types) {
    const [left, right] = asMatrices(types.a.shape, types.b.shape);
    const [m, n] = [left.at(-2)!, right.at(-1)!];
    const size = { m, n, k: left.at(-1)! };
    const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2)) as number[];
    const [blocksA, blocksB] = [broadcastTable(left.slice(0, -2), batch), broadcastTable(right.slice(0, -2), batch)];
    const run = <T extends { length: number }>(
      multiply: (a: T, atA: number, b: T, atB: number, y: T, atY: number, size: { m: number; n: number; k: number }) => void,
      left: T,
      right: T,
      y: T,
    ): T => {
      for (let i = 0; i < blocksA.length; i++) multiply(left, blocksA[i]! * m * size.k, right, blocksB[i]! * size.k * n, y, i * m * n, size);
      return y;
    };
    const count = elementCount(result.shape);
    if (result.quant)
      return requantise(run(multiplyDoubles, centred(a, types.a), centred(b, types.b), new Float64Array(count)), types.a, types.b, result, 1, attrs.rounding);
    if (isWide(result.dtype)) return run(multiplyWide, a as unknown as BigInt64Array, b as unknown as BigInt64Array, new BigInt64Array(count));
    if (result.dtype === "i32" || result.dtype === "u32") return run(multiplyInt32, Int32Array.from(a), Int32Array.from(b), new Int32Array(count));
    return run(multiplyDoubles, toDoubles(a), toDoubles(b), new Float64Array(count));
  },
  macs: ({ a }, _attrs, result) => elementCount(result.shape) * a.shape.at(-1)!,
});

/** A vector on the left is a row, on the right a column; the result has no such axis. */
function asMatrices<D extends Dim>(a: readonly D[], b: readonly D[]): readonly [readonly (D | 1)[], readonly (D | 1)[]] {
  return [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
}

export const linear = defineOp({
  name: "linear",
  summary: "activation(x * transpose(w) + bias + residual), over the last axis of x.",
  operands: ["x", "w", "bias?", "residual?"],
  attrs: { ...activationAttrs, ...requantAttrs },
  tolerance: SUMS,
  samples: [
    { x: "2x3xf32", w: "4x3xf32", bias: "4xf32" },
    { x: "1x8xf32", w: "1x8xf32" },
    { x: "2x3x5xf32", w: "7x5xf32", bias: "7xf32", residual: "2x3x7xf32", attrs: { activation: "relu" } },
    { x: "5xf32", w: "3x5xf32", attrs: { activation: "clip", alpha: -0.5, beta: 0.5 } },
    { x: "3x4xf32", w: "2x4xf32", residual: "3x2xf32", attrs: { activation: "gelu" } },
  ],
  infer({ x, w, bias, residual }, attrs) {
    expectRank("linear", "x", x, 1, Infinity);
    expectRank("linear", "w", w, 2);
    if (!isQuantised(x, w)) expectParts("linear", x, w, bias, residual);
    expect(
      equalShapes(x.shape.slice(-1), w.shape.slice(-1)),
      () => `x is ${shapeText(x.shape)} and w is ${shapeText(w.shape)}, linear wants rows of one length`,
    );
    const result = tensorType(x.dtype, [...x.shape.slice(0, -1), w.shape[0]!]);
    if (bias) expectShape("linear", "bias", bias, [w.shape[0]!]);
    if (residual) expectShape("linear", "residual", residual, result.shape);
    if (!isQuantised(x, w)) return result;
    expect(!residual, () => "there is a residual, quantised linear wants none");
    return quantisedType("linear", { x, w, bias, names: ["x", "w"], axisW: 0, channels: x.shape.length - 1, shape: result.shape }, attrs);
  },
  evaluate({ x, w, bias, residual }, attrs, result, types) {
    const [n, k] = types.w.shape as [number, number];
    const m = elementCount(types.x.shape.slice(0, -1));
    const y = new Float64Array(m * n);
    dotRows(centred(x, types.x), 0, centred(w, types.w), y, 0, n, { m, n, k });
    if (bias) for (let i = 0; i < y.length; i++) y[i]! += bias[i % n]!;
    if (result.quant) return requantise(y, types.x, types.w, result, 1, attrs.rounding, attrs);
    addResidual(y, residual && toDoubles(residual));
    return activate(y, attrs);
  },
  macs: ({ w }, _attrs, result) => elementCount(result.shape) * w.shape[1]!,
});

export const det = defineOp({
  name: "det",
  summary: "Determinants of the square matrices in the last two axes.",
  operands: ["x"],
  samples: [{ x: "3x3xf32" }, { x: "2x2x4x4xf32" }, { x: "2x1x1xf32" }],
  infer({ x }) {
    squareMatrix("det", x);
    return tensorType(x.dtype, x.shape.slice(0, -2));
  },
  evaluate({ x }, _attrs, result, types) {
    const n = types.x.shape.at(-1)!;
    const matrices = toDoubles(x);
    return Float64Array.from({ length: elementCount(result.shape) }, (_, i) => eliminate(matrices.slice(i * n * n, (i + 1) * n * n), n, undefined));
  },
  macs: ({ x }) => elementCount(x.shape) * x.shape.at(-1)!,
});

export const inverse = defineOp({
  name: "inverse",
  summary: "Inverses of the square matrices in the last two axes; a singular one gives infinities and NaNs.",
  operands: ["x"],
  tolerance: { abs: 1e-4, rel: 1e-3 },
  samples: [{ x: "3x3xf32" }, { x: "2x2x2xf32" }],
  infer({ x }) {
    squareMatrix("inverse", x);
    return tensorType(x.dtype, x.shape);
  },
  evaluate({ x }, _attrs, result) {
    const n = result.shape.at(-1)!;
    const matrices = toDoubles(x);
    const y = new Float64Array(x.length);
    for (let start = 0; start < y.length; start += n * n) {
      const into = y.subarray(start, start + n * n);
      for (let i = 0; i < n; i++) into[i * n + i] = 1;
      eliminate(matrices.slice(start, start + n * n), n, into);
    }
    return y;
  },
  macs: ({ x }) => 2 * elementCount(x.shape) * x.shape.at(-1)!,
});

/** Gauss-Jordan with the greatest pivot, the same steps applied to `other`. Gives the determinant. */
function eliminate(m: Float64Array, n: number, other: Float64Array | undefined): number {
  let determinant = 1;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) if (Math.abs(m[row * n + column]!) > Math.abs(m[pivot * n + column]!)) pivot = row;
    if (pivot !== column) determinant = -determinant;
    for (const matrix of [m, other]) if (matrix && pivot !== column) swapRows(matrix, n, pivot, column);
    const head = m[column * n + column]!;
    determinant *= head;
    if (head === 0 && !other) return 0;
    for (let row = 0; row < n; row++) {
      if (row === column || (!other && row < column)) continue;
      const factor = m[row * n + column]! / head;
      for (const matrix of [m, other]) for (let i = 0; matrix && i < n; i++) matrix[row * n + i]! -= factor * matrix[column * n + i]!;
    }
    for (const matrix of [other && m, other]) for (let i = 0; matrix && i < n; i++) matrix[column * n + i]! /= head;
  }
  return determinant;
}

function swapRows(matrix: Float64Array, n: number, a: number, b: number): void {
  for (let i = 0; i < n; i++) [matrix[a * n + i], matrix[b * n + i]] = [matrix[b * n + i]!, matrix[a * n + i]!];
}
