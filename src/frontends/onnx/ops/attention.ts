import { shapeText } from "../../../ir/broadcast.ts";
import { dimOf, equalDims } from "../../../ir/dims.ts";
import { add, div, mul, sub, tanh } from "../../../ir/ops/arithmetic.ts";
import { attention } from "../../../ir/ops/attention.ts";
import { isNan, less, lessEqual } from "../../../ir/ops/comparison.ts";
import { and, select } from "../../../ir/ops/logic.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import { concat, pad } from "../../../ir/ops/movement.ts";
import { softmax } from "../../../ir/ops/normalisation.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, reshapeTo, transposeMatrix } from "../rearrange.ts";
import { extentAt, rankOf } from "../static-shape.ts";
import { joinHeads, splitHeads } from "./head-layout.ts";
import { extentValue, positions } from "./positions.ts";
import { since, type OperatorTable } from "./table.ts";

export const ATTENTION: OperatorTable = {
  Attention: since(23, importAttention),
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
  const attrs = { scale: c.float("scale") ?? 1 / Math.sqrt(extentAt(q, 3)!), softcap: c.float("softcap", 0) };
  const mode = c.int("qk_matmul_output_mode", 0);
  const causal = c.flag("is_causal", false);
  const before = past.k ? past.k.type.shape[2]! : 0;
  const lengths = c.operand(6);
  const given = givenMask(c, q, k);
  const inside = lengths ? both(c, within(c, q, k, lengths), given) : given;
  // With lengths, the last query of a sequence sees its last key; else the keys of the past come first.
  const isPlain = causal && !lengths && typeof before === "number";
  const mask = causal && !isPlain ? both(c, seen(c, q, k, lengths, before), inside) : inside;
  const y = c.b.create(attention, { q, k, v, mask }, { ...attrs, causal: isPlain, offset: isPlain ? before : 0 });
  const scores = c.wants(3) ? scoresAt(c, mode, q, k, isPlain ? both(c, seen(c, q, k, undefined, before), mask) : mask, attrs) : undefined;
  return [isFlat ? joinHeads(c.b, y) : y, k, v, scores];
}

/** [B,S,H*D] as [B,H,S,D]. */
function heads(c: NodeContext, x: Value, attribute: string): Value {
  if (rankOf(x) === 4) return x;
  if (rankOf(x) !== 3) c.fail(`has an input of rank ${rankOf(x)}, wanted 3 or 4`, { reason: "rank", nearest: "an input of rank 3 or 4" });
  const count = c.required(attribute, c.int(attribute));
  const width = extentAt(x, 2)!;
  if (count < 1 || width % count !== 0) c.fail(`has ${attribute} ${count} for ${width} elements`, { awsName: "OperatorAttributeValueNotValid" });
  return splitHeads(c.b, x, count);
}

function appended(c: NodeContext, past: Value | undefined, now: Value): Value {
  return past ? c.b.create(concat, { xs: [past, now] }, { axis: 2 }) : now;
}

/** The node's own mask; keys behind its end are masked. */
function givenMask(c: NodeContext, q: Value, k: Value): Value | undefined {
  const given = c.operand(3);
  if (!given) return undefined;
  const [keys, last] = [k.type.shape[2]!, given.type.shape.at(-1)!];
  const isBool = given.type.dtype === "bool";
  const mask = isBool ? given : castTo(c.b, given, q.type.dtype);
  if (last === 1 || equalDims(keys, last)) return mask;
  const missing = dimOf("sub", keys, last);
  if (typeof missing !== "number")
    return c.fail(`has a mask of ${shapeText(given.type.shape)} for ${shapeText([keys])} keys, which agree only if a run says so`);
  if (missing <= 0) return mask;
  const only = (n: number): number[] => mask.type.shape.map((_, axis) => (axis === rankOf(mask) - 1 ? n : 0));
  return c.b.create(pad, { x: mask }, { low: only(0), high: only(missing), value: isBool ? 0 : -Infinity });
}

/** Keys in front of the end of their sequence. */
function within(c: NodeContext, q: Value, k: Value, lengths: Value): Value {
  const columns = k.type.shape[2]!;
  return c.b.create(less, { a: positions(c, [1, 1, 1, columns], columns), b: reshapeTo(c.b, castTo(c.b, lengths, "i64"), [q.type.shape[0]!, 1, 1, 1]) });
}

/** Query i sees keys up to i + offset; with lengths, offset is what is left of a sequence in front of its queries. */
function seen(c: NodeContext, q: Value, k: Value, lengths: Value | undefined, offset: Dim): Value {
  const [batch, , rows] = q.type.shape as readonly [Dim, Dim, Dim];
  const columns = k.type.shape[2]!;
  const own = positions(c, [rows, 1], rows);
  const plus = (a: Value, b: Value): Value => c.b.create(add, { a, b });
  const limit = lengths
    ? c.b.create(sub, { a: plus(own, reshapeTo(c.b, castTo(c.b, lengths, "i64"), [batch, 1, 1, 1])), b: extentValue(c, rows) })
    : plus(own, extentValue(c, offset));
  return c.b.create(lessEqual, { a: positions(c, [1, columns], columns), b: limit });
}

function both(c: NodeContext, allowed: Value, mask: Value | undefined): Value {
  if (!mask) return allowed;
  if (mask.type.dtype === "bool") return c.b.create(and, { a: allowed, b: mask });
  return c.b.create(select, { condition: allowed, a: mask, b: c.scalar(mask.type.dtype, -Infinity) });
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
  const keys = transposeMatrix(c.b, repeated(c, k, extentAt(q, 1)!));
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
  const [batch, , length, width] = x.type.shape as readonly [Dim, Dim, Dim, Dim];
  const own = extentAt(x, 1)!;
  if (own === count) return x;
  const wide = broadcastTo(c.b, reshapeTo(c.b, x, [batch, own, 1, length, width]), [batch, own, count / own, length, width]);
  return reshapeTo(c.b, wide, [batch, count, length, width]);
}
