import type { Builder } from "../../ir/builder.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { div, mul, add } from "../../ir/ops/arithmetic.ts";
import { attention } from "../../ir/ops/attention.ts";
import { isNan } from "../../ir/ops/comparison.ts";
import { matmul } from "../../ir/ops/linear.ts";
import { not, select } from "../../ir/ops/logic.ts";
import { broadcast, reshape, transpose } from "../../ir/ops/movement.ts";
import { softmax } from "../../ir/ops/normalisation.ts";
import { equalShapes, equalTypes, isFloat } from "../../ir/types.ts";
import { constantTensor, isUniform, uniform } from "../constants.ts";
import { isOnlyUse, op, rule, value, type Rule } from "../pattern.ts";

const v = value();
const product = op(matmul, { b: v });

/**
 * matmul(softmax(scale * q kᵀ + mask), v) == attention(q, k, v, mask). Exporters scale q, k, both or the product, mask by a sum or by
 * choosing -inf, and guard against rows without any key; so the parts are peeled off one by one instead of listing all combinations.
 * What nobody lets through is 0 here, where a bare softmax gives NaN.
 */
export const attentionRules: readonly Rule[] = [
  rule("attention", product, (m, b) => {
    const root = m.get(product);
    const weights = unguarded(root.operands[0]!);
    const soft = weights?.producer;
    if (soft?.def !== softmax || !isLastAxis(soft)) return undefined;
    const masked = unmasked(soft.operands[0]!);
    const scores = masked && unscaled(masked.logits);
    const inner = scores?.value.producer;
    if (
      !masked ||
      !scores ||
      ![scores.value, ...scores.ops.map((part) => part.result)].every(isOnlyUse) ||
      inner?.def !== matmul ||
      !isFloat(inner.result.type.dtype)
    )
      return undefined;

    const [q, k] = inner.operands.map((side) => unscaled(side!)) as [Scaled, Scaled];
    const scale = scores.factor * q.factor * k.factor;
    const fit = [q.value, k.value, m.get(v)].every((part) => sameBatch(part, q.value));
    if (!fit || !(scale > 0 && scale < Infinity)) return undefined;
    b.loc = [...new Set([root, soft, inner, ...masked.ops, ...scores.ops, ...q.ops, ...k.ops].flatMap((part) => part.loc))];
    const keys = b.create(transpose, { x: ofRankFour(k.value, b) }, { perm: [0, 1, 3, 2] });
    const made = b.create(attention, { q: ofRankFour(q.value, b), k: keys, v: ofRankFour(m.get(v), b), mask: masked.mask?.(b) }, { scale });
    return equalTypes(made.type, root.result.type) ? made : b.create(reshape, { x: made }, { shape: root.result.type.shape as readonly number[] });
  }),
];

const shared = { k: repeated(), v: repeated() };
const spread = op(attention, { k: shared.k.result, v: shared.v.result });

/** Each head of x so many times in a row, as exporters write it for heads that share their keys. */
function repeated() {
  const x = value();
  const apart = op(reshape, { x });
  const copies = op(broadcast, { x: apart });
  return { x, apart, copies, result: op(reshape, { x: copies }) };
}

/** What an attention gets is what stands in front of the copies. */
export const sharedHeadRules: readonly Rule[] = [
  // attention(q, each head of k n times, each head of v n times) == attention(q, k, v)
  rule("attention-of-shared-heads", spread, (m, b) => {
    const at = m.get(spread);
    const copied = [shared.k, shared.v].every(({ x, apart, copies, result }) => {
      const [batch, heads, length, width] = m.get(x).type.shape as readonly number[];
      const times = m.value(copies).type.shape[2]!;
      return (
        m.get(x).type.shape.length === 4 &&
        equalShapes(m.value(apart).type.shape, [batch!, heads!, 1, length!, width!]) &&
        equalShapes(m.value(copies).type.shape, [batch!, heads!, times, length!, width!]) &&
        equalShapes(m.value(result).type.shape, [batch!, heads! * Number(times), length!, width!])
      );
    });
    const heads = m.get(shared.k.x).type.shape[1] === m.get(shared.v.x).type.shape[1];
    return copied && heads
      ? b.create(attention, { q: at.operand("q")!, k: m.get(shared.k.x), v: m.get(shared.v.x), mask: at.operand("mask") }, at.attrs)
      : undefined;
  }),
];

