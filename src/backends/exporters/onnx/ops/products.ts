import type { Op, Value } from "../../../../ir/graph.ts";
import type { SlidingAttrs } from "../../../../ir/ops/window-geometry.ts";
import { isFloat } from "../../../../ir/types.ts";
import { transposedMatrix } from "../../matrix.ts";
import { constantOf } from "../../constant-of.ts";
import { refuse } from "../../refusal.ts";
import type { OnnxEmitter } from "../emitter.ts";
import { activated } from "./activations.ts";
import { ALPHA, BETA, intsOf, shapeOfOperand, textOf } from "./attributes.ts";
import { quantisedProduct } from "./quantised-products.ts";
import type { ProductForm, Writer, WriterTable } from "./table.ts";
import { convAttributes } from "./windows.ts";

/** A product of what it says: real numbers, or stored integers between dequantise and quantise. */
const product =
  (form: ProductForm, names: readonly [string, string]): Writer =>
  (to, op) => {
    const [x, w] = names.map((name) => op.operand(name)!) as [Value, Value];
    if (x.type.quant ?? w.type.quant) return quantisedProduct(to, op, form, x, w);
    const bias = op.def.operands.includes("bias?") ? to.operand(op, "bias") : "";
    const plain = form(to, op, to.name(x), to.name(w), bias, op.result.type);
    const residual = op.def.operands.includes("residual?") ? to.operand(op, "residual") : "";
    const sum = residual ? to.node("Add", [plain, residual], op.result.type) : plain;
    to.bind(op.result, "activation" in op.attrs ? activated(to, sum, op.result.type, textOf(op, "activation"), ALPHA(op.attrs), BETA(op.attrs)) : sum);
  };

const convolution: ProductForm = (to, op, x, w, bias, type) => {
  if (!isFloat(type.dtype)) refuse(`convolves ${type.dtype}, ONNX convolves floats`);
  const kernel = shapeOfOperand(op, "w").slice(2);
  return to.node("Conv", [x, w, bias], type, convAttributes(op, kernel));
};

const transposedConvolution: ProductForm = (to, op, x, w, bias, type) => {
  if (!isFloat(type.dtype)) refuse(`convolves ${type.dtype}, ONNX convolves floats`);
  const kernel = shapeOfOperand(op, "w").slice(2);
  const attrs = op.attrs as unknown as SlidingAttrs;
  if (attrs.pads.some((pad) => pad < 0)) refuse("a transposed convolution adds instead of cutting, wanted pads of 0 or more");
  const outputPads = intsOf(op, "outputPads");
  return to.node("ConvTranspose", [x, w, bias], type, { ...convAttributes(op, kernel), ...(outputPads.length > 0 ? { output_padding: outputPads } : {}) });
};

/** Rows times rows: Gemm of matrices, which is the form that engines know best; else MatMul with the weights turned. */
const linear: ProductForm = (to, op, x, w, bias, type) => {
  const rank = op.operand("x")!.type.shape.length;
  if (rank === 2) return to.node("Gemm", [x, w, bias], type, { transB: 1 });
  const turned = turnedWeights(to, op, w);
  const sum = to.node("MatMul", [x, turned], type);
  return bias ? to.node("Add", [sum, bias], type) : sum;
};

/** w[O, K] as [K, O]: a constant is turned here, so that tools see a constant. */
function turnedWeights(to: OnnxEmitter, op: Op, w: string): string {
  const value = op.operand("w")!;
  const [rows, columns] = value.type.shape as [number, number];
  const known = value.type.quant ? undefined : constantOf(value);
  if (known) return to.constant(transposedMatrix(known), value.name && `${value.name}.transposed`);
  return to.node("Transpose", [w], { dtype: value.type.quant ? "f32" : value.type.dtype, shape: [columns, rows] }, { perm: [1, 0] });
}

const matmul: ProductForm = (to, _op, a, b, _bias, type) => to.node("MatMul", [a, b], type);

export const PRODUCTS: WriterTable = {
  conv: product(convolution, ["x", "w"]),
  convTranspose: product(transposedConvolution, ["x", "w"]),
  linear: product(linear, ["x", "w"]),
  matmul: product(matmul, ["a", "b"]),
  det: (to, op) => to.result(op, "Det", [to.operand(op, "x")]),
};
