import type { Builder } from "../../src/ir/builder.ts";
import { dimOf } from "../../src/ir/dims.ts";
import type { Value } from "../../src/ir/graph.ts";
import { relu } from "../../src/ir/ops/activation.ts";
import { add, mul } from "../../src/ir/ops/arithmetic.ts";
import { attention } from "../../src/ir/ops/attention.ts";
import { constant, shapeOf } from "../../src/ir/ops/control.ts";
import { conv, convTranspose } from "../../src/ir/ops/convolution.ts";
import { linear, matmul } from "../../src/ir/ops/linear.ts";
import { broadcast, concat, pad, reshape, transpose } from "../../src/ir/ops/movement.ts";
import { layerNorm, softmax } from "../../src/ir/ops/normalisation.ts";
import { reduce } from "../../src/ir/ops/reduction.ts";
import { resize } from "../../src/ir/ops/resize.ts";
import { span } from "../../src/ir/ops/span.ts";
import { broadcastSymbolic, reshapeSymbolic } from "../../src/ir/ops/symbolic.ts";
import { pool } from "../../src/ir/ops/window.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { printDim } from "../../src/ir/text/types.ts";
import { N, S, testOpenInputs, W, weights, type OpenInputs } from "./open-runs.ts";

/** A picture of open width, and a convolution behind it that makes what follows hang on its padding. */
const image = [[1, 3, 5, W]];
const pads = [1, 1, 1, 1];
function convolved(b: Builder, x: Value): Value {
  return b.create(relu, { x: b.create(conv, { x, w: weights(b, [20, 3, 3, 3]), bias: weights(b, [20], 2) }, { pads }) });
}

