import { mul } from "../../ir/ops/arithmetic.ts";
import { matmul } from "../../ir/ops/linear.ts";
import { constant } from "../../ir/ops/control.ts";
import { softmax } from "../../ir/ops/normalisation.ts";
import type { Value } from "../../ir/graph.ts";
import { tensor } from "../../ir/tensor.ts";
import { Unfit, type ControlNode } from "./control.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { broadcastTo, castTo, reshapeTo, transposeMatrix } from "./rearrange.ts";
import { rankOf, shapeOf } from "./static-shape.ts";

/** softmax(score_mod(Q K^T scale)) changed by prob_mod, times V: the two graphs of the node are laid open in between. */
export function importFlexAttention(c: ControlNode, s: Subgraphs): readonly Value[] {
  const { b } = s;
  const [q, k, v] = ["Q", "K", "V"].map((what, i) => {
    const value = c.operands[i];
    if (!value) throw new Unfit(`has no input ${what}`);
    if (rankOf(value) !== 4) throw new Unfit(`has an input ${what} of rank ${rankOf(value)}, wanted 4`);
    return value;
  }) as [Value, Value, Value];
  const known = new Set(["scale", "score_mod", "prob_mod", "softmax_precision"]);
  const unknown = c.node.attribute.find(({ name }) => !known.has(name ?? ""));
  if (unknown) throw new Unfit(`has attribute ${unknown.name}, which neo does not know`);
  const { dtype } = q.type;
  const work = dtype === "f64" ? "f64" : "f32";
  const heads = shapeOf(q)[1]!;
  if (heads % Math.max(1, shapeOf(k)[1]!) !== 0) throw new Unfit(`has ${heads} query heads for ${shapeOf(k)[1]} of keys`);
  const scale = c.node.attribute.find(({ name }) => name === "scale")?.f ?? 1 / Math.sqrt(shapeOf(q)[3]!);
  const factor = b.create(constant, {}, { value: tensor(dtype, [], [scale]) });
  const keys = transposeMatrix(b, shared(k, heads, s));
  const scores = changed("score_mod", b.create(mul, { a: b.create(matmul, { a: q, b: keys }), b: factor }), c, s);
  const weights = castTo(b, b.create(softmax, { x: castTo(b, scores, work) }, { axis: 3 }), dtype);
  return [b.create(matmul, { a: changed("prob_mod", weights, c, s), b: shared(v, heads, s) })];
}

/** What the graph of an attribute makes of x. */
function changed(attribute: string, x: Value, c: ControlNode, s: Subgraphs): Value {
  const graph = c.node.attribute.find(({ name }) => name === attribute)?.g;
  if (!graph) return x;
  const [y] = s.subgraph(graph, [x], c.place, `${c.name}/${attribute}/`);
  if (!y) throw new Unfit("");
  return y;
}

/** Heads of keys or values once for each query head that reads them. */
function shared(x: Value, heads: number, { b }: Subgraphs): Value {
  const [batch, own, length, width] = shapeOf(x) as [number, number, number, number];
  if (own === heads) return x;
  return reshapeTo(b, broadcastTo(b, reshapeTo(b, x, [batch, own, 1, length, width]), [batch, own, heads / own, length, width]), [batch, heads, length, width]);
}
