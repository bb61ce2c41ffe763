import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import { constant, returnOp } from "../../../src/ir/ops/control.ts";
import { storageCast } from "../../../src/ir/ops/conversion.ts";
import { conv, convTranspose } from "../../../src/ir/ops/convolution.ts";
import { linear, matmul } from "../../../src/ir/ops/linear.ts";
import { concat, reshape } from "../../../src/ir/ops/movement.ts";
import { pool } from "../../../src/ir/ops/window.ts";
import { randomTensor } from "../../../src/ir/sample.ts";
import type { Tensor } from "../../../src/ir/tensor.ts";
import { integerRange, tensorType, type DType, type StaticType, type TensorType } from "../../../src/ir/types.ts";

/** Regions of stored integers, as the pass fold-quantised leaves them, and their inputs. */
export interface QuantisedRegion {
  readonly title: string;
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
}

type Rounding = "onnx" | "float" | "tflite";

/** `perAxis`: weights have one scale a channel. */
export function quantisedRegions(dtypes: readonly ("i8" | "u8")[], rounding: Rounding): readonly QuantisedRegion[] {
  return dtypes.flatMap((dtype) => [
    ...[false, true].flatMap((perAxis) => [
      region(`conv ${dtype}${perAxis ? " per axis" : ""}`, dtype, [1, 5, 9, 8], (b, x) => convolved(b, x, 6, { perAxis, rounding, groups: 1 })),
      region(`depthwise ${dtype}${perAxis ? " per axis" : ""}`, dtype, [1, 6, 9, 8], (b, x) => convolved(b, x, 6, { perAxis, rounding, groups: 6 })),
      region(`linear ${dtype}${perAxis ? " per axis" : ""}`, dtype, [3, 19], (b, x) => connected(b, x, 7, { perAxis, rounding })),
    ]),
    region(`conv with relu ${dtype}`, dtype, [1, 5, 9, 8], (b, x) => convolved(b, x, 6, { perAxis: true, rounding, groups: 1, activation: "relu" })),
    region(`conv with a clip ${dtype}`, dtype, [1, 5, 9, 8], (b, x) =>
      convolved(b, x, 6, { perAxis: true, rounding, groups: 1, activation: "clip", beta: 1.5 }),
    ),
    region(`chain ${dtype}`, dtype, [1, 4, 12, 10], (b, x) => {
      const first = convolved(b, x, 8, { perAxis: true, rounding, groups: 1, activation: "relu" });
      const small = b.create(pool, { x: first }, { kind: "max", kernel: [2, 2], strides: [2, 2] });
      const second = convolved(b, small, 8, { perAxis: false, rounding, groups: 8 });
      const both = b.create(concat, { xs: [second, second] }, { axis: 1 });
      return connected(b, b.create(reshape, { x: both }, { shape: [1, -1] }), 5, { perAxis: true, rounding });
    }),
  ]);
}

/** Forms that ONNX has and TF-Lite has otherwise. */
export function onnxQuantisedRegions(): readonly QuantisedRegion[] {
  return (["i8", "u8"] as const).flatMap((dtype) => [
    region(`rows of rows ${dtype}`, dtype, [2, 3, 19], (b, x) => connected(b, x, 7, { perAxis: true, rounding: "onnx" })),
    region(`matmul of two ${dtype}`, dtype, [2, 5, 5], (b, x) =>
      b.create(matmul, { a: x, b: x }, { outDtype: dtype, outScale: [0.06], outZeroPoint: [middleOf(dtype)], rounding: "onnx" }),
    ),
    region(`sums of conv ${dtype}`, "u8", [1, 3, 6, 5], (b, x) => b.create(conv, { x, w: weights(b, [4, 3, 3, 3], 4, "u8"), bias: biasOf(b, 4) }, {})),
    region(`sums of linear ${dtype}`, dtype, [3, 6], (b, x) => b.create(linear, { x, w: weights(b, [4, 6], 1), bias: biasOf(b, 4) }, {})),
    region(`transposed conv ${dtype}`, dtype, [1, 3, 6, 5], (b, x) =>
      b.create(
        convTranspose,
        { x, w: weights(b, [3, 4, 3, 3], 1), bias: biasOf(b, 4) },
        { strides: [2, 2], outDtype: dtype, outScale: [0.05], outZeroPoint: [middleOf(dtype)], rounding: "onnx" },
      ),
    ),
  ]);
}

function region(title: string, dtype: "i8" | "u8", shape: readonly number[], make: (b: Builder, x: Value) => Value): QuantisedRegion {
  const x = new Value(tensorType(dtype, shape), "x");
  const graph = new Graph("r0", [x]);
  const b = new Builder(graph.ops);
  const quant = { scale: [0.0131], zeroPoint: [middleOf(dtype)] };
  const y = make(b, b.create(storageCast, { x }, quant));
  b.create(returnOp, { values: [b.create(storageCast, { x: y })] }, { names: ["y"] });
  return { title, graph, inputs: [randomTensor(x.type as StaticType, 5, integerRange(dtype))] };
}

const middleOf = (dtype: DType): number => (dtype === "u8" ? 117 : 5);

interface Form {
  readonly perAxis: boolean;
  readonly rounding: Rounding;
  readonly activation?: "none" | "relu" | "clip";
  readonly beta?: number;
}

function output(x: Value, { rounding, activation = "none", beta = 0 }: Form, scale: number): object {
  return { outDtype: x.type.dtype, outScale: [scale], outZeroPoint: [middleOf(x.type.dtype)], rounding, activation, beta };
}

function convolved(b: Builder, x: Value, channels: number, form: Form & { readonly groups: number }): Value {
  const shape = [channels, (x.type.shape[1] as number) / form.groups, 3, 3];
  const attrs = { pads: [1, 1, 1, 1], groups: form.groups, ...output(x, form, 0.0173) };
  return b.create(conv, { x, w: weights(b, shape, form.perAxis ? channels : 1), bias: biasOf(b, channels) }, attrs as never);
}

function connected(b: Builder, x: Value, outputs: number, form: Form): Value {
  const w = weights(b, [outputs, x.type.shape.at(-1) as number], form.perAxis ? outputs : 1);
  return b.create(linear, { x, w, bias: biasOf(b, outputs) }, output(x, form, 0.021) as never);
}

/** Weights of symmetric i8 with one scale, or `channels` of them along axis 0. */
function weights(b: Builder, shape: readonly number[], channels: number, dtype: "i8" | "u8" = "i8"): Value {
  const type: TensorType = tensorType(dtype, shape);
  const value = b.create(constant, {}, { value: randomTensor(type as StaticType, shape.length + shape[0]!, dtype === "i8" ? [-127, 127] : [0, 255]) });
  const count = dtype === "u8" ? 1 : channels;
  const scale = Array.from({ length: count }, (_, i) => Math.fround(0.002 + 0.0003 * i));
  return b.create(storageCast, { x: value }, { scale, zeroPoint: scale.map(() => 0), axis: 0 });
}

function biasOf(b: Builder, channels: number): Value {
  return b.create(constant, {}, { value: randomTensor(tensorType("i32", [channels]) as StaticType, 3, [-900, 900]) });
}
