import { Descent } from "./improve.ts";
import type { Assignment, Problem } from "./problem.ts";
import { allEligible, leastCut } from "./starts.ts";

export interface Assigned {
  readonly assignment: Assignment;
  /** Microseconds of a run; never more than the CPU alone takes. */
  readonly totalUs: number;
}

/**
 * Who runs what, for the least total. Accelerators come one after the other, each over what those before it left to the CPU: from the
 * least cut, from all that it can do, and from nothing, single moves go as far down as they lead; the best of the three stays.
 */
export function assign(problem: Problem): Assigned {
  const descent = new Descent(problem);
  const nothing: Assignment = new Uint8Array(problem.ops);
  let best: Assigned = { assignment: nothing, totalUs: descent.cost.of(nothing) };
  for (let device = 1; device < problem.devices; device++) {
    const rest = best.assignment;
    for (const start of [leastCut(problem, device, rest), allEligible(problem, device, rest), rest.slice()]) {
      const totalUs = descent.improve(start, device + 1);
      if (totalUs < best.totalUs) best = { assignment: start, totalUs };
    }
  }
  return best;
}
