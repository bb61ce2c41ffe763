import { inUs } from "../backends/partition/not-worth.ts";
import type { CpuOpReport, PartitionReport, RegionReport } from "../backends/partition/report.ts";
import type { WhatIf } from "../backends/partition/what-if.ts";
import type { TargetPartition } from "../compile.ts";
import { formatCount, table } from "../support/table.ts";

/** Kinds of ops beyond these are left to `--verbose` and `--json`. */
const MOST_ROWS = 12;

/** A partition for people: regions, what stays on the CPU and why, what would help, what crosses. */
export function partitionLines({ target, partition }: TargetPartition, verbose: boolean): string[] {
  return [
    ...headlines(target, partition),
    ...regionTable(partition.regions),
    ...cpuTable(partition, verbose),
    ...partition.whatIf.map(whatIfLine),
    ...(partition.regions.length > 0 ? [borderLine(partition)] : []),
  ];
}

function headlines(target: string, { accelerators, regions, ops, macShare, totalUs, allCpuUs }: PartitionReport): string[] {
  if (regions.length === 0)
    return [`${accelerators.map(({ name }) => name).join(", ")} beside ${target}: no region, the CPU runs all ${ops} ops (estimated ${inUs(allCpuUs)})`];
  return accelerators.map(({ name, regions: own, ops: taken }) =>
    own === 0
      ? `${name} beside ${target}: no region`
      : `${name} beside ${target}: ${own} ${own === 1 ? "region" : "regions"}, ${taken} of ${ops} ops; all regions have ${(100 * macShare).toFixed(1)} % of MACs; estimated ${inUs(totalUs)} against ${inUs(allCpuUs)} on the CPU`,
  );
}

function regionTable(regions: readonly RegionReport[]): string[] {
  if (regions.length === 0) return [];
  return [
    table(
      [
        { title: "region" },
        { title: "accelerator" },
        { title: "ops", align: "right" },
        { title: "from … to", max: 60 },
        { title: "MACs", align: "right" },
        { title: "in", align: "right" },
        { title: "out", align: "right" },
        { title: "time", align: "right" },
        { title: "as code", align: "right" },
      ],
      regions.map((region) => [
        region.name,
        region.accelerator,
        region.nodes.length,
        region.nodes.length === 1 ? region.nodes[0]! : `${region.nodes[0]} … ${region.nodes.at(-1)}`,
        formatCount(region.macs),
        `${region.inBytes.toLocaleString("en")} B`,
        `${region.outBytes.toLocaleString("en")} B${region.quantised ? " (quantised)" : ""}`,
        inUs(region.us),
        inUs(region.cpuUs),
      ]),
    ),
  ];
}

/** One row for ops that an accelerator refuses for the same reason, those first that take longest. */
function cpuTable({ cpuOps }: PartitionReport, verbose: boolean): string[] {
  const kinds = new Map<string, CpuOpReport[]>();
  for (const op of cpuOps) {
    // Figures of what is not worth it differ from op to op.
    const key = `${op.accelerator} ${op.op} ${op.code} ${op.savesUs === undefined ? op.reason : ""}`;
    kinds.set(key, [...(kinds.get(key) ?? []), op]);
  }
  const us = (ops: readonly CpuOpReport[]): number => ops.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  const rows = [...kinds.values()].sort((a, b) => us(b) - us(a));
  if (rows.length === 0) return [];
  const shown = verbose ? rows : rows.slice(0, MOST_ROWS);
  return [
    "stay on the CPU",
    table(
      [
        { title: "op" },
        { title: "count", align: "right" },
        { title: "node", max: 40 },
        { title: "accelerator" },
        { title: "why" },
        { title: "reason", max: 90 },
        { title: "takes", align: "right" },
      ],
      shown.map((ops) => [ops[0]!.op, ops.length, ops[0]!.node, ops[0]!.accelerator, ops[0]!.code, reasonOf(ops), inUs(us(ops))]),
    ),
    ...(shown.length < rows.length ? [`  and ${rows.length - shown.length} kinds more (--verbose)`] : []),
  ];
}

function reasonOf(ops: readonly CpuOpReport[]): string {
  const [{ reason, savesUs }] = ops as [CpuOpReport];
  if (ops.length === 1 || savesUs === undefined) return reason;
  return `the first: ${reason}`;
}

function whatIfLine({ accelerator, op, code, count, joins, totalUs, savesUs }: WhatIf): string {
  const joined = joins.length > 1 ? ` joins ${joins.slice(0, -1).join(", ")} and ${joins.at(-1)}:` : "";
  return `would help: ${op} (${code}) ×${count} on ${accelerator}${joined} ${inUs(totalUs + savesUs)} → ${inUs(totalUs)}`;
}

function borderLine({ borders }: PartitionReport): string {
  const bytes = borders.reduce((sum, border) => sum + border.bytes * border.to.length, 0);
  return `borders: ${borders.length} ${borders.length === 1 ? "value" : "values"}, ${(bytes / 1e6).toFixed(2)} MB a run`;
}
