import { bitcast } from "../../../ir/ops/bitcast.ts";
import type { NodeContext } from "../context.ts";
import type { Value } from "../../../ir/graph.ts";
import { castTo } from "../rearrange.ts";
import { since, type OperatorTable } from "./table.ts";

export const CONVERSION: OperatorTable = {
  BitCast: since(26, (c) => c.b.create(bitcast, { x: c.need(0, "input") }, { to: c.required("to", c.dtype("to")) })),
  Cast: importCast,
  CastLike: since(15, importCastLike),
};

function importCast(c: NodeContext): Value {
  // Both only matter for float8.
  c.ignore("saturate", "round_mode");
  return castTo(c.b, c.need(0, "input"), c.required("to", c.dtype("to")));
}

function importCastLike(c: NodeContext): Value {
  c.ignore("saturate", "round_mode");
  return castTo(c.b, c.need(0, "input"), c.need(1, "target_type").type.dtype);
}
