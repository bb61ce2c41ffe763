import { add, mod } from "../../../ir/ops/arithmetic.ts";
import { scatterElements } from "../../../ir/ops/scatter.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, range, reshapeTo } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const TENSOR_SCATTER: OperatorTable = {
  TensorScatter: since(24, importTensorScatter),
};

/** A cache with new rows written at each batch's own place; where it is circular, what runs over its end goes on at its start. */
function importTensorScatter(c: NodeContext): Value {
  const [x, updates] = [c.need(0, "past_cache"), c.need(1, "update")];
  const rank = rankOf(x);
  const axis = c.axis(c.int("axis", -2), rank);
  const circular = c.word("mode", ["linear", "circular"]) === "circular";
  if (rankOf(updates) !== rank || axis === 0) c.fail(`writes an update of rank ${rankOf(updates)} along axis ${axis} of a cache of rank ${rank}`);
  const count = shapeOf(updates)[axis]!;
  c.budget(count);
  const along = (at: number, extent: number): number[] => range(rank).map((a) => (a === at ? extent : 1));
  const rows = c.value(tensor("i64", along(axis, count), range(count)));
  const starts = c.operand(2);
  const shifted = starts ? c.b.create(add, { a: reshapeTo(c.b, castTo(c.b, starts, "i64"), along(0, shapeOf(starts)[0]!)), b: rows }) : rows;
  const places = circular ? c.b.create(mod, { a: shifted, b: c.scalar("i64", shapeOf(x)[axis]!) }) : shifted;
  return c.b.create(scatterElements, { x, indices: broadcastTo(c.b, places, shapeOf(updates)), updates }, { axis });
}
