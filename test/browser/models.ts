import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";

/** A classifier of 12x12 pictures: convolutions, pooling and a last layer, 4 classes. */
export function smallConvNet(): Uint8Array {
  return writeOnnx({
    nodes: [
      node("Conv", ["x", "w1", "b1"], ["c1"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, { name: "conv1" }),
      node("Relu", ["c1"], ["r1"], {}, { name: "relu1" }),
      node("MaxPool", ["r1"], ["p1"], { kernel_shape: [2, 2], strides: [2, 2] }, { name: "pool1" }),
      node("Conv", ["p1", "w2"], ["c2"], { kernel_shape: [3, 3] }, { name: "conv2" }),
      node("Sigmoid", ["c2"], ["s2"], {}, { name: "sigmoid2" }),
      node("Flatten", ["s2"], ["f"], {}, { name: "flatten" }),
      node("Gemm", ["f", "w3", "b3"], ["g"], { transB: 1 }, { name: "classes" }),
      node("Softmax", ["g"], ["y"], {}, { name: "softmax" }),
    ],
    inputs: [value("x", "f32", [1, 3, 12, 12])],
    outputs: [value("y", "f32", [1, 4])],
    initializers: { w1: waves([8, 3, 3, 3], 1), b1: waves([8], 2), w2: waves([6, 8, 3, 3], 3), w3: waves([4, 96], 4), b3: waves([4], 5) },
  });
}

/** Numbers without a pattern that a seed gives again. */
export function waves(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((n, d) => n * d, 1);
  return tensor(
    "f32",
    shape,
    Array.from({ length: count }, (_, i) => Math.fround(0.4 * Math.sin(12.9898 * (i + 1) + 78.233 * seed))),
  );
}
