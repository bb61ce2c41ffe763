import { shapeText } from "../../../ir/broadcast.ts";
import { add, max, sub } from "../../../ir/ops/arithmetic.ts";
import { attention } from "../../../ir/ops/attention.ts";
import { greaterEqual, less, lessEqual } from "../../../ir/ops/comparison.ts";
import { gather, gatherNd } from "../../../ir/ops/gather.ts";
import { and, select } from "../../../ir/ops/logic.ts";
import { concat, pad } from "../../../ir/ops/movement.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, range, reshapeTo, sliceAxis, transposeBy } from "../rearrange.ts";
import { dimOf, equalDims } from "../../../ir/dims.ts";
import { extentAt, rankOf } from "../static-shape.ts";
import { joinHeads } from "./head-layout.ts";
import { extentValue, positions } from "./positions.ts";
import { rotated } from "./rotary.ts";
import { since, type OperatorTable } from "./table.ts";

/** Attention of decoders: a cache of keys and values that several query heads share, causal, each sequence as long as it says. */
export const MICROSOFT_GROUPED: OperatorTable = {
  GroupQueryAttention: since(1, importGroupQueryAttention),
};

const NOT_YET = { awsName: "OperatorAttributeNotImplemented" } as const;

function importGroupQueryAttention(c: NodeContext): readonly (Value | undefined)[] {
  refuseOthers(c);
  const { q, k, v, past } = inputs(c);
  const [keys, values] = [present(c, k, c.operand(3), past), present(c, v, c.operand(4), past)];
  const y = past.isPrompt ? attend(c, q, heads(c, k), heads(c, v), past) : attend(c, q, keys, values, past);
  return [joinHeads(c.b, y), keys, values];
}

/** Quantised caches and what only other machines have. */
function refuseOthers(c: NodeContext): void {
  const texts = ["k_quant_type", "v_quant_type"].filter((name) => c.text(name, "NONE") !== "NONE");
  const numbers = ["qk_output", "qk_norm", "kv_cache_bit_width"].filter((name) => c.int(name, 0) !== 0);
  const found = [...texts, ...numbers];
  if (found.length > 0) c.fail(`has ${found.join(", ")}`, NOT_YET);
  if (c.wants(3)) c.fail("gives its scores (output output_qk)", NOT_YET);
  if (c.operand(12) || c.operand(13)) c.fail("has a quantised cache (k_scale, v_scale)", NOT_YET);
}

/** What stands in front of the new keys. */
interface Past {
  /** Elements of the cache in each sequence: [B,1,1,1] of i64. */
  readonly lengths: Value;
  /** Nothing stands in front, in any of them. */
  readonly isPrompt: boolean;
  /** Positions of the cache that was given, and of the one that comes out. */
  readonly given: Dim;
  readonly kept: Dim;
}

interface Inputs {
  /** [B,N,S,H] */
  readonly q: Value;
  /** [B,S,Nkv,H] */
  readonly k: Value;
  readonly v: Value;
  readonly past: Past;
}

/** Queries, keys and values, rotated; packed in one tensor where there are no keys. */
function inputs(c: NodeContext): Inputs {
  const [count, shared] = [c.required("num_heads", c.int("num_heads")), c.required("kv_num_heads", c.int("kv_num_heads"))];
  const [query, key, value] = [c.need(0, "query"), c.operand(1), c.operand(2)];
  const [batch, length] = query.type.shape as readonly [Dim, Dim];
  const width = rankOf(query) === 3 ? extentAt(query, 2) : undefined;
  const size = (width ?? c.fail("has a query that is not of rank 3")) / (key ? count : count + 2 * shared);
  if (count < 1 || shared < 1 || count % shared !== 0 || !Number.isInteger(size))
    c.fail(`has num_heads ${count} and kv_num_heads ${shared} for ${width} elements`, { awsName: "OperatorAttributeValueNotValid" });
  const part = (x: Value, start: number, n: number): Value => reshapeTo(c.b, sliceAxis(c.b, x, 2, start * size, n * size), [batch, length, n, size]);
  const past = readPast(c, batch, length);
  const q = part(query, 0, count);
  const k = key ? part(key, 0, shared) : part(query, count, shared);
  const v = key ? part(value ?? c.fail("has no value"), 0, shared) : part(query, count + shared, shared);
  if (!c.flag("do_rotary", false)) return { q: heads(c, q), k, v, past };
  const at = positions(c, [1, length], length);
  const ids = castTo(c.b, c.operand(9) ?? c.b.create(add, { a: reshapeTo(c.b, past.lengths, [batch, 1]), b: at }), "i64");
  const angles = { cos: c.need(7, "cos_cache"), sin: c.need(8, "sin_cache"), ids: broadcastTo(c.b, ids, [batch, length]) };
  const turn = { width: 2 * extentAt(angles.cos, -1)!, interleaved: c.flag("rotary_interleaved", false) };
  return { q: heads(c, rotated(c, q, angles, turn)), k: rotated(c, k, angles, turn), v, past };
}

