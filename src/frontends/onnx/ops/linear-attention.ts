import { add, exp, mul, sub } from "../../../ir/ops/arithmetic.ts";
import { Builder } from "../../../ir/builder.ts";
import { constant, returnOp } from "../../../ir/ops/control.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import { scan } from "../../../ir/ops/loop.ts";
import { concat } from "../../../ir/ops/movement.ts";
import { Graph, Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import { tensorType, type DType } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, product, reshapeTo, sliceAxis, transposeBy, unsqueezeAt } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const LINEAR_ATTENTION: OperatorTable = {
  LinearAttention: since(27, importLinearAttention),
};

/** Sequences up to this long become a chain of ops; longer ones a scan. */
const UNROLLED = 16;

/**
 * A state matrix a head, S = decay * S + key ⊗ what is new of value, read by the query at each step: LinearAttention-27 with its four
 * update rules. Computed in f32, as the specification says.
 */
function importLinearAttention(c: NodeContext): readonly Value[] {
  c.ignore("chunk_size");
  const rule = c.word("update_rule", ["gated_delta", "gated", "delta", "linear"]);
  const query = c.need(0, "query");
  const work: DType = query.type.dtype === "f64" ? "f64" : "f32";
  const groups = { q: c.required("q_num_heads", c.int("q_num_heads")), kv: c.required("kv_num_heads", c.int("kv_num_heads")) };
  if (groups.kv < 1 || groups.q % groups.kv !== 0) c.fail(`has ${groups.q} query heads for ${groups.kv} of keys`);
  // The first axis is time, then batch and heads.
  const steps = (x: Value, heads: number): Value => {
    if (rankOf(x) !== 3) c.fail(`has an input of rank ${rankOf(x)}, wanted 3`, { reason: "rank", nearest: "an input of rank 3" });
    const [batch, length, width] = shapeOf(x) as [number, number, number];
    if (width % heads !== 0) c.fail(`has ${width} elements for ${heads} heads`);
    return transposeBy(c.b, castTo(c.b, reshapeTo(c.b, x, [batch, length, heads, width / heads]), work), [1, 0, 2, 3]);
  };
  const [q, k, v] = [steps(query, groups.q), steps(c.need(1, "key"), groups.kv), steps(c.need(2, "value"), groups.kv)];
  const [length, batch, , keyWidth] = shapeOf(q) as [number, number, number, number];
  const valueWidth = shapeOf(v)[3]!;
  const decay = rule.startsWith("gated") ? steps(c.need(4, "decay"), groups.kv) : undefined;
  const given = rule.endsWith("delta") ? c.need(5, "beta") : undefined;
  const beta = given && steps(given, shapeOf(given)[2] === 1 ? 1 : groups.kv);
  const stateShape = [batch, groups.kv, keyWidth, valueWidth];
  const past = c.operand(3);
  const start = past ? castTo(c.b, past, work) : c.value(tensor(work, stateShape, new Float64Array(product(stateShape))));
  const scale = c.float("scale", 0) || 1 / Math.sqrt(keyWidth);
  const step: Step = (b, state, slices) => oneStep(b, state, slices, scale, groups.q / groups.kv);
  const run = length <= UNROLLED ? unrolled : scanned;
  const { state, rows } = run(c, step, start, { q, k, v, decay, beta }, [batch, groups.q, valueWidth]);
  const y = reshapeTo(c.b, transposeBy(c.b, rows, [1, 0, 2, 3]), [batch, length, groups.q * valueWidth]);
  return [castTo(c.b, y, query.type.dtype), castTo(c.b, state, query.type.dtype)];
}

interface Slices {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly decay: Value | undefined;
  readonly beta: Value | undefined;
}

interface Stepped {
  readonly state: Value;
  readonly row: Value;
}

type Step = (b: Builder, state: Value, slices: Slices) => Stepped;

/** State of [B,H,K,V]; slices of [B,H,width]. */
function oneStep(b: Builder, before: Value, { q, k, v, decay, beta }: Slices, scale: number, group: number): Stepped {
  const decayed = decay ? b.create(mul, { a: before, b: unsqueezeAt(b, b.create(exp, { x: decay }), [3]) }) : before;
  const added = beta ? b.create(mul, { a: beta, b: b.create(sub, { a: v, b: rowOf(b, k, decayed) }) }) : v;
  const outer = b.create(mul, { a: unsqueezeAt(b, k, [3]), b: unsqueezeAt(b, added, [2]) });
  const state = b.create(add, { a: decayed, b: outer });
  const [batch, heads, width, valueWidth] = shapeOf(state) as [number, number, number, number];
  const shared = broadcastTo(b, unsqueezeAt(b, state, [2]), [batch, heads, group, width, valueWidth]);
  const row = rowOf(b, q, reshapeTo(b, shared, [batch, heads * group, width, valueWidth]));
  return { state, row: b.create(mul, { a: row, b: b.create(constant, {}, { value: tensor(row.type.dtype, [], [scale]) }) }) };
}

/** vector of [B,H,K] times matrix of [B,H,K,V]. */
function rowOf(b: Builder, vector: Value, matrix: Value): Value {
  const [batch, heads, , width] = shapeOf(matrix) as [number, number, number, number];
  return reshapeTo(b, b.create(matmul, { a: unsqueezeAt(b, vector, [2]), b: matrix }), [batch, heads, width]);
}

type Run = (c: NodeContext, step: Step, start: Value, all: Slices, row: readonly number[]) => { readonly state: Value; readonly rows: Value };

const unrolled: Run = (c, step, start, all, row) => {
  const length = shapeOf(all.q)[0]!;
  const at = (x: Value, i: number): Value => reshapeTo(c.b, sliceAxis(c.b, x, 0, i, 1), shapeOf(x).slice(1));
  let state = start;
  const rows: Value[] = [];
  for (let i = 0; i < length; i++) {
    const { q, k, v, decay, beta } = all;
    const done = step(c.b, state, { q: at(q, i), k: at(k, i), v: at(v, i), decay: decay && at(decay, i), beta: beta && at(beta, i) });
    state = done.state;
    rows.push(unsqueezeAt(c.b, done.row, [0]));
  }
  if (rows.length === 0) return { state, rows: c.value(tensor(start.type.dtype, [0, ...row], [])) };
  return { state, rows: rows.length === 1 ? rows[0]! : c.b.create(concat, { xs: rows }, { axis: 0 }) };
};

const scanned: Run = (c, step, start, all) => {
  const { q, k, v, decay, beta } = all;
  const over = [q, k, v, decay, beta].filter((x) => x !== undefined);
  const params = over.map((x, i) => new Value(tensorType(x.type.dtype, shapeOf(x).slice(1)), `x${i}`));
  const before = new Value(start.type, "state");
  const body = new Graph("step", [before, ...params]);
  const b = new Builder(body.ops);
  const paramOf = (x: Value | undefined): Value | undefined => x && params[over.indexOf(x)];
  const done = step(b, before, { q: params[0]!, k: params[1]!, v: params[2]!, decay: paramOf(decay), beta: paramOf(beta) });
  b.create(returnOp, { values: [done.state, done.row] });
  const [state, rows] = c.b.createAll(scan, { values: [start, ...over] }, { carried: 1 }, [body]);
  return { state: state!, rows: rows! };
};
