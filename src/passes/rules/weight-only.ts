/** Products of real numbers and constant weights in codes keep the codes. */
import type { Builder } from "../../ir/builder.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { dequantise } from "../../ir/ops/conversion.ts";
import { linear, matmul } from "../../ir/ops/linear.ts";
import { weightOnlyLinear } from "../../ir/ops/weight-only.ts";
import { allocate, tensor, type Tensor } from "../../ir/tensor.ts";
import { BITS, elementCount } from "../../ir/types.ts";
import { constantTensor, folded, makeConstant, numbersOf } from "../constants.ts";
import { op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const codes = value();
const real = op(dequantise, { x: codes });
const dense = op(linear, { x, w: real });
const product = op(matmul, { a: x, b: real });

/** Weights [n, k] with a scale, and maybe a zero point, for each `block` codes of a row. */
interface Coded {
  readonly w: Tensor;
  readonly scale: Tensor;
  readonly zeroPoint: Tensor | undefined;
  readonly block: number;
}

/** `along`: the axis that is summed over. Undefined where the weights are computed, or a scale is no block's of a row. */
function codedWeights(at: Op, along: 0 | 1): Coded | undefined {
  const [w, scale, zeroPoint] = [constantTensor(at.operands[0]), table(at.operand("scale")), table(at.operand("zeroPoint"))];
  if (!w || !scale || (at.operand("zeroPoint") && !zeroPoint) || at.attrs["to"] !== "f32") return undefined;
  if (w.type.shape.length !== 2 || BITS[w.type.dtype] > 8 || scale.type.dtype !== "f32") return undefined;
  const shape = w.type.shape as readonly [number, number];
  const [k, n] = [shape[along], shape[1 - along]!];
  const axis = at.attrs["axis"] as number;
  const [block, isOne] = [at.attrs["block"] as number, elementCount(scale.type.shape as readonly number[]) === 1];
  if (k === 0 || n === 0) return undefined;
  if (block === 0) {
    // One scale in all, or one a row.
    if (!isOne && (axis < 0 ? axis + 2 : axis) !== 1 - along) return undefined;
    const spread = (t: Tensor): Tensor =>
      tensor(
        t.type.dtype,
        [n, 1],
        Array.from({ length: n }, (_, i) => Number(t.data[isOne ? 0 : i]!)),
      );
    return { w: turned(w, along), scale: spread(scale), zeroPoint: zeroPoint && spread(zeroPoint), block: k };
  }
  if ((axis < 0 ? axis + 2 : axis) !== along || k % block !== 0) return undefined;
  return { w: turned(w, along), scale: turned(scale, along), zeroPoint: zeroPoint && turned(zeroPoint, along), block };
}

/** Scales and zero points come reshaped; they are few beside the codes. */
function table(value: Value | undefined): Tensor | undefined {
  return folded(value, 2, 2 ** 24);
}

/** The summed axis last. */
function turned(t: Tensor, along: 0 | 1): Tensor {
  if (along === 1) return t;
  const [k, n] = t.type.shape as readonly [number, number];
  const from = numbersOf(t);
  const data = allocate(t.type.dtype, n * k) as Float32Array;
  for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) data[j * k + i] = from[i * n + j]!;
  return tensor(t.type.dtype, [n, k], data);
}

function made(b: Builder, input: Value, { w, scale, zeroPoint, block }: Coded, bias: Value | undefined): Value {
  const constant = (t: Tensor): Value => makeConstant(b, t);
  return b.create(weightOnlyLinear, { x: input, w: constant(w), scale: constant(scale), zeroPoint: zeroPoint && constant(zeroPoint), bias }, { block });
}

export const weightOnlyRules: readonly Rule[] = [
  // linear(x, dequantise(codes)) == weightOnlyLinear(x, codes)
  rule("linear-keeps-codes", dense, (m, b) => {
    const at = m.get(dense);
    const coded = at.attrs.activation === "none" && !at.operand("residual") && m.get(x).type.dtype === "f32" ? codedWeights(m.get(real), 1) : undefined;
    return coded && made(b, m.get(x), coded, at.operand("bias"));
  }),
  // matmul(x, dequantise(codes)) == weightOnlyLinear(x, transpose(codes))
  rule("matmul-keeps-codes", product, (m, b) => {
    const input = m.get(x);
    const coded = input.type.dtype === "f32" && input.type.shape.length >= 1 ? codedWeights(m.get(real), 0) : undefined;
    return coded && made(b, input, coded, undefined);
  }),
];
