import { countOf } from "../../../ir/dims.ts";
import { add, div, max, min, mul, sub } from "../../../ir/ops/arithmetic.ts";
import { sigmoid, leakyRelu } from "../../../ir/ops/activation.ts";
import { equal } from "../../../ir/ops/comparison.ts";
import { select } from "../../../ir/ops/logic.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import { concat } from "../../../ir/ops/movement.ts";
import { softmax } from "../../../ir/ops/normalisation.ts";
import { quantise } from "../../../ir/ops/conversion.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { AttrSchema } from "../../../ir/attr.ts";
import type { Value } from "../../../ir/graph.ts";
import type { OpDef } from "../../../ir/op-def.ts";
import { isFloat } from "../../../ir/types.ts";
import type { Importer, NodeContext } from "../context.ts";
import { dequantised, dequantisedOperand, parametersAt, quantised } from "../quantisation.ts";
import { dequantisedCodes, quantisedCodes } from "../quantised-codes.ts";
import { castTo, range, reshapeTo, transposeMatrix } from "../rearrange.ts";
import { rankOf } from "../static-shape.ts";
import { convolution } from "./convolution.ts";
import { channelsLast } from "./microsoft-windows.ts";
import { pooled } from "./pooling.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators over quantised tensors are dequantise, the float operator, quantise: passes make integer arithmetic of it where they can prove it equal. */
export const QUANTISED: OperatorTable = {
  DequantizeLinear: since(10, importDequantizeLinear),
  DynamicQuantizeLinear: since(11, (c) => dynamicallyQuantised(c, c.need(0, "x"))),
  QLinearConv: since(10, importQLinearConv),
  QLinearMatMul: since(10, importQLinearMatMul),
  QuantizeLinear: since(10, importQuantizeLinear),
};

export const MICROSOFT_QUANTISED: OperatorTable = {
  DequantizeLinear: since(1, importDequantizeLinear),
  QGemm: since(1, importQGemm),
  QLinearAdd: since(1, qlinearBinary(add)),
  QLinearAveragePool: since(1, importQLinearAveragePool),
  QLinearConcat: since(1, importQLinearConcat),
  QLinearGlobalAveragePool: since(1, importQLinearGlobalAveragePool),
  QLinearLeakyRelu: since(
    1,
    qlinearUnary((c, x) => c.b.create(leakyRelu, { x }, { alpha: c.float("alpha", 0.01) })),
  ),
  QLinearMul: since(1, qlinearBinary(mul)),
  QLinearSigmoid: since(
    1,
    qlinearUnary((c, x) => c.b.create(sigmoid, { x })),
  ),
  QLinearSoftmax: since(1, importQLinearSoftmax),
  QuantizeLinear: since(1, importQuantizeLinear),
};

function importQuantizeLinear(c: NodeContext): Value {
  c.ignore("precision");
  const x = c.need(0, "x");
  const parameters = parametersAt(c, 1, "y");
  const to = c.dtypeOrStored("output_dtype") ?? c.stored.of(parameters.zeroPoint) ?? parameters.zeroPoint?.type.dtype ?? "u8";
  const real = isFloat(x.type.dtype) ? x : castTo(c.b, x, "f32");
  const [axis, block] = [c.int("axis", 1), c.int("block_size", 0)];
  if (typeof to === "object") return quantisedCodes(c, real, parameters, axis, block, to);
  c.ignore("saturate");
  return quantised(c, real, parameters, axis, block, to);
}

function importDequantizeLinear(c: NodeContext): Value {
  const x = c.need(0, "x");
  const parameters = parametersAt(c, 1, "x");
  const [axis, block, to] = [c.int("axis", 1), c.int("block_size", 0), c.dtype("output_dtype") ?? parameters.scale.type.dtype];
  const stored = c.stored.of(x);
  return stored ? dequantisedCodes(c, x, parameters, axis, block, stored, to) : dequantised(c, x, parameters, axis, block, to);
}

/** x as u8 by the range of its data and zero, with scale and zero point: DynamicQuantizeLinear-11. */
export function dynamicallyQuantised(c: NodeContext, x: Value): readonly [Value, Value, Value] {
  const axes = range(rankOf(x));
  const zero = c.scalar("f32", 0);
  const highest = c.b.create(max, { a: zero, b: c.b.create(reduce, { x }, { kind: "max", axes, keepDims: false }) });
  const lowest = c.b.create(min, { a: zero, b: c.b.create(reduce, { x }, { kind: "min", axes, keepDims: false }) });
  const spread = c.b.create(div, { a: c.b.create(sub, { a: highest, b: lowest }), b: c.scalar("f32", 255) });
  // All zeros: any scale will do, and ONNX Runtime takes 1.
  const scale = c.b.create(select, { condition: c.b.create(equal, { a: spread, b: zero }), a: c.scalar("f32", 1), b: spread });
  const zeroPoint = c.b.create(quantise, { x: c.b.create(sub, { a: zero, b: lowest }), scale }, { to: "u8" });
  return [c.b.create(quantise, { x, scale, zeroPoint }, { to: "u8" }), scale, zeroPoint];
}

