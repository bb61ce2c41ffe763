import { ELEM_BYTES, type Kernel } from "../kernel.ts";
import { accessesOf, lanesIn, mostTrips, parallelLoop, walkStatements, type Loop } from "../walk.ts";
import type { Findings } from "./finding.ts";

/** The bytes that one access touches in an iteration of the parallel loop: `first`, and on in every loop by its stride. */
interface Footprint {
  readonly first: number;
  readonly bytes: number;
  readonly loops: readonly { readonly stride: number; readonly trips: number }[];
  readonly step: number;
  readonly indexed: boolean;
}

/**
 * Iterations of the parallel loop touch different bytes of every parameter that the kernel stores to. Proved in two ways: what one
 * iteration touches lies within one step of the loop; or it does so modulo M, where M divides all larger strides and all iterations
 * together fit into M (interleaved groups of channels).
 */
export function checkDisjointness(kernel: Kernel, findings: Findings): void {
  const loop = parallelLoop(kernel);
  if (!loop || mostTrips(loop.trips) <= 1) return;
  const prints = footprints(kernel, loop);
  for (const [param, all] of prints) {
    if (!all.some((print) => print.stored)) continue;
    const problem = overlap(all, mostTrips(loop.trips));
    if (problem) findings.add("parallel", `iterations of ${loop.name} may meet in ${param}: ${problem}`);
  }
}

function footprints(kernel: Kernel, parallel: Loop): Map<string, (Footprint & { stored: boolean })[]> {
  const found = new Map<string, (Footprint & { stored: boolean })[]>();
  walkStatements(kernel.body, (stmt, loops) => {
    if (loops[0] !== parallel) return;
    for (const access of accessesOf(stmt)) {
      const cursor = kernel.cursors[access.at.cursor]!;
      if (!access.type || access.what === "prefetch") continue;
      const size = ELEM_BYTES[cursor.elem];
      const inner = loops.slice(1).flatMap((loop) => {
        const stride = (cursor.steps[loop.name] ?? 0) * size;
        return stride === 0 || mostTrips(loop.trips) < 2 ? [] : [{ stride, trips: mostTrips(loop.trips) }];
      });
      const list = found.get(cursor.param) ?? [];
      list.push({
        first: (cursor.base + access.at.offset) * size,
        bytes: size * (access.what === "splat" ? 1 : lanesIn(access.type)),
        loops: inner,
        step: (cursor.steps[parallel.name] ?? 0) * size,
        indexed: access.at.index !== undefined,
        stored: access.what === "store",
      });
      found.set(cursor.param, list);
    }
  });
  return found;
}

function overlap(prints: readonly Footprint[], trips: number): string | undefined {
  if (prints.some((print) => print.indexed)) return "an address comes from data";
  const step = Math.abs(prints[0]!.step);
  if (prints.some((print) => print.step !== prints[0]!.step))
    return `its cursors move by different steps (${[...new Set(prints.map((p) => p.step))].join(", ")} bytes)`;
  if (step === 0) return "its cursors do not move with the loop";
  if (span(prints, 0) <= step) return undefined;
  const modulus = modulusOf(prints, step * trips);
  if (modulus < step * trips) return `one iteration reaches over ${span(prints, 0)} bytes, a step is ${step}`;
  const reach = span(prints, modulus);
  return reach <= step ? undefined : `one iteration reaches over ${reach} bytes modulo ${modulus}, a step is ${step}`;
}

/** The largest number that divides every stride, and every distance of first bytes, that is no part of the small pattern. */
function modulusOf(prints: readonly Footprint[], whole: number): number {
  let modulus = 0;
  for (const print of prints) {
    for (const loop of print.loops) if (Math.abs(loop.stride) >= whole) modulus = gcd(modulus, Math.abs(loop.stride));
  }
  const far = prints.map((print) => print.first - prints[0]!.first).filter((d) => Math.abs(d) >= whole);
  if (modulus === 0) for (const d of far) modulus = gcd(modulus, Math.abs(d));
  return modulus;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Bytes from the lowest to the highest that one iteration touches; with a modulus, of their remainders. */
function span(prints: readonly Footprint[], modulus: number): number {
  let low = Infinity;
  let high = -Infinity;
  for (const print of prints) {
    const distance = print.first - prints[0]!.first;
    let from = modulus ? distance - modulus * Math.round(distance / modulus) : distance;
    let to = from + print.bytes;
    for (const { stride, trips } of print.loops) {
      if (modulus && stride % modulus === 0) continue;
      from += Math.min(0, stride * (trips - 1));
      to += Math.max(0, stride * (trips - 1));
    }
    low = Math.min(low, from);
    high = Math.max(high, to);
  }
  return high - low;
}
