import { countOf, equalDims } from "../../../ir/dims.ts";
import type { Value } from "../../../ir/graph.ts";
import { add } from "../../../ir/ops/arithmetic.ts";
import { shapeOf as extentsOf } from "../../../ir/ops/control.ts";
import { cumulative } from "../../../ir/ops/reduction.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, range, reshapeTo } from "../rearrange.ts";

/** from, from + 1, … as i64 of `shape`, which has `count` elements: a constant where that is a number. */
export function positions(c: NodeContext, shape: readonly Dim[], count: Dim, from = 0): Value {
  if (typeof count === "number" && shape.every((dim) => typeof dim === "number")) {
    c.budget(count);
    return c.value(
      tensor(
        "i64",
        shape,
        range(count).map((i) => i + from),
      ),
    );
  }
  if (!equalDims(countOf(shape), count)) c.fail("counts through a shape that has not so many elements");
  const counted = c.b.create(cumulative, { x: broadcastTo(c.b, c.scalar("i64", 1), [count]) }, { axis: 0, exclusive: true });
  return reshapeTo(c.b, from === 0 ? counted : c.b.create(add, { a: counted, b: c.scalar("i64", from) }), shape);
}

/** An extent as i64 of one axis: what a run says where it is open. */
export function extentValue(c: NodeContext, dim: Dim): Value {
  if (typeof dim === "number") return c.value(tensor("i64", [1], [dim]));
  return c.b.create(extentsOf, { x: broadcastTo(c.b, c.scalar("i64", 0), [dim]) });
}
