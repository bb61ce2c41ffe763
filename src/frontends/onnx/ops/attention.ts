import { add, div, mul, sub, tanh } from "../../../ir/ops/arithmetic.ts";
import { attention } from "../../../ir/ops/attention.ts";
import { isNan, less, lessEqual } from "../../../ir/ops/comparison.ts";
import { and, select } from "../../../ir/ops/logic.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import { concat, pad, slice } from "../../../ir/ops/movement.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { softmax } from "../../../ir/ops/normalisation.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, range, reshapeTo, sliceAxis, transposeBy, transposeMatrix, unsqueezeAt } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const ATTENTION: OperatorTable = {
  Attention: since(23, importAttention),
  RotaryEmbedding: since(23, (c) => rotary(c, c.need(0, "X"), c.need(1, "cos_cache"), c.need(2, "sin_cache"), c.operand(3))),
};

export const MICROSOFT_ATTENTION: OperatorTable = {
  RotaryEmbedding: since(1, importMicrosoftRotaryEmbedding),
};

/** Attention-23 and -24: softmax(softcap(Q * K^T * scale) + mask) * V, heads in an axis of their own or in the last one. */
function importAttention(c: NodeContext): readonly (Value | undefined)[] {
  // Softmax is as precise as what it is computed in allows.
  c.ignore("softmax_precision", "q_num_heads", "kv_num_heads");
  const isFlat = rankOf(c.need(0, "Q")) === 3;
  const q = heads(c, c.need(0, "Q"), "q_num_heads");
  const past = { k: c.operand(4), v: c.operand(5) };
  const k = appended(c, past.k, heads(c, c.need(1, "K"), "kv_num_heads"));
  const v = appended(c, past.v, heads(c, c.need(2, "V"), "kv_num_heads"));
  const attrs = { scale: c.float("scale") ?? 1 / Math.sqrt(shapeOf(q)[3]!), softcap: c.float("softcap", 0) };
  const mode = c.int("qk_matmul_output_mode", 0);
  const causal = c.flag("is_causal", false);
  const offset = past.k ? shapeOf(past.k)[2]! : 0;
  const lengths = c.operand(6);
  const given = givenMask(c, q, k);
  const inside = lengths ? both(c, within(c, q, k, lengths), given) : given;
  // With lengths, the last query of a sequence sees its last key; else the keys of the past come first.
  const mask = causal && lengths ? both(c, seen(c, q, k, lengths), inside) : inside;
  const y = c.b.create(attention, { q, k, v, mask }, { ...attrs, causal: causal && !lengths, offset });
  const scores = c.wants(3) ? scoresAt(c, mode, q, k, causal && !lengths ? both(c, seen(c, q, k, undefined, offset), mask) : mask, attrs) : undefined;
  return [isFlat ? joined(c, y) : y, k, v, scores];
}

/** [B,S,H*D] as [B,H,S,D]. */
function heads(c: NodeContext, x: Value, attribute: string): Value {
  if (rankOf(x) === 4) return x;
  if (rankOf(x) !== 3) c.fail(`has an input of rank ${rankOf(x)}, wanted 3 or 4`);
  const count = c.required(attribute, c.int(attribute));
  const [batch, length, width] = shapeOf(x) as [number, number, number];
  if (count < 1 || width % count !== 0) c.fail(`has ${attribute} ${count} for ${width} elements`, { awsName: "OperatorAttributeValueNotValid" });
  return transposeBy(c.b, reshapeTo(c.b, x, [batch, length, count, width / count]), [0, 2, 1, 3]);
}

function joined(c: NodeContext, y: Value): Value {
  const [batch, count, length, width] = shapeOf(y) as [number, number, number, number];
  return reshapeTo(c.b, transposeBy(c.b, y, [0, 2, 1, 3]), [batch, length, count * width]);
}

function appended(c: NodeContext, past: Value | undefined, now: Value): Value {
  return past ? c.b.create(concat, { xs: [past, now] }, { axis: 2 }) : now;
}

