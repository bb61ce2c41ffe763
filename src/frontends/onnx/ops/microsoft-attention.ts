import { shapeText } from "../../../ir/broadcast.ts";
import { dimOf, equalDims } from "../../../ir/dims.ts";
import { add } from "../../../ir/ops/arithmetic.ts";
import { attention } from "../../../ir/ops/attention.ts";
import { greater, greaterEqual, less, lessEqual } from "../../../ir/ops/comparison.ts";
import { and, select } from "../../../ir/ops/logic.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import { concat } from "../../../ir/ops/movement.ts";
import type { Value } from "../../../ir/graph.ts";
import { equalShapes, type Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { castTo, reshapeTo, sliceAxis, transposeBy, unsqueezeAt } from "../rearrange.ts";
import { extentAt, rankOf } from "../static-shape.ts";
import { joinHeads, splitHeads } from "./head-layout.ts";
import { integerProduct } from "./microsoft-integer.ts";
import { extentValue, positions } from "./positions.ts";
import { since, type OperatorTable } from "./table.ts";

/** Attention of com.microsoft over projections made here or before, all heads alike. */
export const MICROSOFT_ATTENTION: OperatorTable = {
  Attention: since(1, importAttention),
  MultiHeadAttention: since(1, importMultiHeadAttention),
  QAttention: since(1, importQAttention),
};

/** q[B,N,S,H], k[B,N,T,H] and v[B,N,T,Hv]. */
interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Input and one product for all of q, k and v; past and present are stacked: [2,B,N,P,H]. */
function importAttention(c: NodeContext): readonly (Value | undefined)[] {
  refuseShared(c, 6);
  const x = c.need(0, "input");
  const bias = c.operand(2);
  const projected = c.b.create(matmul, { a: x, b: c.need(1, "weights") });
  const all = bias ? c.b.create(add, { a: projected, b: bias }) : projected;
  return stacked(c, all, c.ints("qkv_hidden_sizes"), { mask: c.operand(3), past: c.operand(4), bias: c.operand(5) });
}

/** Attention whose product is one of integers; scales are one a tensor, or for the weights one a column. */
function importQAttention(c: NodeContext): readonly (Value | undefined)[] {
  refuseShared(c, 9);
  const scales = { a: c.need(3, "input_scale"), b: c.need(4, "weight_scale") };
  const all = integerProduct(c, c.need(0, "input"), c.need(1, "weight"), scales, { a: c.operand(6), b: c.operand(7) }, c.need(2, "bias"));
  return stacked(c, all, undefined, { mask: c.operand(5), past: c.operand(8), bias: undefined });
}

interface Beside {
  readonly mask: Value | undefined;
  readonly past: Value | undefined;
  readonly bias: Value | undefined;
}

function stacked(c: NodeContext, all: Value, sizes: readonly number[] | undefined, { mask, past, bias }: Beside): readonly (Value | undefined)[] {
  const total = extentAt(all, 2) ?? c.fail("has an input that is not of rank 3");
  const [dq, dk, dv] = sizes ?? [total / 3, total / 3, total / 3];
  if (dq === undefined || dk !== dq || dv === undefined || dq + dk + dv !== total)
    return c.fail(`has qkv_hidden_sizes ${[dq, dk, dv].join(", ")} for ${total} columns`, { awsName: "OperatorAttributeValueNotValid" });
  const count = headCount(c, [dq, dv]);
  const part = (start: number, size: number): Value => splitHeads(c.b, sliceAxis(c.b, all, 2, start, size), count);
  const [q, newK, newV] = [part(0, dq), part(dq, dk), part(dq + dk, dv)];
  const [pastK, pastV] = [0, 1].map((i) => past && reshapeTo(c.b, sliceAxis(c.b, past, 0, i, 1), past.type.shape.slice(1)));
  const [k, v] = [appended(c, pastK, newK), appended(c, pastV, newV)];
  const y = joinHeads(c.b, attend(c, { q, k, v }, mask, bias));
  return c.wants(1) ? [y, c.b.create(concat, { xs: [unsqueezeAt(c.b, k, [0]), unsqueezeAt(c.b, v, [0])] }, { axis: 0 })] : [y];
}

/** Buffers longer than what they hold, and rotation inside, are for kernels of other machines. */
function refuseShared(c: NodeContext, lengthAt: number): void {
  c.ignore("rotary_embedding_dim");
  if (c.flag("past_present_share_buffer", false) || c.operand(lengthAt)) c.fail("shares one buffer between past and present", NOT_YET);
  if (c.flag("do_rotary", false)) c.fail("rotates its heads (do_rotary)", NOT_YET);
}

const NOT_YET = { awsName: "OperatorAttributeNotImplemented" } as const;

function headCount(c: NodeContext, widths: readonly number[]): number {
  const count = c.required("num_heads", c.int("num_heads"));
  if (count < 1 || widths.some((width) => width % count !== 0)) c.fail(`has num_heads ${count} for ${widths.join(" and ")} elements`);
  return count;
}

function appended(c: NodeContext, past: Value | undefined, now: Value): Value {
  return past && past.type.shape[2] !== 0 ? c.b.create(concat, { xs: [past, now] }, { axis: 2 }) : now;
}

/** q, k and v apart, or packed ([B,S,N,3,H], [B,L,N,2,H]), or k and v by heads already ([B,N,L,H]). */
function importMultiHeadAttention(c: NodeContext): readonly (Value | undefined)[] {
  if (c.operand(8) || c.operand(9)) c.fail("shares one buffer between past and present (past_sequence_length, cache_indirection)", NOT_YET);
  const { q, k: newK, v: newV } = multiHeads(c);
  const [k, v] = [appended(c, c.operand(6), newK), appended(c, c.operand(7), newV)];
  if (c.wants(3)) c.fail("gives its scores (output qk)", NOT_YET);
  return [joinHeads(c.b, attend(c, { q, k, v }, c.operand(4), c.operand(5))), k, v];
}

function multiHeads(c: NodeContext): Heads {
  const [query, key, value, bias] = [c.need(0, "query"), c.operand(1), c.operand(2), c.operand(3)];
  if (rankOf(query) === 5) return packedHeads(c, query, ["q", "k", "v"], bias);
  const width =
    (rankOf(query) > 2 ? extentAt(query, 2) : undefined) ??
    c.fail(`has a query of rank ${rankOf(query)}, wanted 3 or 5`, { reason: "rank", nearest: "a query of rank 3 or 5" });
  const count = headCount(c, [width]);
  const biased = (x: Value, start: number): Value => (bias ? c.b.create(add, { a: x, b: sliceAxis(c.b, bias, 0, start, extentAt(x, 2)!) }) : x);
  const q = splitHeads(c.b, biased(query, 0), count);
  if (!key) return c.fail("has no key");
  if (rankOf(key) === 5) {
    const { k, v } = packedHeads(c, key, ["k", "v"], bias && sliceAxis(c.b, bias, 0, width, 2 * width));
    return { q, k, v };
  }
  if (!value) return c.fail("has no value");
  if (rankOf(key) === 4) return { q, k: key, v: value };
  const [keyWidth, valueWidth] = [extentAt(key, 2)!, extentAt(value, 2)!];
  headCount(c, [keyWidth, valueWidth]);
  return { q, k: splitHeads(c.b, biased(key, width), count), v: splitHeads(c.b, biased(value, width + keyWidth), count) };
}

/** [B,S,N,parts,H] as one [B,N,S,H] a part; the bias has the parts one behind the other. */
function packedHeads<P extends string>(c: NodeContext, x: Value, parts: readonly P[], bias: Value | undefined): Heads & Record<P, Value> {
  const [batch, length] = x.type.shape as readonly [Dim, Dim];
  const [count, found, width] = [2, 3, 4].map((axis) => extentAt(x, axis)!) as [number, number, number];
  if (found !== parts.length || count !== c.required("num_heads", c.int("num_heads")))
    c.fail(`packs ${found} tensors of ${count} heads, wanted ${parts.length} of num_heads`);
  const added = bias && transposeBy(c.b, reshapeTo(c.b, bias, [parts.length, count, width]), [1, 0, 2]);
  const all = added ? c.b.create(add, { a: x, b: added }) : x;
  const named = parts.map((part, i) => {
    const one = reshapeTo(c.b, sliceAxis(c.b, all, 3, i, 1), [batch, length, count, width]);
    return [part, transposeBy(c.b, one, [0, 2, 1, 3])] as const;
  });
  return Object.fromEntries(named) as Heads & Record<P, Value>;
}

/** softmax(q * k^T * scale + mask + bias) * v. What a mask forbids is lowered by `mask_filter_value`, and not shut out. */
function attend(c: NodeContext, { q, k, v }: Heads, given: Value | undefined, bias: Value | undefined): Value {
  const [queries, keys] = [q.type.shape[2]!, k.type.shape[2]!];
  const filter = c.float("mask_filter_value", -10_000);
  const allowed = given && visible(c, given, { batch: q.type.shape[0]!, queries, keys });
  const { dtype } = q.type;
  const lowered = allowed && c.b.create(select, { condition: allowed, a: c.scalar(dtype, 0), b: c.scalar(dtype, filter) });
  const mask = lowered && bias ? c.b.create(add, { a: lowered, b: bias }) : (lowered ?? bias);
  const isCausal = c.flag("unidirectional", false);
  const scale = c.float("scale", 0);
  const offset = dimOf("sub", keys, queries);
  if (!isCausal || typeof offset === "number")
    return c.b.create(attention, { q, k, v, mask }, { scale, causal: isCausal, offset: typeof offset === "number" ? offset : 0 });
  const last = c.b.create(add, { a: positions(c, [queries, 1], queries), b: extentValue(c, offset) });
  const seen = c.b.create(lessEqual, { a: positions(c, [1, keys], keys), b: last });
  const both = mask ? c.b.create(select, { condition: seen, a: mask, b: c.scalar(dtype, -Infinity) }) : seen;
  return c.b.create(attention, { q, k, v, mask: both }, { scale });
}

interface Extents {
  readonly batch: Dim;
  readonly queries: Dim;
  readonly keys: Dim;
}

/** Where keys are seen: [B] ends of the sequences, [2B] ends and then beginnings, [B,T] or [B,S,T] element by element. */
function visible(c: NodeContext, mask: Value, { batch, queries, keys }: Extents): Value | undefined {
  const { shape } = mask.type;
  const at = positions(c, [1, 1, 1, keys], keys);
  const bound = (x: Value): Value => reshapeTo(c.b, castTo(c.b, x, "i64"), [batch, 1, 1, 1]);
  if (equalShapes(shape, [batch])) return c.b.create(less, { a: at, b: bound(mask) });
  if (equalShapes(shape, [dimOf("mul", batch, 2)])) {
    const apart = reshapeTo(c.b, mask, [2, batch]);
    const [ends, starts] = [0, 1].map((i) => bound(sliceAxis(c.b, apart, 0, i, 1))) as [Value, Value];
    return c.b.create(and, { a: c.b.create(less, { a: at, b: ends }), b: c.b.create(greaterEqual, { a: at, b: starts }) });
  }
  const isSet = (dims: readonly Dim[]): Value => c.b.create(greater, { a: reshapeTo(c.b, mask, dims), b: c.scalar(mask.type.dtype, 0) });
  if (equalShapes(shape, [batch, keys])) return isSet([batch, 1, 1, keys]);
  if (equalShapes(shape, [batch, queries, keys])) return isSet([batch, 1, queries, keys]);
  // One column where there are more keys stands for no mask.
  if (shape.length === 2 && (equalDims(shape[0]!, batch) || shape[0] === 1) && shape[1] === 1) return undefined;
  return c.fail(
    `has a mask of ${shapeText(shape)} for a batch of ${shapeText([batch])}, ${shapeText([queries])} queries and ${shapeText([keys])} keys`,
    NOT_YET,
  );
}
