import { Graph, Op, Value } from "./graph.ts";

/** The same op on other operands: names of results come along, regions are copied. */
export function copyOp(op: Op, operands: readonly (Value | undefined)[]): Op {
  const types = op.results.map((value) => value.type);
  const copy = new Op(op.def, operands, op.attrs, types, op.loc, op.regions.map(copyGraph));
  copy.results.forEach((value, i) => (value.name = op.results[i]!.name));
  return copy;
}

/** A graph that shares nothing with the given one but attributes, which nobody writes to. */
export function copyGraph(graph: Graph): Graph {
  const copy = copyBorder(graph);
  const values = new Map<Value, Value>(graph.params.map((param, i) => [param, copy.params[i]!]));
  for (const op of graph.ops) {
    const made = copyOp(
      op,
      op.operands.map((value) => value && values.get(value)!),
    );
    op.results.forEach((result, i) => values.set(result, made.results[i]!));
    copy.ops.push(made);
  }
  return copy;
}

/** A graph of the same name with copies of the parameters, and what else is known of its border. No ops. */
export function copyBorder(graph: Graph): Graph {
  const params = graph.params.map(({ type, name }) => new Value(type, name));
  const copy = new Graph(graph.name, params);
  for (const [name, labels] of graph.labels) copy.labels.set(name, labels);
  for (const [name, facts] of graph.tables) copy.tables.set(name, facts);
  for (const side of ["inputs", "outputs"] as const) for (const [name, count] of graph.lists[side]) copy.lists[side].set(name, count);
  return copy;
}
