import type { Graph } from "../../ir/graph.ts";
import type { TargetProfile } from "../../target/profile.ts";
import type { Accelerator } from "../accelerators/accelerator.ts";
import { cpuEstimate } from "../cpu-estimate.ts";
import { cut } from "./cut.ts";
import { partition } from "./partition.ts";
import { reportOf, type PartitionReport } from "./report.ts";

export interface Applied {
  /** Another graph, whose regions are ops. */
  readonly graph: Graph;
  readonly report: PartitionReport;
}

/** Cuts a simplified graph between code of a target and accelerators, best first, by the estimates of both. */
export function applyPartition(graph: Graph, target: TargetProfile, accelerators: readonly Accelerator[]): Applied {
  const plan = partition(graph, { accelerators, cpuUs: cpuEstimate(graph, target) });
  return { graph: cut(graph, plan), report: reportOf(graph, plan) };
}
