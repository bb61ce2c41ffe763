import { describe, expect, test } from "vitest";
import { tensor } from "../../../src/ir/tensor.ts";
import { float } from "../../fixtures/onnx-writer.ts";
import { elements, f32, i64, importNode, runNode } from "./one-node.ts";

/** Results worked out by hand, for what differs between opsets or is easily got wrong. */

const counted = (...shape: number[]) => f32(shape, ...Array.from({ length: shape.reduce((n, dim) => n * dim, 1) }, (_, i) => i));

test("Slice counts from the end, cuts what is too far, and walks backwards", () => {
  expect(elements(runNode({ op: "Slice", inputs: [counted(6), i64(-1), i64(-100), i64(0), i64(-2)] })[0])).toEqual([5, 3, 1]);
  expect(elements(runNode({ op: "Slice", inputs: [counted(6), i64(2), i64(9223372036854775807n)] })[0])).toEqual([2, 3, 4, 5]);
  expect(elements(runNode({ op: "Slice", inputs: [counted(6), i64(4), i64(2)] })[0])).toEqual([]);
});

test("Softmax of opset 11 takes all axes behind its own together, opset 13 one axis", () => {
  const ones = f32([1, 2, 2], 0, 0, 0, 0);
  expect(elements(runNode({ op: "Softmax", inputs: [ones], attrs: { axis: 1 }, opset: 11 })[0])).toEqual([0.25, 0.25, 0.25, 0.25]);
  expect(elements(runNode({ op: "Softmax", inputs: [ones], attrs: { axis: 1 }, opset: 13 })[0])).toEqual([0.5, 0.5, 0.5, 0.5]);
});

test("Reshape copies dims at 0, fills -1, and with allowzero makes an empty tensor", () => {
  expect(runNode({ op: "Reshape", inputs: [counted(2, 3, 4), i64(0, -1)] })[0]!.type.shape).toEqual([2, 12]);
  expect(runNode({ op: "Reshape", inputs: [counted(0, 3), i64(3, 0)], attrs: { allowzero: 1 }, opset: 14 })[0]!.type.shape).toEqual([3, 0]);
});

test("Split shares out evenly; the last part is smaller where that does not come out", () => {
  const parts = runNode({ op: "Split", inputs: [counted(5)], attrs: { num_outputs: 2 }, outputs: ["f32", "f32"], opset: 18 });
  expect(parts.map(elements)).toEqual([
    [0, 1, 2],
    [3, 4],
  ]);
});

test("OneHot takes indices below zero from the end and none beyond the depth", () => {
  const hot = runNode({ op: "OneHot", inputs: [i64(1, -1, 7), tensor("i64", [], [3]), f32([2], 0, 9)], outputs: ["f32"] });
  expect(elements(hot[0])).toEqual([0, 9, 0, 0, 0, 9, 0, 0, 0]);
});