/** The node's own mask; keys behind its end are masked. */
function givenMask(c: NodeContext, q: Value, k: Value): Value | undefined {
  const given = c.operand(3);
  if (!given) return undefined;
  const missing = shapeOf(k)[2]! - shapeOf(given).at(-1)!;
  const isBool = given.type.dtype === "bool";
  const mask = isBool ? given : castTo(c.b, given, q.type.dtype);
  if (missing <= 0 || shapeOf(given).at(-1) === 1) return mask;
  const only = (n: number): number[] => shapeOf(mask).map((_, axis) => (axis === rankOf(mask) - 1 ? n : 0));
  return c.b.create(pad, { x: mask }, { low: only(0), high: only(missing), value: isBool ? 0 : -Infinity });
}

/** Keys in front of the end of their sequence. */
function within(c: NodeContext, q: Value, k: Value, lengths: Value): Value {
  const columns = shapeOf(k)[2]!;
  return c.b.create(less, { a: positions(c, [1, 1, 1, columns], columns), b: reshapeTo(c.b, castTo(c.b, lengths, "i64"), [shapeOf(q)[0]!, 1, 1, 1]) });
}

/** Query i sees keys up to i + offset; with lengths, offset is what is left of a sequence in front of its queries. */
function seen(c: NodeContext, q: Value, k: Value, lengths: Value | undefined, offset = 0): Value {
  const [batch, , rows] = shapeOf(q) as [number, number, number];
  const columns = shapeOf(k)[2]!;
  const last = positions(c, [rows, 1], rows, lengths ? -rows : offset);
  const limit = lengths ? c.b.create(add, { a: last, b: reshapeTo(c.b, castTo(c.b, lengths, "i64"), [batch, 1, 1, 1]) }) : last;
  return c.b.create(lessEqual, { a: positions(c, [1, columns], columns), b: limit });
}

function both(c: NodeContext, allowed: Value, mask: Value | undefined): Value {
  if (!mask) return allowed;
  if (mask.type.dtype === "bool") return c.b.create(and, { a: allowed, b: mask });
  return c.b.create(select, { condition: allowed, a: mask, b: c.scalar(mask.type.dtype, -Infinity) });
}

function positions(c: NodeContext, shape: readonly number[], count: number, from = 0): Value {
  c.budget(count);
  return c.value(
    tensor(
      "i64",
      shape,
      range(count).map((i) => i + from),
    ),
  );
}

/** The score matrix op by op: raw, soft-capped, masked, or behind the softmax, where what sees nothing is 0. */
function scoresAt(
  c: NodeContext,
  mode: number,
  q: Value,
  k: Value,
  mask: Value | undefined,
  { scale, softcap }: { readonly scale: number; readonly softcap: number },
): Value {
  const { dtype } = q.type;
  const keys = transposeMatrix(c.b, repeated(c, k, shapeOf(q)[1]!));
  const raw = c.b.create(mul, { a: c.b.create(matmul, { a: q, b: keys }), b: c.scalar(dtype, scale) });
  if (mode === 0) return raw;
  const cap = c.scalar(dtype, softcap);
  const capped = softcap > 0 ? c.b.create(mul, { a: c.b.create(tanh, { x: c.b.create(div, { a: raw, b: cap }) }), b: cap }) : raw;
  if (mode === 1) return capped;
  const masked = mask ? applied(c, capped, mask) : capped;
  if (mode === 2) return masked;
  const weights = c.b.create(softmax, { x: masked }, { axis: 3 });
  return c.b.create(select, { condition: c.b.create(isNan, { x: weights }), a: c.scalar(dtype, 0), b: weights });
}

function applied(c: NodeContext, scores: Value, mask: Value): Value {
  if (mask.type.dtype === "bool") return c.b.create(select, { condition: mask, a: scores, b: c.scalar(scores.type.dtype, -Infinity) });
  return c.b.create(add, { a: scores, b: mask });
}