function heads(c: NodeContext, x: Value): Value {
  return transposeBy(c.b, x, [0, 2, 1, 3]);
}

/** A total that is no length is taken for the cache and what is new: ONNX Runtime learns the length of its result from it. */
function readPast(c: NodeContext, batch: Dim, length: Dim): Past {
  const given = c.operand(3)?.type.shape[2] ?? 0;
  const total = c.operand(6);
  const known = total && c.dimsIn(total)?.[0];
  const wanted = known ?? dimOf("add", given, length);
  const ends = reshapeTo(c.b, castTo(c.b, c.need(5, "seqlens_k"), "i64"), [batch, 1, 1, 1]);
  const isPrompt = given === 0 || (known !== undefined && equalDims(wanted, length));
  const zero = c.scalar("i64", 0);
  const newest = c.b.create(sub, { a: extentValue(c, length), b: c.scalar("i64", 1) });
  const before = c.b.create(max, { a: c.b.create(sub, { a: ends, b: newest }), b: zero });
  const kept = dimOf("max", dimOf("max", given, wanted), length);
  return { lengths: isPrompt ? broadcastTo(c.b, zero, [batch, 1, 1, 1]) : before, isPrompt, given, kept };
}

/** The cache with what is new behind the end of each sequence, then zeros: [B,Nkv,T,H]. */
function present(c: NodeContext, now: Value, cache: Value | undefined, past: Past): Value {
  const fresh = heads(c, now);
  const [batch, , length] = fresh.type.shape as readonly [Dim, Dim, Dim];
  const [count, size] = [extentAt(fresh, 1)!, extentAt(fresh, 3)!];
  if (past.isPrompt || !cache) {
    const behind = dimOf("sub", past.kept, length);
    if (behind === 0) return fresh;
    if (typeof behind === "number") return c.b.create(pad, { x: fresh }, { low: [0, 0, 0, 0], high: [0, 0, behind, 0] });
    return c.b.create(concat, { xs: [fresh, broadcastTo(c.b, c.scalar(fresh.type.dtype, 0), [batch, count, behind, size])] }, { axis: 2 });
  }
  const known = c.constant(past.lengths);
  if (known && equalDims(past.kept, dimOf("add", past.given, length)) && Array.from(known.data as BigInt64Array).every((n) => Number(n) === past.given))
    return c.b.create(concat, { xs: [cache, fresh] }, { axis: 2 });
  const nothing = broadcastTo(c.b, c.scalar(fresh.type.dtype, 0), [batch, count, 1, size]);
  const all = c.b.create(concat, { xs: [castTo(c.b, cache, fresh.type.dtype), fresh, nothing] }, { axis: 2 });
  const plus = (a: Value, b: Value): Value => c.b.create(add, { a, b });
  const at = positions(c, [1, 1, past.kept], past.kept);
  const start = reshapeTo(c.b, past.lengths, [batch, 1, 1]);
  const end = plus(start, extentValue(c, length));
  const source = plus(c.b.create(sub, { a: at, b: start }), extentValue(c, past.given));
  const isNew = c.b.create(less, { a: at, b: end });
  const last = extentValue(c, dimOf("add", past.given, length));
  const inside = c.b.create(select, { condition: isNew, a: source, b: last });
  const place = c.b.create(select, { condition: c.b.create(less, { a: at, b: start }), a: at, b: inside });
  return slicesAt(c, all, place, { batch, count, kept: past.kept, size });
}

interface Slices {
  readonly batch: Dim;
  readonly count: number;
  readonly kept: Dim;
  readonly size: number;
}