/** The weights w behind select(isNan(w), 0, w), or w itself; undefined where somebody else reads them. */
function unguarded(weights: Value): Value | undefined {
  if (!isOnlyUse(weights)) return undefined;
  const guard = weights.producer;
  if (guard?.def !== select) return weights;
  const [condition, zero, plain] = [guard.operand("condition")!, constantTensor(guard.operand("a")), guard.operand("b")!];
  const guards = condition.producer?.def === isNan && condition.producer.operands[0] === plain && zero !== undefined && isUniform(zero, 0);
  const inside = [...plain.uses].every((user) => user === guard || user === condition.producer) && isOnlyUse(condition);
  return guards && inside && equalTypes(plain.type, weights.type) ? plain : undefined;
}

interface Unmasked {
  readonly logits: Value;
  readonly mask: ((b: Builder) => Value) | undefined;
  readonly ops: readonly Op[];
}

/** The logits in front of a mask, which is added or chooses -inf. undefined where somebody else reads them. */
function unmasked(logits: Value): Unmasked | undefined {
  const at = logits.producer;
  if (!isOnlyUse(logits)) return undefined;
  if (at?.def === add) {
    const [a, b] = at.operands as [Value, Value];
    const plain = [a, b].find((side) => equalTypes(side.type, logits.type) && isProduct(side));
    if (!plain) return undefined;
    return { logits: plain, mask: () => (plain === a ? b : a), ops: [at] };
  }
  if (at?.def === select) {
    const [condition, a, b] = at.operands as [Value, Value, Value];
    const isClosed = (side: Value): boolean => isUniform(constantTensor(side) ?? NOTHING, -Infinity);
    if (isClosed(b) && equalTypes(a.type, logits.type)) return { logits: a, mask: () => condition, ops: [at] };
    if (isClosed(a) && equalTypes(b.type, logits.type)) return { logits: b, mask: (builder) => builder.create(not, { x: condition }), ops: [at] };
    return undefined;
  }
  return { logits, mask: undefined, ops: [] };
}

const NOTHING = { type: { dtype: "f32", shape: [0] }, data: new Float32Array() } as const;

function isProduct(side: Value): boolean {
  return unscaled(side).value.producer?.def === matmul;
}

interface Scaled {
  readonly value: Value;
  readonly factor: number;
  readonly ops: readonly Op[];
}

/** What is behind factors and divisors of one number. */
function unscaled(scaled: Value): Scaled {
  const ops: Op[] = [];
  let at = scaled;
  for (let factor = 1; ;) {
    const producer = at.producer;
    const step = producer && factorOf(producer);
    if (!step) return { value: at, factor, ops };
    ops.push(producer);
    at = step.value;
    factor *= step.factor;
  }
}

function factorOf(at: Op): { readonly value: Value; readonly factor: number } | undefined {
  if (at.def !== mul && at.def !== div) return undefined;
  const [a, b] = at.operands as [Value, Value];
  const right = constantTensor(b);
  const [plain, number] = right ? [a, uniform(right)] : at.def === mul ? [b, uniform(constantTensor(a) ?? NOTHING)] : [a, undefined];
  if (number === undefined || !equalTypes(plain.type, at.result.type)) return undefined;
  return { value: plain, factor: at.def === mul ? number : 1 / number };
}

function isLastAxis(soft: Op): boolean {
  return soft.attrs["axis"] === -1 || soft.attrs["axis"] === soft.result.type.shape.length - 1;
}

function sameBatch(a: Value, b: Value): boolean {
  const rank = a.type.shape.length;
  return rank >= 3 && rank <= 4 && rank === b.type.shape.length && equalShapes(a.type.shape.slice(0, -2), b.type.shape.slice(0, -2));
}

/** A batch of matrices as one batch of heads. */
function ofRankFour(matrices: Value, b: Builder): Value {
  const shape = matrices.type.shape as readonly number[];
  return shape.length === 4 ? matrices : b.create(reshape, { x: matrices }, { shape: [1, ...shape] });
}