/** Key and value heads that several query heads share, once for each. */
function repeated(c: NodeContext, x: Value, count: number): Value {
  const [batch, own, length, width] = shapeOf(x) as [number, number, number, number];
  if (own === count) return x;
  const wide = broadcastTo(c.b, reshapeTo(c.b, x, [batch, own, 1, length, width]), [batch, own, count / own, length, width]);
  return reshapeTo(c.b, wide, [batch, count, length, width]);
}

function importMicrosoftRotaryEmbedding(c: NodeContext): Value {
  if (c.flag("is_packed_batching", false) || c.float("scale", 1) !== 1) c.fail("packs its batch or scales", { awsName: "OperatorAttributeNotImplemented" });
  const x = c.need(0, "input");
  const [batch, length] = [shapeOf(x)[0]!, shapeOf(x)[rankOf(x) === 4 ? 2 : 1]!];
  const given = castTo(c.b, c.need(1, "position_ids"), "i64");
  // One number is the position of the first element.
  const ids = rankOf(given) === 1 ? broadcastTo(c.b, c.b.create(add, { a: positions(c, [1, length], length), b: given }), [batch, length]) : given;
  return rotary(c, x, c.need(2, "cos_cache"), c.need(3, "sin_cache"), ids);
}

/** Pairs of elements turned by an angle that grows with the position: halves of a head, or neighbours where `interleaved`. */
function rotary(c: NodeContext, input: Value, cosCache: Value, sinCache: Value, ids: Value | undefined): Value {
  const isFlat = rankOf(input) === 3;
  const width = c.int("rotary_embedding_dim", 0);
  const interleaved = c.flag("interleaved", false);
  const count = c.int("num_heads", 0);
  if (isFlat && count < 1) c.fail("lacks attribute num_heads", { awsName: "OperatorAttributeRequired" });
  const [batch, length] = shapeOf(input) as [number, number];
  // Heads stand behind the positions: [B,S,H,D].
  const x = isFlat ? reshapeTo(c.b, input, [batch, length, count, shapeOf(input)[2]! / count]) : transposeBy(c.b, input, [0, 2, 1, 3]);
  const size = shapeOf(x)[3]!;
  const turned = width || size;
  const [cos, sin] = [cosCache, sinCache].map((cache) => {
    const rows = ids ? c.b.create(gather, { x: cache, indices: ids }, { axis: 0 }) : cache;
    return unsqueezeAt(c.b, sliceAxis(c.b, rows, 2, 0, turned / 2), [2]);
  }) as [Value, Value];
  const [first, second] = halves(c, sliceAxis(c.b, x, 3, 0, turned), interleaved);
  const product = (a: Value, b: Value): Value => c.b.create(mul, { a, b });
  const real = c.b.create(sub, { a: product(first, cos), b: product(second, sin) });
  const imaginary = c.b.create(add, { a: product(first, sin), b: product(second, cos) });
  const pair = interleaved ? [real, imaginary].map((part) => unsqueezeAt(c.b, part, [4])) : [real, imaginary];
  const together = c.b.create(concat, { xs: pair }, { axis: interleaved ? 4 : 3 });
  const rotated = reshapeTo(c.b, together, [...shapeOf(x).slice(0, 3), turned]);
  const y = turned === size ? rotated : c.b.create(concat, { xs: [rotated, sliceAxis(c.b, x, 3, turned, size - turned)] }, { axis: 3 });
  return isFlat ? reshapeTo(c.b, y, shapeOf(input)) : transposeBy(c.b, y, [0, 2, 1, 3]);
}

function halves(c: NodeContext, x: Value, interleaved: boolean): readonly [Value, Value] {
  const shape = shapeOf(x);
  const half = shape[3]! / 2;
  if (!interleaved) return [sliceAxis(c.b, x, 3, 0, half), sliceAxis(c.b, x, 3, half, half)];
  const sizes = [...shape.slice(0, 3), half];
  const every = (start: number): Value => c.b.create(slice, { x }, { starts: [0, 0, 0, start], sizes, steps: [1, 1, 1, 2] });
  return [every(0), every(1)];
}
