import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { range } from "../rearrange.ts";

/** from, from + 1, … as a constant of `shape`, which has `count` elements. */
export function positions(c: NodeContext, shape: readonly number[], count: number, from = 0): Value {
  c.budget(count);
  return c.value(
    tensor(
      "i64",
      shape,
      range(count).map((i) => i + from),
    ),
  );
}
