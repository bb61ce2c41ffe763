import { valueName } from "../../ir/extract.ts";
import type { Graph, Op, Value } from "../../ir/graph.ts";
import type { RefusalCode } from "../accelerators/accelerator.ts";
import { valueBytes } from "../accelerators/accelerator-cost.ts";
import { opMacs } from "../lower.ts";
import { notWorth } from "./not-worth.ts";
import { regionUs, type Plan } from "./partition.ts";
import { whatIf, type WhatIf } from "./what-if.ts";

/** What is told of a partition: data, for tables and `--json`. */
export interface PartitionReport {
  readonly accelerators: readonly {
    readonly name: string;
    readonly engine: string;
    readonly exchange: string;
    readonly regions: number;
    readonly ops: number;
  }[];
  readonly ops: number;
  readonly macs: number;
  /** Multiply-accumulates in regions, as a share of all; 0 where there are none. */
  readonly macShare: number;
  readonly totalUs: number;
  readonly allCpuUs: number;
  readonly regions: readonly RegionReport[];
  readonly cpuOps: readonly CpuOpReport[];
  readonly borders: readonly BorderReport[];
  readonly whatIf: readonly WhatIf[];
}

export interface RegionReport {
  readonly name: string;
  readonly accelerator: string;
  /** Source nodes, or what ops are called. */
  readonly nodes: readonly string[];
  readonly macs: number;
  readonly inBytes: number;
  readonly outBytes: number;
  /** Whether integers cross its border. */
  readonly quantised: boolean;
  readonly us: number;
  readonly cpuUs: number;
}

/** One for each accelerator that has not got the op. */
export interface CpuOpReport {
  readonly node: string;
  readonly op: string;
  readonly accelerator: string;
  readonly code: RefusalCode;
  readonly reason: string;
  readonly found?: string;
  readonly wanted?: string;
  readonly hint?: string;
  readonly macs: number;
  readonly cpuUs: number;
  readonly savesUs?: number;
  readonly costsUs?: number;
}

/** A value that one region gives or takes; from or to undefined is the CPU. */
export interface BorderReport {
  readonly value: string;
  readonly bytes: number;
  readonly from: string;
  readonly to: readonly string[];
}

export function reportOf(graph: Graph, plan: Plan): PartitionReport {
  const { regions, numbers, accelerators, cpuUs } = plan;
  const inRegions = new Set(regions.flatMap(({ ops }) => ops));
  const macs = sum(numbers.ops.map(opMacs));
  return {
    accelerators: accelerators.map((accelerator) => {
      const own = regions.filter((region) => region.accelerator === accelerator);
      const { name, engine, exchange } = accelerator;
      return { name, engine, exchange, regions: own.length, ops: sum(own.map(({ ops }) => ops.length)) };
    }),
    ops: numbers.ops.length,
    macs,
    macShare: macs === 0 ? 0 : sum([...inRegions].map(opMacs)) / macs,
    totalUs: plan.totalUs,
    allCpuUs: plan.allCpuUs,
    regions: regions.map((region) => ({
      name: region.name,
      accelerator: region.accelerator.name,
      nodes: region.ops.map(nodeName),
      macs: sum(region.ops.map(opMacs)),
      inBytes: sum(region.inputs.map(valueBytes)),
      outBytes: sum(region.outputs.map(valueBytes)),
      quantised: [...region.inputs, ...region.outputs].some(({ type }) => /^[iu](4|8|16)$/.test(type.dtype)),
      us: regionUs(region),
      cpuUs: sum(region.ops.map(cpuUs)),
    })),
    cpuOps: cpuOps(plan, inRegions),
    borders: bordersOf(plan),
    whatIf: whatIf(graph, plan),
  };
}

function cpuOps(plan: Plan, inRegions: ReadonlySet<Op>): CpuOpReport[] {
  const worth = notWorth(plan);
  return plan.numbers.ops
    .filter((op) => !inRegions.has(op))
    .flatMap((op) =>
      plan.accelerators.map((accelerator) => {
        const why = plan.refusal(op, accelerator) ?? worth(op, accelerator);
        return { node: nodeName(op), op: op.name, accelerator: accelerator.name, ...why, macs: opMacs(op), cpuUs: plan.cpuUs(op) };
      }),
    );
}

function bordersOf({ regions }: Plan): BorderReport[] {
  const borders = new Map<Value, { from: string; to: string[] }>();
  for (const region of regions) for (const value of region.outputs) borders.set(value, { from: region.name, to: [] });
  for (const region of regions)
    for (const value of region.inputs) {
      const border = borders.get(value) ?? { from: "cpu", to: [] };
      border.to.push(region.name);
      borders.set(value, border);
    }
  return [...borders].map(([value, { from, to }]) => ({ value: valueName(value), bytes: valueBytes(value), from, to: to.length > 0 ? to : ["cpu"] }));
}

/** What people call an op: the nodes it came from, else its result. */
function nodeName(op: Op): string {
  return op.loc.join("+") || (op.results[0] ? valueName(op.results[0]) : op.name);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
