import type { Graph, Op, Value } from "../ir/graph.ts";
import { equalShapes } from "../ir/types.ts";

/**
 * True if `value`, or a reshape of it, is still to be read when `op` writes its result: by a later op, or by `op` itself, unless that
 * may write over it.
 */
export function outlives(graph: Graph, value: Value, op: Op): boolean {
  const at = graph.ops.indexOf(op);
  return viewsOf(value).some((view) =>
    [...view.uses].some((user) => {
      if (VIEWS.has(user.name)) return false;
      if (user !== op) return graph.ops.indexOf(user) > at;
      return !worksInPlace(op, view);
    }),
  );
}

/** Reads element i before it writes element i, or writes some elements of what is there already. */
function worksInPlace(op: Op, value: Value): boolean {
  if (op.def.elementwise || op.name === "fused") return op.results.every((result) => equalShapes(result.type.shape, value.type.shape));
  return SCATTERS.has(op.name) && op.operand("x") === value && op.operands.filter((operand) => operand === value).length === 1;
}

const SCATTERS: ReadonlySet<string> = new Set(["scatterNd", "scatterElements"]);

const VIEWS: ReadonlySet<string> = new Set(["reshape", "storageCast"]);

/** What the elements of `value` were made as: what it is a view of. */
export function viewedBy(value: Value): Value {
  return value.producer && VIEWS.has(value.producer.name) ? viewedBy(value.producer.operands[0]!) : value;
}

/** The value and its reshapes, which may lie in its buffer. */
function viewsOf(value: Value): readonly Value[] {
  return [value, ...[...value.uses].filter((user) => VIEWS.has(user.name)).flatMap((user) => viewsOf(user.result))];
}
