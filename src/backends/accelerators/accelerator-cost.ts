import type { Op, Value } from "../../ir/graph.ts";
import { BITS, elementCount, isStatic } from "../../ir/types.ts";
import type { Accelerator } from "./accelerator.ts";
import { opMacs } from "../lower.ts";

/** Bytes of a value as it lies in memory; 0 where its extents are open. */
export function valueBytes({ type }: Value): number {
  return isStatic(type) ? Math.ceil((elementCount(type.shape) * BITS[type.dtype]) / 8) : 0;
}

/** Ops that give the same elements under another type: nobody computes anything. */
export const VIEWS: ReadonlySet<string> = new Set(["reshape", "storageCast"]);

/** What an elementwise op costs behind an op that nobody else reads: whoever runs both, CPU or accelerator, has its operand in registers. */
export const FUSED_SHARE = 0.25;

export function isFusedBehind(op: Op): boolean {
  const { producer, uses } = op.operands.find((value): value is Value => value !== undefined && value.producer?.name !== "constant") ?? {};
  return op.def.elementwise && producer !== undefined && uses?.size === 1;
}

/** What an op takes inside a region, in microseconds. */
export function acceleratorUs(op: Op, { costs }: Accelerator): number {
  if (VIEWS.has(op.name)) return 0;
  const macs = opMacs(op);
  const rate = costs.macsPerUs[op.operands[0]?.type.dtype ?? "f32"] ?? costs.macsPerUs.f32;
  const bytes = [...op.operands, ...op.results].reduce((n, value) => n + (value ? valueBytes(value) : 0), 0);
  if (isFusedBehind(op)) return (FUSED_SHARE * bytes) / costs.bytesPerUs;
  return costs.opUs + (macs > 0 ? macs / rate : bytes / costs.bytesPerUs);
}

/** What a value takes into a region, and out of it. */
export function transferUs(value: Value, { costs }: Accelerator): { readonly inUs: number; readonly outUs: number } {
  const bytes = valueBytes(value);
  const layout = costs.layoutBytesPerUs !== undefined && value.type.shape.length === 4 ? bytes / costs.layoutBytesPerUs : 0;
  return { inUs: costs.transferUs + bytes / costs.inBytesPerUs + layout, outUs: costs.transferUs + bytes / costs.outBytesPerUs + layout };
}
