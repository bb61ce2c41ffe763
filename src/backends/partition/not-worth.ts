import type { Op } from "../../ir/graph.ts";
import type { Accelerator, Refusal } from "../accelerators/accelerator.ts";
import { acceleratorUs } from "../accelerators/accelerator-cost.ts";
import type { Plan } from "./partition.ts";
import { TotalCost } from "./total-cost.ts";

export interface WorthRefusal extends Refusal {
  readonly code: "worth" | "order";
  /** Microseconds that the op alone would be faster there, and what getting its data there and back, and calling for it, would cost. */
  readonly savesUs: number;
  readonly costsUs: number;
}

/** Why ops stay on the CPU that an accelerator could run: by what would change if this one went there. */
export function notWorth(plan: Plan): (op: Op, accelerator: Accelerator) => WorthRefusal {
  const { numbers, devices, accelerators, cpuUs } = plan;
  const cost = new TotalCost(numbers.problem);
  const before = cost.of(devices);
  const regionsNow = countRegions(cost);
  const indexOf = new Map(numbers.ops.map((op, i) => [op, i]));
  return (op, accelerator) => {
    const index = indexOf.get(op)!;
    const moved = devices.slice();
    moved[index] = accelerators.indexOf(accelerator) + 1;
    const after = cost.of(moved);
    const more = countRegions(cost) - regionsNow;
    const thereUs = acceleratorUs(op, accelerator);
    const savesUs = cpuUs(op) - thereUs;
    const costsUs = after - before + savesUs;
    const slower = `takes ${inUs(thereUs)} there and ${inUs(cpuUs(op))} as code`;
    const figures = savesUs > 0 ? `saves ${inUs(savesUs)}, costs ${inUs(costsUs)}` : `${slower}${costsUs > 0.05 ? `, and ${inUs(costsUs)} to get there` : ""}`;
    // Whether it is the calls alone that make it not worth it.
    const isOrder = savesUs > 0 && more > 0 && costsUs - more * accelerator.costs.launchUs < savesUs;
    return isOrder
      ? { code: "order", reason: `would need ${more === 1 ? "a region of its own" : `${more} more regions`}: ${figures}`, savesUs, costsUs }
      : { code: "worth", reason: figures, savesUs, costsUs };
  };
}

function countRegions({ runs: { deviceOf, count } }: TotalCost): number {
  return deviceOf.subarray(0, count).reduce((n, device) => n + Number(device !== 0), 0);
}

/** "12 us", "1.3 ms". */
export function inUs(us: number): string {
  if (us >= 10_000) return `${(us / 1000).toFixed(0)} ms`;
  if (us >= 1000) return `${(us / 1000).toFixed(1)} ms`;
  return us < 10 ? `${us.toFixed(1)} us` : `${us.toFixed(0)} us`;
}
