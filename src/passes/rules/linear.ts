import { add, mul } from "../../ir/ops/arithmetic.ts";
import { conv } from "../../ir/ops/convolution.ts";
import { linear, matmul } from "../../ir/ops/linear.ts";
import type { Op } from "../../ir/graph.ts";
import { batchNorm } from "../../ir/ops/normalisation.ts";
import { tensor, type Tensor } from "../../ir/tensor.ts";
import { isFloat } from "../../ir/types.ts";
import { constantTensor, makeConstant, numbersOf, perChannel } from "../constants.ts";
import { constantOf, onlyUse, op, rule, value, type Rule } from "../pattern.ts";

const x = value();
const w = constantOf();
const c = constantOf();
const product = op(matmul, { a: x, b: w });
const dense = op(linear, { x, w });
const denseAdd = op(add, { a: onlyUse(dense), b: c });
const denseMul = op(mul, { a: onlyUse(dense), b: c });
const image = op(conv, { x, w });
const imageAdd = op(add, { a: onlyUse(image), b: c });
const imageMul = op(mul, { a: onlyUse(image), b: c });
const [scale, shift, mean, variance] = [constantOf(), constantOf(), constantOf(), constantOf()];
const norm = op(batchNorm, { x, scale, bias: shift, mean, variance });
const convNorm = op(batchNorm, { x: onlyUse(image), scale, bias: shift, mean, variance });

/** y = act(x*w + b) may still be scaled and shifted while nothing stands behind the sum. Whole numbers wrap where they do. */
function isOpen(at: Op & { readonly attrs: { readonly activation: string } }): boolean {
  return at.attrs.activation === "none" && at.operand("residual") === undefined && isFloat(at.result.type.dtype);
}

/** Rows of a weight tensor [n, …] times one number each. */
function scaleRows(weights: Tensor, factors: ArrayLike<number>): Tensor {
  const data = numbersOf(weights);
  const row = data.length / factors.length;
  return tensor(
    weights.type.dtype,
    weights.type.shape,
    Float64Array.from(data, (v, i) => v * factors[Math.floor(i / row)]!),
  );
}

function vector(dtype: Tensor["type"]["dtype"], values: ArrayLike<number>): Tensor {
  return tensor(dtype, [values.length], values);
}

function biasOf(bias: Tensor | undefined, channels: number): Float64Array {
  return bias ? Float64Array.from(numbersOf(bias)) : new Float64Array(channels);
}

/** Factor and summand a channel: scale/sqrt(variance + epsilon), bias - mean*factor. */
function normFactors(
  parts: { readonly scale: Tensor; readonly bias: Tensor; readonly mean: Tensor; readonly variance: Tensor },
  epsilon: number,
): { factor: Float64Array; summand: Float64Array } {
  const [s, b, m, v] = [parts.scale, parts.bias, parts.mean, parts.variance].map(numbersOf) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  const factor = Float64Array.from(s, (value, i) => value / Math.sqrt(v[i]! + epsilon));
  return { factor, summand: Float64Array.from(b, (value, i) => value - m[i]! * factor[i]!) };
}

