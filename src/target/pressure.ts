import type { TargetProfile } from "./profile.ts";

/**
 * Vectors alive in the innermost block of a tile of `mr` pixels times `nv` vectors: accumulators, weights, and one splat (compilers
 * that keep program order) or all of them (those that hoist loads), and the product where multiply and add are two operations.
 */
export function vectorsLive(mr: number, nv: number, target: Pick<TargetProfile, "pressure" | "fma">): number {
  return mr * nv + nv + (target.pressure === "hoist" ? mr : 1) + (target.fma === "no" ? 1 : 0);
}
