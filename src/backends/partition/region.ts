import type { Op, Value } from "../../ir/graph.ts";
import type { Accelerator } from "../accelerators/accelerator.ts";

/** Ops that an accelerator runs in one call. */
export interface Region {
  /** "r0", "r1", …, in the order in which they run. */
  readonly name: string;
  readonly accelerator: Accelerator;
  /** In an order in which each comes behind those it reads. No constants: whoever reads one has its own. */
  readonly ops: readonly Op[];
  /** Values computed outside, or parameters of the graph, that ops of the region read: each once, no constants. */
  readonly inputs: readonly Value[];
  /** Values of the region that something outside reads, or that the graph gives back: each once. */
  readonly outputs: readonly Value[];
}

/** Who runs what. `order` holds every op of the graph but constants and `return`, ops of a region side by side. */
export interface Partition {
  readonly order: readonly Op[];
  readonly regions: readonly Region[];
}