export const linearRules: readonly Rule[] = [
  // matmul(x, w) == linear(x, transpose(w)) for a constant matrix
  rule("matmul-is-linear", product, (m, b) => {
    const weights = m.get(w);
    if (weights.type.shape.length !== 2 || m.get(x).type.shape.length < 2 || !isFloat(weights.type.dtype)) return undefined;
    const [k, n] = weights.type.shape as [number, number];
    const data = numbersOf(weights);
    const turned = new Float64Array(n * k);
    for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) turned[j * k + i] = data[i * n + j]!;
    return b.create(linear, { x: m.get(x), w: makeConstant(b, tensor(weights.type.dtype, [n, k], turned)) });
  }),
  // linear(x, w, b) + c == linear(x, w, b + c)
  rule("bias-into-linear", denseAdd, (m, b) => {
    const at = m.get(dense);
    const [bias, n] = [at.operand("bias"), m.get(w).type.shape[0]!];
    const summand = perChannel(m.get(c), at.result.type.shape.length, at.result.type.shape.length - 1, n);
    if (!isOpen(at) || (bias && !constantTensor(bias)) || !summand) return undefined;
    const sum = biasOf(constantTensor(bias), n).map((v, i) => v + summand[i]!);
    return b.create(linear, { x: m.get(x), w: m.value(w), bias: makeConstant(b, vector(at.result.type.dtype, sum)) }, at.attrs);
  }),
  // linear(x, w, b) * c == linear(x, c*w, c*b)
  rule("scale-into-linear", denseMul, (m, b) => {
    const at = m.get(dense);
    const [bias, n] = [at.operand("bias"), m.get(w).type.shape[0]!];
    const factor = perChannel(m.get(c), at.result.type.shape.length, at.result.type.shape.length - 1, n);
    if (!isOpen(at) || (bias && !constantTensor(bias)) || !factor) return undefined;
    const scaled = bias
      ? makeConstant(
          b,
          vector(
            at.result.type.dtype,
            biasOf(constantTensor(bias), n).map((v, i) => v * factor[i]!),
          ),
        )
      : undefined;
    return b.create(linear, { x: m.get(x), w: makeConstant(b, scaleRows(m.get(w), factor)), bias: scaled }, at.attrs);
  }),
  // conv(x, w, b) + c == conv(x, w, b + c), c one number a channel
  rule("bias-into-conv", imageAdd, (m, b) => {
    const at = m.get(image);
    const [bias, n] = [at.operand("bias"), m.get(w).type.shape[0]!];
    const summand = perChannel(m.get(c), at.result.type.shape.length, 1, n);
    if (!isOpen(at) || (bias && !constantTensor(bias)) || !summand) return undefined;
    const sum = biasOf(constantTensor(bias), n).map((v, i) => v + summand[i]!);
    return b.create(conv, { x: m.get(x), w: m.value(w), bias: makeConstant(b, vector(at.result.type.dtype, sum)) }, at.attrs);
  }),
  // conv(x, w, b) * c == conv(x, c*w, c*b), c one number a channel
  rule("scale-into-conv", imageMul, (m, b) => {
    const at = m.get(image);
    const [bias, n] = [at.operand("bias"), m.get(w).type.shape[0]!];
    const factor = perChannel(m.get(c), at.result.type.shape.length, 1, n);
    if (!isOpen(at) || (bias && !constantTensor(bias)) || !factor) return undefined;
    const scaled = bias
      ? makeConstant(
          b,
          vector(
            at.result.type.dtype,
            biasOf(constantTensor(bias), n).map((v, i) => v * factor[i]!),
          ),
        )
      : undefined;
    return b.create(conv, { x: m.get(x), w: makeConstant(b, scaleRows(m.get(w), factor)), bias: scaled }, at.attrs);
  }),
  // batchNorm(conv(x, w, b)) == conv(x, f*w, f*b + s)
  rule("batch-norm-into-conv", convNorm, (m, b) => {
    const at = m.get(image);
    const [bias, n] = [at.operand("bias"), m.get(w).type.shape[0]!];
    if (!isOpen(at) || (bias && !constantTensor(bias))) return undefined;
    const { factor, summand } = normFactors(
      { scale: m.get(scale), bias: m.get(shift), mean: m.get(mean), variance: m.get(variance) },
      m.get(convNorm).attrs.epsilon,
    );
    const sum = biasOf(constantTensor(bias), n).map((v, i) => v * factor[i]! + summand[i]!);
    return b.create(conv, { x: m.get(x), w: makeConstant(b, scaleRows(m.get(w), factor)), bias: makeConstant(b, vector(at.result.type.dtype, sum)) }, at.attrs);
  }),
];

/** Run after the folds above had their chance. */
export const batchNormRules: readonly Rule[] = [
  // batchNorm(x) == x*f + s
  rule("batch-norm-is-affine", norm, (m, b) => {
    const type = m.get(x).type;
    const { factor, summand } = normFactors(
      { scale: m.get(scale), bias: m.get(shift), mean: m.get(mean), variance: m.get(variance) },
      m.get(norm).attrs.epsilon,
    );
    const shape = [factor.length, ...new Array<number>(Math.max(type.shape.length - 2, 0)).fill(1)];
    const scaled = b.create(mul, { a: m.get(x), b: makeConstant(b, tensor(type.dtype, shape, factor)) });
    return b.create(add, { a: scaled, b: makeConstant(b, tensor(type.dtype, shape, summand)) });
  }),
];