/** Weights may have one scale an output channel; the bias is stored in units of both scales. */
function importQLinearConv(c: NodeContext): Value {
  const x = dequantisedOperand(c, 0, "x");
  const w = dequantisedOperand(c, 3, "w", 0);
  const bias = c.operand(8);
  const real = bias && dequantised(c, bias, { scale: c.b.create(mul, { a: c.need(1, "x scale"), b: c.need(4, "w scale") }), zeroPoint: undefined }, 0);
  return quantised(c, convolution(c, x, w, real), parametersAt(c, 6, "y"), 1);
}

function importQLinearMatMul(c: NodeContext): Value {
  const a = dequantisedMatrix(c, 0, "a", -2);
  const b = dequantisedMatrix(c, 3, "b", -1);
  return quantised(c, c.b.create(matmul, { a, b }), parametersAt(c, 6, "y"), -1);
}

function dequantisedMatrix(c: NodeContext, index: number, what: string, axis: number): Value {
  return dequantisedOperand(c, index, what, rankOf(c.need(index, what)) === 1 ? 0 : axis);
}

function qlinearBinary(def: OpDef<readonly ["a", "b"], AttrSchema>): Importer {
  return (c) => quantised(c, c.b.create(def, { a: dequantisedOperand(c, 0, "A"), b: dequantisedOperand(c, 3, "B") }), parametersAt(c, 6, "C"), 1);
}

function qlinearUnary(make: (c: NodeContext, x: Value) => Value): Importer {
  return (c) => quantised(c, make(c, dequantisedOperand(c, 0, "X")), parametersAt(c, 3, "Y"), 1);
}

function importQLinearSoftmax(c: NodeContext): Value {
  const x = dequantisedOperand(c, 0, "X");
  const rank = rankOf(x);
  const axis = c.axis(c.int("axis", -1), rank);
  if (c.int("opset", 13) >= 13 || axis === rank - 1) return quantised(c, c.b.create(softmax, { x }, { axis }), parametersAt(c, 3, "Y"), 1);
  const matrix = reshapeTo(c.b, x, [countOf(x.type.shape.slice(0, axis)), countOf(x.type.shape.slice(axis))]);
  return quantised(c, reshapeTo(c.b, c.b.create(softmax, { x: matrix }, { axis: 1 }), x.type.shape), parametersAt(c, 3, "Y"), 1);
}

function importQLinearGlobalAveragePool(c: NodeContext): Value {
  const x = dequantisedOperand(c, 0, "X");
  const axes = c.flag("channels_last", false) ? range(rankOf(x) - 1).slice(1) : range(rankOf(x)).slice(2);
  return quantised(c, c.b.create(reduce, { x }, { kind: "mean", axes }), parametersAt(c, 3, "Y"), 1);
}

function importQLinearAveragePool(c: NodeContext): Value {
  const x = dequantisedOperand(c, 0, "X");
  const pool = (image: Value): Value => pooled(c, "average", image);
  return quantised(c, c.flag("channels_last", false) ? channelsLast(c, x, pool) : pool(x), parametersAt(c, 3, "Y"), 1);
}

function importQLinearConcat(c: NodeContext): Value {
  const xs = range((c.operands.length - 2) / 3).map((i) => dequantisedOperand(c, 2 + 3 * i, `input ${i}`));
  if (xs.length === 0) c.fail("has no inputs");
  const axis = c.axis(c.required("axis", c.int("axis")), rankOf(xs[0]!));
  return quantised(c, c.b.create(concat, { xs }, { axis }), parametersAt(c, 0, "Y"), 1);
}

/** The result is float where no output scale is given. */
function importQGemm(c: NodeContext): Value {
  const transB = c.flag("transB", false);
  const transposed = (x: Value, is: boolean): Value => (is ? transposeMatrix(c.b, x) : x);
  const a = transposed(dequantisedOperand(c, 0, "A"), c.flag("transA", false));
  const b = dequantisedOperand(c, 3, "B", transB ? 0 : 1);
  const alpha = c.float("alpha", 1);
  const bias = c.operand(6);
  const unit = c.b.create(mul, { a: c.need(1, "a scale"), b: c.need(4, "b scale") });
  const scale = alpha === 1 ? unit : c.b.create(mul, { a: unit, b: c.scalar("f32", alpha) });
  const addend = bias && dequantised(c, bias, { scale, zeroPoint: undefined }, -1);
  const product = c.b.create(matmul, { a, b: transposed(b, transB) });
  const scaled = alpha === 1 ? product : c.b.create(mul, { a: product, b: c.scalar("f32", alpha) });
  const y = addend ? c.b.create(add, { a: scaled, b: addend }) : scaled;
  return c.operand(7) ? quantised(c, y, parametersAt(c, 7, "y"), 1) : y;
}