test("DepthToSpace reads depth before or behind the channels", () => {
  const x = counted(1, 8, 1, 1);
  expect(elements(runNode({ op: "DepthToSpace", inputs: [x], attrs: { blocksize: 2 } })[0])).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
  expect(elements(runNode({ op: "DepthToSpace", inputs: [x], attrs: { blocksize: 2, mode: "CRD" } })[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("QuantizeLinear rounds half to even and saturates", () => {
  const y = runNode({ op: "QuantizeLinear", inputs: [f32([6], 0.5, 1.5, 2.5, -0.5, 300, -300), f32([], 1), tensor("i8", [], [0])], outputs: ["i8"] });
  expect(elements(y[0])).toEqual([0, 2, 2, 0, 127, -128]);
});

test("DynamicQuantizeLinear keeps zero in its range; all zeros have scale 1", () => {
  const [y, scale, zeroPoint] = runNode({ op: "DynamicQuantizeLinear", inputs: [f32([3], 0, 2, -3)], outputs: ["u8", "f32", "u8"] });
  expect(elements(y)).toEqual([153, 255, 0]);
  expect(elements(scale)[0]).toBeCloseTo(5 / 255, 6);
  expect(elements(zeroPoint)).toEqual([153]);
  expect(elements(runNode({ op: "DynamicQuantizeLinear", inputs: [f32([2], 0, 0)], outputs: ["u8", "f32", "u8"] })[1])).toEqual([1]);
});

test("Gemm is a linear op where B is transposed and C is a row", () => {
  const linear = importNode({ op: "Gemm", inputs: ["2x3xf32", "4x3xf32", "4xf32"], attrs: { transB: 1 } });
  expect(linear.ops.map((op) => op.name)).toEqual(["linear", "return"]);
  const spelledOut = importNode({ op: "Gemm", inputs: ["2x3xf32", "3x4xf32", "2x1xf32"], attrs: { alpha: float(2) } });
  expect(spelledOut.ops.map((op) => op.name)).toEqual(["matmul", "constant", "mul", "add", "return"]);
});

test("MatMul with a constant stays a matmul", () => {
  expect(importNode({ op: "MatMul", inputs: ["2x3xf32", counted(3, 4)] }).ops.map((op) => op.name)).toEqual(["constant", "matmul", "return"]);
});

test("MatMulNBits unpacks the low nibble first, in units of a scale for each block", () => {
  const packed = tensor("u8", [1, 2, 8], [0x9a, ...new Array<number>(7).fill(0x88), ...new Array<number>(7).fill(0x88), 0x18]);
  const x = tensor(
    "f32",
    [1, 32],
    Array.from({ length: 32 }, (_, i) => (i === 0 || i === 1 || i === 31 ? 1 : 0)),
  );
  const y = runNode({ op: "MatMulNBits", domain: "com.microsoft", inputs: [x, packed, f32([2], 0.5, 2)], attrs: { N: 1, K: 32, bits: 4, block_size: 16 } });
  // (10 - 8) * 0.5 + (9 - 8) * 0.5 + (1 - 8) * 2
  expect(elements(y[0])).toEqual([-12.5]);
});

describe("what is known when a model is imported", () => {
  test("is computed: Shape, Gather, Concat, Reshape leave a reshape", () => {
    expect(importNode({ op: "Expand", inputs: ["3x1xf32", i64(2, 1, 4)] }).ops.map((op) => op.name)).toEqual(["broadcast", "return"]);
    expect(importNode({ op: "Shape", inputs: ["2x3xf32"], outputs: ["i64"] }).ops.map((op) => op.name)).toEqual(["constant", "return"]);
  });

  test("stays small: a constant of a gigabyte is one element and a broadcast", () => {
    const graph = importNode({ op: "ConstantOfShape", inputs: [i64(16384, 16384)], outputs: ["f32"] });
    expect(graph.ops.map((op) => op.name)).toEqual(["constant", "broadcast", "return"]);
  });
});

test("what changes nothing makes no op", () => {
  for (const spec of [
    { op: "Identity", inputs: ["2xf32"] },
    { op: "Reshape", inputs: ["2x3xf32", i64(2, 3)] },
    { op: "Transpose", inputs: ["2x3xf32"], attrs: { perm: [0, 1] } },
    { op: "Pad", inputs: ["2x3xf32", i64(0, 0, 0, 0)] },
    { op: "Slice", inputs: ["4xf32", i64(0), i64(4)] },
    { op: "Dropout", inputs: ["4xf32"] },
    { op: "Cast", inputs: ["4xf32"], attrs: { to: 1 } },
  ])
    expect(
      importNode(spec).ops.map((op) => op.name),
      spec.op,
    ).toEqual(["return"]);
});

test("bfloat16 is computed in bfloat16", () => {
  const y = runNode({ op: "Add", inputs: [tensor("bf16", [1], [256]), tensor("bf16", [1], [1])], outputs: ["bf16"] });
  expect(elements(y[0])).toEqual([256]);
  expect(y[0]!.type.dtype).toBe("bf16");
});

test("weights left in f32 take the type of a bfloat16 model", () => {
  expect(runNode({ op: "Gemm", inputs: ["1x2xbf16", "3x2xf32", "3xf32"], attrs: { transB: 1 } })[0]!.type.dtype).toBe("bf16");
});
