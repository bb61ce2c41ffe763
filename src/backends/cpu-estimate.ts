import { extract } from "../ir/extract.ts";
import type { Op, Value } from "../ir/graph.ts";
import { DEFAULT_OPTIONS, runPasses } from "../passes/pass.ts";
import { FOR_CPU } from "../passes/pipelines.ts";
import { NeoError } from "../support/errors.ts";
import type { TargetProfile } from "../target/profile.ts";
import { valueBytes, VIEWS } from "./accelerators/accelerator-cost.ts";
import { lower } from "./lower.ts";
import { programUs } from "./program-estimate.ts";
import { WeightPool } from "./weight-pool.ts";

/** What an elementwise op costs behind an op that nobody else reads: both are one kernel, which has its operand in registers. */
const FUSED_SHARE = 0.25;

/**
 * Microseconds that ops of a logical graph take as code of one core: each is lowered alone, by the schedules that compile it, and its
 * kernels are counted. Ops of one kind on operands of one type are counted once.
 */
export function cpuEstimate(target: TargetProfile): (op: Op) => number {
  const known = new Map<string, number>();
  return (op) => {
    if (VIEWS.has(op.name)) return 0;
    const key = kindOf(op);
    const us = known.get(key) ?? aloneUs(op, target);
    known.set(key, us);
    return isFusedBehind(op) ? us * FUSED_SHARE : us;
  };
}

function aloneUs(op: Op, target: TargetProfile): number {
  try {
    const { graph } = extract([op], "op", { apart: true, all: true });
    runPasses(graph, FOR_CPU, DEFAULT_OPTIONS);
    return programUs(lower(graph, target, new WeightPool()).program, target);
  } catch (error) {
    if (!(error instanceof NeoError)) throw error;
    // It only stands as a part of something larger: what it moves is what there is to go by.
    return [...op.operands, ...op.results].reduce((sum, value) => sum + (value ? valueBytes(value) : 0), 0) / BYTES_PER_US;
  }
}

const BYTES_PER_US = 8000;

function isFusedBehind(op: Op): boolean {
  const { producer, uses } = op.operands.find((value): value is Value => value !== undefined && value.producer?.name !== "constant") ?? {};
  return op.def.elementwise && producer !== undefined && uses?.size === 1;
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
