import type { Graph, Op } from "../../ir/graph.ts";
import type { Accelerator, Refusal, RefusalCode } from "../accelerators/accelerator.ts";
import { partition, type Plan } from "./partition.ts";

/** What a plan would be if an accelerator took one kind of op that it refuses. */
export interface WhatIf {
  readonly accelerator: string;
  readonly op: string;
  readonly code: RefusalCode;
  readonly reason: string;
  /** Ops of the kind. */
  readonly count: number;
  /** Regions of the plan that would be one. */
  readonly joins: readonly string[];
  readonly totalUs: number;
  readonly savesUs: number;
}

interface Kind {
  readonly accelerator: Accelerator;
  readonly refusal: Refusal;
  readonly ops: readonly Op[];
  readonly cpuUs: number;
}

/** Kinds beyond this are not tried, those that take the CPU least. */
const MOST_KINDS = 12;
/** The same where one partition takes long. */
const KINDS_OF_LARGE = 4;
const LARGE = 1000;
/** Less than this share of a run is within what estimates are worth. */
const LEAST_SHARE = 0.005;

/** Partitions again with each kind of refused op allowed; what helps comes first. Limits of a device stay what they are. */
export function whatIf(graph: Graph, plan: Plan): WhatIf[] {
  const kinds = kindsOf(plan).sort((a, b) => b.cpuUs - a.cpuUs);
  return kinds
    .slice(0, plan.numbers.ops.length > LARGE ? KINDS_OF_LARGE : MOST_KINDS)
    .map((kind) => supposed(graph, plan, kind))
    .filter(({ savesUs, joins }) => savesUs > LEAST_SHARE * plan.totalUs || joins.length > 0)
    .sort((a, b) => b.savesUs - a.savesUs);
}

function kindsOf(plan: Plan): Kind[] {
  const kinds = new Map<string, Kind>();
  const inRegions = new Set(plan.regions.flatMap(({ ops }) => ops));
  for (const op of plan.numbers.ops) {
    if (inRegions.has(op)) continue;
    for (const accelerator of plan.accelerators) {
      const refusal = plan.refusal(op, accelerator);
      if (!refusal || refusal.code === "limit") continue;
      const key = `${accelerator.name} ${op.name} ${refusal.code} ${refusal.reason}`;
      const known = kinds.get(key);
      kinds.set(key, { accelerator, refusal, ops: [...(known?.ops ?? []), op], cpuUs: (known?.cpuUs ?? 0) + plan.cpuUs(op) });
    }
  }
  return [...kinds.values()];
}

function supposed(graph: Graph, plan: Plan, { accelerator, refusal, ops }: Kind): WhatIf {
  const kind = new Set(ops);
  const found = partition(graph, {
    accelerators: plan.accelerators,
    cpuUs: plan.cpuUs,
    judge: plan.judged,
    suppose: (op, other) => other === accelerator && kind.has(op),
  });
  const regionOf = new Map(found.regions.flatMap((region) => region.ops.map((op) => [op, region] as const)));
  const inside = found.regions.map((region) => plan.regions.filter(({ ops: own }) => own.some((op) => regionOf.get(op) === region)).map(({ name }) => name));
  const joins = found.regions.length < plan.regions.length ? (inside.find((names) => names.length > 1) ?? []) : [];
  const savesUs = plan.totalUs - found.totalUs;
  return {
    accelerator: accelerator.name,
    op: ops[0]!.name,
    code: refusal.code,
    reason: refusal.reason,
    count: ops.length,
    joins,
    totalUs: found.totalUs,
    savesUs,
  };
}
