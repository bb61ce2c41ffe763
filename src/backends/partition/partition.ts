import type { Graph, Op } from "../../ir/graph.ts";
import type { Accelerator, Refusal } from "../accelerators/accelerator.ts";
import { acceleratorUs, transferUs } from "../accelerators/accelerator-cost.ts";
import { verdict } from "../accelerators/verdict.ts";
import { opMacs } from "../lower.ts";
import { assign } from "./assign.ts";
import { graphProblem, type GraphProblem } from "./graph-problem.ts";
import type { Partition, Region } from "./region.ts";
import { grouped } from "./regions.ts";

export interface PartitionOptions {
  /** In order of preference. */
  readonly accelerators: readonly Accelerator[];
  /** What an op takes as code, in microseconds. */
  readonly cpuUs: (op: Op) => number;
  /** What `verdict` says, where somebody knows it already. */
  readonly judge?: (op: Op, accelerator: Accelerator) => Refusal | undefined;
  /** Refusals that are passed over: what if an accelerator took this op? */
  readonly suppose?: (op: Op, accelerator: Accelerator, refusal: Refusal) => boolean;
}

/** A partition, and what it was decided by. */
export interface Plan extends Partition {
  readonly accelerators: readonly Accelerator[];
  readonly cpuUs: (op: Op) => number;
  /** Estimates for a run of all: as it is cut, and with everything as code. */
  readonly totalUs: number;
  readonly allCpuUs: number;
  /** Why an accelerator has not got an op; undefined: it could run it, and it did not pay or has it. */
  readonly refusal: (op: Op, accelerator: Accelerator) => Refusal | undefined;
  /** The same before limits of regions were looked at. */
  readonly judged: (op: Op, accelerator: Accelerator) => Refusal | undefined;
  readonly numbers: GraphProblem;
  /** By index of the ops of `numbers`: 0 the CPU, else one more than the place in `accelerators`. */
  readonly devices: Uint8Array;
}

/** Who runs what: never slower than the CPU alone, by the estimates. The graph stays as it is. */
export function partition(graph: Graph, { accelerators, cpuUs: estimate, judge = verdict, suppose = () => false }: PartitionOptions): Plan {
  const cpuUs = remembered(estimate);
  const judged = new Map<Op, ReadonlyMap<Accelerator, Refusal>>();
  const refusals = new Map<Op, Map<Accelerator, Refusal>>();
  const refuse = (op: Op, accelerator: Accelerator, refusal: Refusal): void => {
    if (!refusals.has(op)) refusals.set(op, new Map());
    refusals.get(op)!.set(accelerator, refusal);
  };
  for (const op of graph.ops) {
    if (op.name === "constant" || op.name === "return") continue;
    const found = new Map(
      accelerators
        .flatMap((accelerator) => [[accelerator, judge(op, accelerator)] as const])
        .filter((pair): pair is readonly [Accelerator, Refusal] => !!pair[1]),
    );
    judged.set(op, found);
    for (const [accelerator, why] of found) if (!suppose(op, accelerator, why)) refuse(op, accelerator, why);
  }
  const refusal = (op: Op, accelerator: Accelerator): Refusal | undefined => refusals.get(op)?.get(accelerator);
  for (;;) {
    const numbers = graphProblem(graph, { accelerators, cpuUs, takes: (op, accelerator) => !refusal(op, accelerator) });
    const { assignment } = assign(numbers.problem);
    const cut = grouped(graph, numbers, accelerators, assignment);
    const allCpuUs = numbers.ops.reduce((sum, op) => sum + cpuUs(op), 0);
    const inRegions = new Set(cut.regions.flatMap(({ ops }) => ops));
    const totalUs =
      cut.regions.reduce((sum, region) => sum + regionUs(region), 0) + numbers.ops.reduce((sum, op) => sum + (inRegions.has(op) ? 0 : cpuUs(op)), 0);
    const pruned = totalUs > allCpuUs ? cut.regions.map((region) => splitRefusal(region)) : brokenLimits(cut.regions, cpuUs);
    if (pruned.length === 0)
      return {
        ...cut,
        accelerators,
        cpuUs,
        totalUs,
        allCpuUs,
        refusal,
        judged: (op, accelerator) => judged.get(op)?.get(accelerator),
        numbers,
        devices: assignment,
      };
    // Without these regions others may be worth less, or more: all is weighed anew.
    for (const { region, refusal: why } of pruned) for (const op of region.ops) refuse(op, region.accelerator, why);
  }
}

/** What a region takes: the call, its ops, and what goes in and out. */
export function regionUs({ accelerator, ops, inputs, outputs }: Region): number {
  const computed = ops.reduce((sum, op) => sum + acceleratorUs(op, accelerator), 0);
  const entered = inputs.reduce((sum, value) => sum + transferUs(value, accelerator).inUs, 0);
  const left = outputs.reduce((sum, value) => sum + transferUs(value, accelerator).outUs, 0);
  return accelerator.costs.launchUs + computed + entered + left;
}

interface Pruned {
  readonly region: Region;
  readonly refusal: Refusal;
}

/** Regions that an accelerator does not allow: too little work, or more of them than it has, those of least gain first. */
function brokenLimits(regions: readonly Region[], cpuUs: (op: Op) => number): Pruned[] {
  const small = regions.flatMap((region): Pruned[] => {
    const { name, limits } = region.accelerator;
    const macs = region.ops.reduce((sum, op) => sum + opMacs(op), 0);
    if (macs >= (limits.minMacs ?? 0)) return [];
    const refusal = limit(`a region of it has ${macs} multiply-accumulates, ${name} is not started for less than ${limits.minMacs}`, macs, limits.minMacs!);
    return [{ region, refusal }];
  });
  if (small.length > 0) return small;
  return [...new Set(regions.map(({ accelerator }) => accelerator))].flatMap((accelerator) => {
    const own = regions.filter((region) => region.accelerator === accelerator);
    const most = accelerator.limits.regions ?? Infinity;
    const byGain = own
      .map((region) => ({ region, gain: region.ops.reduce((sum, op) => sum + cpuUs(op), 0) - regionUs(region) }))
      .sort((a, b) => a.gain - b.gain);
    const refusal = limit(`there would be ${own.length} regions, ${accelerator.name} has ${most}; this one saves least`, own.length, most);
    // One by one, as those that stay may join.
    return own.length > most ? byGain.slice(0, 1).map(({ region }) => ({ region, refusal })) : [];
  });
}

function limit(reason: string, found: number, wanted: number): Refusal {
  return { code: "limit", reason, found: String(found), wanted: String(wanted) };
}

/** Where limits cut a run into more regions than pay. */
function splitRefusal(region: Region): Pruned {
  return { region, refusal: { code: "limit", reason: `${region.accelerator.name} would need more regions for it than pay, as its regions are limited` } };
}

function remembered(cpuUs: (op: Op) => number): (op: Op) => number {
  const known = new Map<Op, number>();
  return (op) => {
    if (!known.has(op)) known.set(op, cpuUs(op));
    return known.get(op)!;
  };
}
