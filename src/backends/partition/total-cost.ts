import type { Assignment, Problem } from "./problem.ts";
import { RunFinder, type Runs } from "./runs.ts";

/**
 * What an assignment costs: its ops, and for each region a launch and every value that goes in or comes out, once a region, whatever
 * the number of readers in it.
 */
export class TotalCost {
  /** The runs of the assignment that was asked for last. */
  runs: Runs;
  private other: Runs;
  private readonly problem: Problem;
  private readonly finder: RunFinder;
  /** By run: the value that went in last. */
  private readonly entered: Int32Array;

  constructor(problem: Problem) {
    this.problem = problem;
    this.finder = new RunFinder(problem);
    [this.runs, this.other] = [this.finder.space(), this.finder.space()];
    this.entered = new Int32Array(problem.ops);
  }

  of(assignment: Assignment): number {
    const { problem } = this;
    let ops = 0;
    for (let op = 0; op < problem.ops; op++) ops += problem.opUs[assignment[op]!]![op]!;
    if (ops === Infinity) return Infinity;
    let best = Infinity;
    for (let first = 0; first < problem.devices; first++) {
      this.finder.find(assignment, first, this.other);
      const borders = this.borders(assignment, this.other);
      if (borders >= best) continue;
      best = borders;
      [this.runs, this.other] = [this.other, this.runs];
    }
    return ops + (problem.ops === 0 ? 0 : best);
  }

  private borders(assignment: Assignment, { runOf, deviceOf, count }: Runs): number {
    const { launchUs, producer, isResult, readers, inUs, outUs, values } = this.problem;
    const { entered } = this;
    let sum = 0;
    for (let run = 0; run < count; run++) sum += deviceOf[run] === 0 ? 0 : launchUs[deviceOf[run]!]!;
    entered.fill(-1, 0, count);
    for (let v = 0; v < values; v++) {
      const from = producer[v]!;
      const home = from < 0 ? -1 : runOf[from]!;
      let leaves = isResult[v] === 1;
      for (let i = readers.start[v]!; i < readers.start[v + 1]!; i++) {
        const op = readers.items[i]!;
        const run = runOf[op]!;
        if (run === home) continue;
        leaves = true;
        const device = assignment[op]!;
        if (device === 0 || entered[run] === v) continue;
        entered[run] = v;
        sum += inUs[device]![v]!;
      }
      if (leaves && from >= 0 && assignment[from] !== 0) sum += outUs[assignment[from]!]![v]!;
    }
    return sum;
  }
}
