import { Graph, Value, type Op } from "../../ir/graph.ts";
import { Builder } from "../../ir/builder.ts";
import { constant, returnOp } from "../../ir/ops/control.ts";

/** Ops of a subgraph as they were imported: they read values of the graphs round it. */
export interface OpenRegion {
  readonly ops: readonly Op[];
  readonly params: readonly Value[];
  readonly results: readonly Value[];
}

/**
 * Regions of one op: what they read from outside becomes parameters behind their own, the same ones in all of them; `captures` are the
 * values to hand in. Constants are not handed in: each region gets them for itself. What no result needs is left out.
 */
export function closeRegions(
  open: readonly OpenRegion[],
  names: readonly string[],
): { readonly regions: readonly Graph[]; readonly captures: readonly Value[] } {
  const needed = open.map(neededOps);
  const captures = new Set<Value>();
  open.forEach(({ params, results }, i) => {
    const own = new Set<Value>([...params, ...needed[i]!.flatMap((op) => op.results)]);
    for (const value of [...needed[i]!.flatMap((op) => op.operands), ...results])
      if (value && !own.has(value) && value.producer?.def !== constant) captures.add(value);
  });
  return { regions: open.map((region, i) => closed(region, needed[i]!, [...captures], names[i]!)), captures: [...captures] };
}

/** Unlinks ops that will not be used. */
export function discard(ops: readonly Op[]): void {
  for (const op of ops) op.operands.forEach((_, i) => op.setOperand(i, undefined));
}

function neededOps({ ops, results }: OpenRegion): readonly Op[] {
  const read = new Set<Value | undefined>(results);
  const needed = ops.toReversed().filter((op) => {
    const isNeeded = !op.def.pure || op.results.some((result) => read.has(result));
    if (isNeeded) for (const operand of op.operands) read.add(operand);
    return isNeeded;
  });
  return needed.reverse();
}

function closed(region: OpenRegion, needed: readonly Op[], captures: readonly Value[], name: string): Graph {
  const graph = new Graph(name, [...region.params, ...captures.map((value) => new Value(value.type, value.name))]);
  const inside = new Map<Value, Value>(captures.map((value, i) => [value, graph.params[region.params.length + i]!]));
  const own = new Set<Value>([...region.params, ...needed.flatMap((op) => op.results)]);
  const b = new Builder(graph.ops);
  const seen = (value: Value): Value => {
    if (own.has(value)) return value;
    const known = inside.get(value);
    if (known) return known;
    b.loc = value.producer!.loc;
    const copy = b.create(constant, {}, value.producer!.attrs as never);
    copy.name = value.name;
    inside.set(value, copy);
    return copy;
  };
  discard(region.ops.filter((op) => !needed.includes(op)));
  for (const op of needed) {
    op.operands.forEach((value, i) => value && op.setOperand(i, seen(value)));
    graph.ops.push(op);
  }
  const results = region.results.map(seen);
  b.loc = [];
  b.createAll(returnOp, { values: results }, { names: [] });
  return graph;
}
