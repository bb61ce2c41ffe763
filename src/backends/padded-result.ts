import type { Op } from "../ir/graph.ts";
import { elementCount } from "../ir/types.ts";
import { KernelBuilder } from "../kernel/build.ts";
import { lanesOf } from "../target/profile.ts";
import type { Place, RegionContext } from "./schedule.ts";
import { fillAllKernel } from "./schedules/fill.ts";

/** Writes zeros to all of a tensor, if it has elements. */
export function clear(place: Place, context: RegionContext, op: Op): void {
  if (elementCount(place.layout.shape) === 0) return;
  context.call(fillAllKernel(place.layout, 0, context.target, op.loc), { y: place.buffer });
}

export function builderFor(op: Op, context: RegionContext, words: string): KernelBuilder {
  return new KernelBuilder(`${op.name}_${words}`, { lanes: lanesOf(context.target), mode: "fast", loc: op.loc });
}
