import type { Builder } from "../../../ir/builder.ts";
import { dimOf } from "../../../ir/dims.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Dim } from "../../../ir/types.ts";
import { reshapeTo, transposeBy } from "../rearrange.ts";

/** [B,S,count*H] as [B,count,S,H]. */
export function splitHeads(b: Builder, x: Value, count: number): Value {
  const [batch, length, width] = x.type.shape as readonly [Dim, Dim, Dim];
  return transposeBy(b, reshapeTo(b, x, [batch, length, count, dimOf("floorDiv", width, count)]), [0, 2, 1, 3]);
}

/** [B,N,S,H] as [B,S,N*H]. */
export function joinHeads(b: Builder, y: Value): Value {
  const [batch, count, length, width] = y.type.shape as readonly [Dim, Dim, Dim, Dim];
  return reshapeTo(b, transposeBy(b, y, [0, 2, 1, 3]), [batch, length, dimOf("mul", count, width)]);
}
