import type { Graph, Op, Value } from "../../ir/graph.ts";
import type { Accelerator } from "../accelerators/accelerator.ts";
import { acceleratorUs, transferUs } from "../accelerators/accelerator-cost.ts";
import { problem, type Problem } from "./problem.ts";

export interface GraphProblem {
  readonly problem: Problem;
  /** By index: every op but constants and `return`. */
  readonly ops: readonly Op[];
  readonly values: readonly Value[];
}

export interface GraphCosts {
  /** Device d of the problem is accelerator d - 1. */
  readonly accelerators: readonly Accelerator[];
  readonly cpuUs: (op: Op) => number;
  /** Whether an accelerator may have the op. */
  readonly takes: (op: Op, accelerator: Accelerator) => boolean;
}

/** The partition of a graph as numbers. Constants belong to nobody: whoever reads one has its own. */
export function graphProblem(graph: Graph, { accelerators, cpuUs, takes }: GraphCosts): GraphProblem {
  const ops = graph.ops.filter((op) => op.name !== "constant" && op.name !== "return");
  const indexOf = new Map(ops.map((op, i) => [op, i]));
  const values = [...graph.params, ...ops.flatMap((op) => op.results)];
  const results = new Set(graph.outputs);
  return {
    ops,
    values,
    problem: problem({
      opUs: ops.map((op) => [cpuUs(op), ...accelerators.map((accelerator) => (takes(op, accelerator) ? acceleratorUs(op, accelerator) : Infinity))]),
      launchUs: [0, ...accelerators.map(({ costs }) => costs.launchUs)],
      values: values.map((value) => {
        const crossing = accelerators.map((accelerator) => transferUs(value, accelerator));
        return {
          producer: value.producer ? indexOf.get(value.producer)! : -1,
          readers: [...value.uses].flatMap((user) => indexOf.get(user) ?? []),
          isResult: results.has(value),
          inUs: [0, ...crossing.map(({ inUs }) => inUs)],
          outUs: [0, ...crossing.map(({ outUs }) => outUs)],
        };
      }),
      effects: inSequence(ops, indexOf),
    }),
  };
}

/** Ops with effects keep their order. */
function inSequence(ops: readonly Op[], indexOf: ReadonlyMap<Op, number>): (readonly [number, number])[] {
  const touching = ops.filter(hasEffect);
  return touching.slice(1).map((op, i) => [indexOf.get(touching[i]!)!, indexOf.get(op)!]);
}

function hasEffect(op: Op): boolean {
  return !op.def.pure || op.regions.some((region) => region.ops.some((inner) => inner.name !== "return" && hasEffect(inner)));
}
