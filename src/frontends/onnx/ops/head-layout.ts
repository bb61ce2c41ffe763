import type { Builder } from "../../../ir/builder.ts";
import type { Value } from "../../../ir/graph.ts";
import { reshapeTo, transposeBy } from "../rearrange.ts";
import { shapeOf } from "../static-shape.ts";

/** [B,S,count*H] as [B,count,S,H]. */
export function splitHeads(b: Builder, x: Value, count: number): Value {
  const [batch, length, width] = shapeOf(x) as [number, number, number];
  return transposeBy(b, reshapeTo(b, x, [batch, length, count, width / count]), [0, 2, 1, 3]);
}

/** [B,N,S,H] as [B,S,N*H]. */
export function joinHeads(b: Builder, y: Value): Value {
  const [batch, count, length, width] = shapeOf(y) as [number, number, number, number];
  return reshapeTo(b, transposeBy(b, y, [0, 2, 1, 3]), [batch, length, count * width]);
}