const CASES: Readonly<Record<string, OpenInputs>> = {
  "a batch through convolutions": {
    inputs: [[N, 3, 9, 7]],
    build: (b, [x]) => {
      const y = convolved(b, x!);
      const z = b.create(conv, { x: y, w: weights(b, [20, 1, 3, 3], 3) }, { pads, strides: [2, 2], groups: 20 });
      return [b.create(add, { a: z, b: z }), b.create(reduce, { x: y }, { kind: "mean", axes: [2, 3], keepDims: false })];
    },
  },
  "convolutions along it": {
    inputs: image,
    build: (b, [x]) => {
      const y = convolved(b, x!);
      const z = b.create(conv, { x: y, w: weights(b, [20, 1, 3, 3], 3) }, { pads, strides: [2, 2], groups: 20 });
      return [z, b.create(conv, { x: z, w: weights(b, [5, 20, 1, 1], 4) }, { strides: [1, 2] }), b.create(conv, { x: y, w: weights(b, [5, 20, 2, 3], 4) })];
    },
  },
  "one dimension, dilated": {
    inputs: [[2, 3, S]],
    build: (b, [x]) => [b.create(conv, { x: x!, w: weights(b, [4, 3, 3]) }, { pads: [2, 2], dilations: [2] })],
  },
  "transposed convolutions along it": {
    inputs: image,
    build: (b, [x]) => [b.create(convTranspose, { x: convolved(b, x!), w: weights(b, [20, 4, 3, 3], 3) }, { pads, strides: [2, 2], outputPads: [1, 1] })],
  },
  "pools along it": {
    inputs: image,
    build: (b, [x]) => {
      const y = convolved(b, x!);
      const kernel = [3, 3];
      return [
        b.create(pool, { x: y }, { kind: "max", kernel, pads, strides: [2, 2] }),
        b.create(pool, { x: y }, { kind: "average", kernel, pads, strides: [1, 2] }),
        b.create(pool, { x: y }, { kind: "average", kernel, pads, countIncludePad: true }),
        b.create(pool, { x: y }, { kind: "max", kernel: [2, 2], strides: [2, 2] }),
      ];
    },
  },
  "means of the whole picture": {
    inputs: image,
    build: (b, [x]) => {
      const y = convolved(b, x!);
      const mean = b.create(reduce, { x: y }, { kind: "mean", axes: [2, 3] });
      return [mean, b.create(mul, { a: y, b: mean })];
    },
  },
  "resizes along it": {
    inputs: image,
    build: (b, [x]) => {
      const y = convolved(b, x!);
      const twice = { shape: [1, 20, 10, -1], scales: [1, 1, 2, 2] };
      return [
        b.create(resize, { x: y }, { ...twice, coordinates: "asymmetric", nearest: "floor" }),
        b.create(resize, { x: y }, { ...twice, mode: "linear" }),
        b.create(resize, { x: y }, { ...twice, mode: "cubic" }),
        b.create(resize, { x: y }, { shape: [1, 20, 5, -1], scales: [1, 1, 1, 0.5], mode: "linear" }),
      ];
    },
  },
  "a batch of pictures resized": {
    inputs: [[N, 2, 3, 4]],
    build: (b, [x]) => [
      b.create(resize, { x: x! }, { shape: [-1, 2, 6, 8], scales: [1, 1, 2, 2], mode: "linear" }),
      b.create(resize, { x: x! }, { shape: [-1, 2, 5, 4], scales: [1, 1, 5 / 3, 1], coordinates: "alignCorners", mode: "linear" }),
    ],
  },
  "paddings along it": {
    inputs: image,
    build: (b, [x]) => {
      const y = convolved(b, x!);
      return [
        b.create(pad, { x: y }, { low: [0, 0, 1, 2], high: [0, 0, 0, 3], value: 7 }),
        b.create(pad, { x: y }, { low: [0, 0, 0, 1], high: [0, 1, 0, 2], mode: "edge" }),
        b.create(pad, { x: y }, { low: [0, 0, 0, 3], high: [0, 0, 0, 0], mode: "reflect" }),
      ];
    },
  },
  "rows of a linear layer, normalised": {
    inputs: [[1, S, 12]],
    build: (b, [x]) => {
      const y = b.create(linear, { x: x!, w: weights(b, [24, 12]), bias: weights(b, [24], 2) });
      return [b.create(layerNorm, { x: y, scale: weights(b, [24], 3), bias: weights(b, [24], 4) }, { axis: 2 })];
    },
  },
  "rows that see each other": {
    inputs: [[N, 2, S, 8]],
    build: (b, [x]) => {
      const keys = b.create(transpose, { x: x! }, { perm: [0, 1, 3, 2] });
      const half = b.create(constant, {}, { value: tensor("f32", [], [0.5]) });
      const scores = b.create(mul, { a: b.create(matmul, { a: x!, b: keys }), b: half });
      return [b.create(matmul, { a: b.create(softmax, { x: scores }, { axis: 3 }), b: x! })];
    },
  },
  "queries before keys of one length": {
    inputs: [[1, 2, S, 8]],
    build: (b, [x]) => [b.create(attention, { q: x!, k: weights(b, [1, 2, 6, 8]), v: weights(b, [1, 2, 6, 4], 2) })],
  },
  "two open axes made one, and two again": {
    inputs: [[N, S, 6]],
    build: (b, [x]) => {
      const rows = b.create(reshape, { x: x! }, { shape: [-1, 6] });
      const doubled = b.create(add, { a: rows, b: rows });
      const apart = b.create(reshapeSymbolic, { x: doubled }, { shape: [printDim(N), printDim(S), "2", "3"] });
      return [apart, b.create(reshapeSymbolic, { x: x! }, { shape: [printDim(S), printDim(N), "6"] }), b.create(shapeOf, { x: apart })];
    },
  },
  "what is repeated as often as they say": {
    inputs: [[N, 1, 4], [S]],
    build: (b, [x, y]) => [
      b.create(broadcastSymbolic, { x: x! }, { shape: [printDim(N), printDim(S), "4"] }),
      b.create(broadcastSymbolic, { x: b.create(constant, {}, { value: tensor("f32", [], [3]) }) }, { shape: [printDim(S)] }),
      b.create(add, { a: x!, b: b.create(reshapeSymbolic, { x: y! }, { shape: ["1", printDim(S), "1"] }) }),
      b.create(broadcast, { x: b.create(reduce, { x: y! }, { axes: [0] }) }, { shape: [3] }),
    ],
  },
  "as many places as it is long": {
    inputs: [[1, S, 3]],
    build: (b, [x]) => {
      const count = b.create(constant, {}, { value: tensor("i64", [], [99]) });
      const one = b.create(constant, {}, { value: tensor("i64", [], [1]) });
      const table = weights(b, [30, 3]);
      return [
        b.create(span, { x: x!, length: count, start: one }, { axis: 1, extent: printDim(dimOf("sub", S, 1)) }),
        b.create(concat, { xs: [x!, b.create(reshape, { x: table }, { shape: [1, 30, 3] }), x!] }, { axis: 1 }),
      ];
    },
  },
};

testOpenInputs("inputs whose length a run tells", CASES);
