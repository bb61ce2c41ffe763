import { copyBorder, copyOp } from "../../ir/copy.ts";
import { extract } from "../../ir/extract.ts";
import { Op, type Graph, type Value } from "../../ir/graph.ts";
import { regionOp } from "../../ir/ops/control.ts";
import type { Partition, Region } from "./region.ts";

/**
 * The graph in which each region is one op `region`, at its place in the order of the partition. The given graph stays as it is and
 * shares nothing with the new one but the data of constants.
 */
export function cut(graph: Graph, { order, regions }: Partition): Graph {
  const regionOf = new Map<Op, Region>();
  for (const region of regions) for (const op of region.ops) regionOf.set(op, region);
  const made = copyBorder(graph);
  const values = new Map<Value, Value>(graph.params.map((param, i) => [param, made.params[i]!]));
  const read = (value: Value | undefined): Value | undefined => value && values.get(value)!;
  const add = (op: Op, results: readonly Value[]): void => {
    op.results.forEach((result, i) => values.set(results[i]!, result));
    made.ops.push(op);
  };
  // Whoever reads a constant only inside of regions leaves it without a reader here.
  for (const op of graph.ops) if (op.name === "constant" && isReadOutside(op, regionOf)) add(copyOp(op, []), op.results);
  const done = new Set<Region>();
  for (const op of order) {
    const region = regionOf.get(op);
    if (!region) add(copyOp(op, op.operands.map(read)), op.results);
    else if (!done.has(region)) add(...toOp(region, read));
    if (region) done.add(region);
  }
  made.ops.push(copyOp(graph.terminator, graph.terminator.operands.map(read)));
  return made;
}

function isReadOutside({ result }: Op, regionOf: ReadonlyMap<Op, Region>): boolean {
  return [...result.uses].some((user) => !regionOf.has(user));
}

/** A region as an op, and which values of the old graph its results are. */
function toOp({ name, accelerator, ops }: Region, read: (value: Value) => Value | undefined): [Op, readonly Value[]] {
  const { graph, params, results } = extract(ops, name);
  const options = Object.entries(accelerator.options).map(([key, value]) => `${key}=${value}`);
  const attrs = { region: name, accelerator: accelerator.name, engine: accelerator.engine, exchange: accelerator.exchange, options };
  const types = results.map(({ type }) => type);
  const made = new Op(regionOp, params.map(read), attrs, types, [name], [graph]);
  made.results.forEach((result, i) => (result.name = results[i]!.name));
  return [made, results];
}
