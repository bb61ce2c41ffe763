import type { Graph, Op } from "../../ir/graph.ts";

/** Erases ops whose results nobody reads: what only told shapes is not part of the program. */
export function eraseUnused(graph: Graph): void {
  const dead = new Set<Op>();
  for (const op of graph.ops.toReversed()) {
    const isUsed = op.results.some((result) => [...result.uses].some((user) => !dead.has(user)));
    if (op.def.pure && !isUsed) dead.add(op);
  }
  if (dead.size > 0) graph.erase(dead);
}
