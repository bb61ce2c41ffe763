import type { Graph, Op, Value } from "../../ir/graph.ts";
import type { Accelerator } from "../accelerators/accelerator.ts";
import { valueBytes } from "../accelerators/accelerator-cost.ts";
import { graphProblem, type GraphProblem } from "./graph-problem.ts";
import type { Partition, Region } from "./region.ts";
import { TotalCost } from "./total-cost.ts";

/** Any assignment of ops to accelerators, the rest being the CPU's, as regions that can be executed in sequence. */
export function regionsOf(graph: Graph, assignment: ReadonlyMap<Op, Accelerator>): Partition {
  const accelerators = [...new Set(assignment.values())];
  const numbers = graphProblem(graph, { accelerators, cpuUs: () => 0, takes: (op, accelerator) => assignment.get(op) === accelerator });
  const devices = Uint8Array.from(numbers.ops, (op) => (assignment.has(op) ? accelerators.indexOf(assignment.get(op)!) + 1 : 0));
  return grouped(graph, numbers, accelerators, devices);
}

/** The regions of an assignment of a problem's ops. */
export function grouped(graph: Graph, { problem, ops }: GraphProblem, accelerators: readonly Accelerator[], devices: Uint8Array): Partition {
  const cost = new TotalCost(problem);
  cost.of(devices);
  const { order, runOf, deviceOf, count } = cost.runs;
  const runs = Array.from({ length: count }, (): Op[] => []);
  for (const op of order) runs[runOf[op]!]!.push(ops[op]!);
  const regions: Region[] = [];
  const sequence = runs.flatMap((run, i) => {
    const accelerator = accelerators[deviceOf[i]! - 1];
    if (!accelerator) return run;
    const parts = parted(run, accelerator);
    for (const part of parts) regions.push({ name: `r${regions.length}`, accelerator, ops: part, ...borderOf(part, graph) });
    return parts.flat();
  });
  return { order: sequence, regions };
}

/** A run as regions within the limits of one: connected where that is wanted, then cut where ops or constants are too many. */
function parted(run: readonly Op[], { limits }: Accelerator): Op[][] {
  return (limits.connected ? connectedParts(run) : [run]).flatMap((part) => {
    const found: Op[][] = [[]];
    let bytes = 0;
    for (const op of part) {
      const more = constantBytes(op);
      if (found.at(-1)!.length >= (limits.opsPerRegion ?? Infinity) || (bytes > 0 && bytes + more > (limits.weightBytes ?? Infinity))) {
        found.push([]);
        bytes = 0;
      }
      found.at(-1)!.push(op);
      bytes += more;
    }
    return found;
  });
}

function constantBytes(op: Op): number {
  return op.operands.reduce((sum, value) => sum + (value?.producer?.name === "constant" ? valueBytes(value) : 0), 0);
}

/** Ops that values join, each part in the order of the run. Parts do not read each other. */
function connectedParts(run: readonly Op[]): Op[][] {
  const position = new Map(run.map((op, i) => [op, i]));
  const partOf = new Map<Op, readonly Op[]>();
  for (const op of run) {
    const read = op.operands.flatMap((value) => (value?.producer && partOf.get(value.producer)) ?? []);
    const part = [...new Set(read), op];
    for (const member of part) partOf.set(member, part);
  }
  return [...new Set(partOf.values())].map((part) => [...part].sort((a, b) => position.get(a)! - position.get(b)!));
}

function borderOf(ops: readonly Op[], graph: Graph): Pick<Region, "inputs" | "outputs"> {
  const inside = new Set(ops);
  const inputs = new Set<Value>();
  for (const op of ops)
    for (const value of op.operands) if (value && value.producer?.name !== "constant" && !(value.producer && inside.has(value.producer))) inputs.add(value);
  const { terminator } = graph;
  const outputs = ops.flatMap((op) => op.results.filter((value) => [...value.uses].some((user) => user === terminator || !inside.has(user))));
  return { inputs: [...inputs], outputs };
}
