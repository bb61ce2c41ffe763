import type { Value } from "../../ir/graph.ts";
import { attention } from "../../ir/ops/attention.ts";
import { less } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { and, select } from "../../ir/ops/logic.ts";
import { tensor } from "../../ir/tensor.ts";
import type { Bounding, Reader } from "./bounding.ts";

/** Keys behind the end are masked, and their values 0: they have no weight. */
const keys: Reader = {
  along: (op, operand, axis) => (operand === 3 ? axis === op.operands[3]!.type.shape.length - 1 : operand > 0 && axis === 2),
  handle(op, graph) {
    const [q, k, v] = op.operands as [Value, Value, Value];
    const given = op.operand("mask");
    const length = k.type.shape[2]!;
    const isThere = graph.b.create(less, { a: graph.places(graph.at(k).type.shape[2] as number, 0, 1), b: graph.extent(length) });
    const mask = given ? both(graph, isThere, graph.at(given)) : isThere;
    graph.set(op.result, graph.b.create(attention, { q: graph.at(q), k: graph.at(k), v: graph.zeroed(v, [2]), mask }, op.attrs as never));
  },
};

export const KEYED: Readonly<Record<string, Reader>> = { attention: keys };

/** A mask of ours and one of the file. */
function both(graph: Bounding, isThere: Value, mask: Value): Value {
  const { dtype } = mask.type;
  if (dtype === "bool") return graph.b.create(and, { a: isThere, b: mask });
  const none = graph.b.create(constant, {}, { value: tensor(dtype, [], [-Infinity]) });
  return graph.b.create(select, { condition: isThere, a: mask, b: none });
}