/** Of x[B,N,R,H] the rows at places[B,1,T]: [B,N,T,H]. */
function slicesAt(c: NodeContext, x: Value, places: Value, { batch, count, kept, size }: Slices): Value {
  const rows = x.type.shape[2]!;
  if (typeof batch !== "number" || typeof kept !== "number" || typeof rows !== "number") {
    const indices = reshapeTo(c.b, broadcastTo(c.b, places, [batch, count, kept]), [batch, count, kept, 1]);
    return c.b.create(gatherNd, { x, indices }, { batchDims: 2 });
  }
  c.budget(kept + batch * count);
  const bases = c.value(
    tensor(
      "i64",
      [batch, count, 1],
      range(batch * count).map((i) => i * rows),
    ),
  );
  const indices = c.b.create(add, { a: places, b: bases });
  return c.b.create(gather, { x: reshapeTo(c.b, x, [batch * count * rows, size]), indices }, { axis: 0 });
}

/** Query s sees keys up to its own position, and with a window no further back than that many. */
function attend(c: NodeContext, q: Value, k: Value, v: Value, past: Past): Value {
  const softcap = c.float("softcap", 0);
  const attrs = { scale: c.float("scale", 0), softcap };
  const window = c.int("local_window_size", -1);
  const bias = c.operand(10);
  const sink = sinkOf(c, extentAt(q, 1)!);
  if (past.isPrompt && window <= 0 && !bias && !sink) return c.b.create(attention, { q, k, v }, { ...attrs, causal: true });
  const [queries, keys] = [q.type.shape[2]!, k.type.shape[2]!];
  const own = c.b.create(add, { a: past.lengths, b: positions(c, [1, 1, queries, 1], queries) });
  const at = positions(c, [1, 1, 1, keys], keys);
  const isPast = c.b.create(lessEqual, { a: at, b: own });
  const isNear = window > 0 && c.b.create(greaterEqual, { a: at, b: c.b.create(sub, { a: own, b: c.scalar("i64", window - 1) }) });
  const seen = isNear ? c.b.create(and, { a: isPast, b: isNear }) : isPast;
  if (!bias && !sink) return c.b.create(attention, { q, k, v, mask: seen }, attrs);
  const { dtype } = q.type;
  const mask = c.b.create(select, { condition: seen, a: bias ? fitted(c, bias, keys) : c.scalar(dtype, 0), b: c.scalar(dtype, -Infinity) });
  if (!sink) return c.b.create(attention, { q, k, v, mask }, attrs);
  return withSink(c, { q, k, v, mask }, sink, attrs);
}

/** A bias for fewer keys than there are says nothing of those behind. */
function fitted(c: NodeContext, bias: Value, keys: Dim): Value {
  const given = bias.type.shape[3]!;
  if (equalDims(given, keys)) return bias;
  const missing = dimOf("sub", keys, given);
  if (typeof missing !== "number" || typeof keys !== "number")
    return c.fail(`has a bias of ${shapeText(bias.type.shape)} for ${shapeText([keys])} keys, which agree only if a run says so`);
  if (missing <= 0) return sliceAxis(c.b, bias, 3, 0, keys);
  return c.b.create(pad, { x: bias }, { low: [0, 0, 0, 0], high: [0, 0, 0, missing] });
}

/** A logit that takes part in each softmax and has no value: one a head, or 0 where the softmax is only smooth. */
function sinkOf(c: NodeContext, count: number): Value | undefined {
  const isSmooth = c.flag("smooth_softmax", false);
  const given = c.operand(11);
  if (given) return reshapeTo(c.b, given, [1, count, 1, 1]);
  return isSmooth ? c.value(tensor(c.need(0, "query").type.dtype, [1, 1, 1, 1], [0])) : undefined;
}

interface Masked {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly mask: Value;
}

/** The sink as one more key of zeros, whose mask is the logit. */
function withSink(c: NodeContext, { q, k, v, mask }: Masked, sink: Value, attrs: { readonly scale: number; readonly softcap: number }): Value {
  const [batch, count, queries] = q.type.shape as readonly [Dim, Dim, Dim];
  const longer = (x: Value): Value => c.b.create(pad, { x }, { low: [0, 0, 0, 0], high: [0, 0, 1, 0] });
  const wide = broadcastTo(c.b, mask, [batch, count, queries, k.type.shape[2]!]);
  const column = broadcastTo(c.b, castTo(c.b, sink, mask.type.dtype), [batch, count, queries, 1]);
  return c.b.create(attention, { q, k: longer(k), v: longer(v), mask: c.b.create(concat, { xs: [wide, column] }, { axis: 3 }) }, attrs);
}
