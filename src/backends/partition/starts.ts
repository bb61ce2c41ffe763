import { FlowNetwork } from "./min-cut.ts";
import type { Assignment, Problem } from "./problem.ts";

/** Everything that one device can do, the rest as it is. */
export function allEligible(problem: Problem, device: number, rest: Assignment): Assignment {
  return rest.map((at, op) => (problem.opUs[device]![op]! < Infinity ? device : at));
}

/**
 * The least sum of ops and transfers between one accelerator and the CPU, as if every launch were free and regions needed no order. Ops
 * that `rest` gives to other devices stay there.
 */
export function leastCut(problem: Problem, device: number, rest: Assignment): Assignment {
  const { ops, values, opUs, producer, isResult, readers, inUs, outUs } = problem;
  // Two helpers a value: however many readers are on the other side, it goes over once.
  const [source, sink, leaving, entering] = [0, 1, 2 + ops, 2 + ops + values];
  const network = new FlowNetwork(2 + ops + 2 * values);
  for (let op = 0; op < ops; op++) {
    network.edge(source, 2 + op, rest[op] === 0 ? opUs[0]![op]! : 0);
    network.edge(2 + op, sink, rest[op] === 0 ? opUs[device]![op]! : Infinity);
  }
  for (let v = 0; v < values; v++) {
    const from = producer[v]! < 0 ? sink : 2 + producer[v]!;
    network.edge(from, leaving + v, from === sink ? 0 : outUs[device]![v]!);
    network.edge(entering + v, from, inUs[device]![v]!);
    if (isResult[v]) network.edge(leaving + v, sink, Infinity);
    for (let i = readers.start[v]!; i < readers.start[v + 1]!; i++) {
      network.edge(leaving + v, 2 + readers.items[i]!, Infinity);
      network.edge(2 + readers.items[i]!, entering + v, Infinity);
    }
  }
  const side = network.sourceSide(source, sink);
  return rest.map((at, op) => (side[2 + op] ? device : at));
}
