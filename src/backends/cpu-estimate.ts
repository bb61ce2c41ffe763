import { copyGraph } from "../ir/copy.ts";
import { extract } from "../ir/extract.ts";
import type { Graph, Op, Value } from "../ir/graph.ts";
import { DEFAULT_OPTIONS, runPasses } from "../passes/pass.ts";
import { FOR_CPU } from "../passes/pipelines.ts";
import { NeoError } from "../support/errors.ts";
import type { TargetProfile } from "../target/profile.ts";
import { FUSED_SHARE, isFusedBehind, valueBytes, VIEWS } from "./accelerators/accelerator-cost.ts";
import { lower } from "./lower.ts";
import { programUs } from "./program-estimate.ts";
import { WeightPool } from "./weight-pool.ts";

/**
 * Microseconds that the ops of a logical graph take as code of one core: each is lowered alone, by the schedules that compile it, and
 * its kernels are counted. What ops save by standing side by side (layouts that stay, loops that merge) is known of the graph as a
 * whole and shared out among them. Ops of one kind on operands of one type are counted once.
 */
export function cpuEstimate(graph: Graph, target: TargetProfile): (op: Op) => number {
  const known = new Map<string, number>();
  const apart = (op: Op): number => {
    if (VIEWS.has(op.name) || op.name === "constant" || op.name === "return") return 0;
    const key = kindOf(op);
    const us = known.get(key) ?? aloneUs(op, target);
    known.set(key, us);
    return isFusedBehind(op) ? us * FUSED_SHARE : us;
  };
  const sum = graph.ops.reduce((total, op) => total + apart(op), 0);
  const whole = programUsOf(copyGraph(graph), target) ?? sum;
  const share = sum === 0 ? 1 : whole / sum;
  return (op) => apart(op) * share;
}

function aloneUs(op: Op, target: TargetProfile): number {
  const us = programUsOf(extract([op], "op", { apart: true, all: true }).graph, target);
  // It only stands as a part of something larger: what it moves is what there is to go by.
  return us ?? [...op.operands, ...op.results].reduce((total, value) => total + (value ? valueBytes(value) : 0), 0) / BYTES_PER_US;
}

const BYTES_PER_US = 8000;

/** Of a graph that is used up by it; undefined where there is no code for it. */
function programUsOf(graph: Graph, target: TargetProfile): number | undefined {
  try {
    runPasses(graph, FOR_CPU, DEFAULT_OPTIONS);
    return programUs(lower(graph, target, new WeightPool()).program, target);
  } catch (error) {
    if (error instanceof NeoError) return undefined;
    throw error;
  }
}

function kindOf(op: Op): string {
  const operands = op.operands.map(
    (value) => value && [value.type, value.producer?.name === "constant" && isSmall(value) ? contents(value) : value.producer?.name === "constant"],
  );
  return JSON.stringify(
    [op.name, op.attrs, operands, op.results.map(({ type }) => type), op.regions.length > 0 ? op.results[0]?.name : ""],
    (_, item: unknown) => (typeof item === "bigint" ? String(item) : item),
  );
}

/** Schedules may look at what small constants hold. */
function isSmall(value: Value): boolean {
  return valueBytes(value) <= 256;
}

function contents({ producer }: Value): unknown {
  const { data } = producer!.attrs["value"] as { readonly data: ArrayLike<unknown> };
  return Array.from(data);
}
