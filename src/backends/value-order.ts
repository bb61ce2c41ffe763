import type { Graph, Op, Value } from "../ir/graph.ts";
import { equalShapes } from "../ir/types.ts";

/**
 * True if `value`, or a reshape of it, is still to be read when `op` writes its result: by a later op, or by `op` itself, unless that
 * reads element i before it writes element i.
 */
export function outlives(graph: Graph, value: Value, op: Op): boolean {
  const at = graph.ops.indexOf(op);
  return viewsOf(value).some((view) =>
    [...view.uses].some((user) => {
      if (user.name === "reshape") return false;
      if (user !== op) return graph.ops.indexOf(user) > at;
      const inPlace = op.def.elementwise || op.name === "fused";
      return !(inPlace && op.results.every((result) => equalShapes(result.type.shape, view.type.shape)));
    }),
  );
}

/** The value and its reshapes, which may lie in its buffer. */
function viewsOf(value: Value): readonly Value[] {
  return [value, ...[...value.uses].filter((user) => user.name === "reshape").flatMap((user) => viewsOf(user.result))];
}
