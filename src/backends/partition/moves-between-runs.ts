import { listsOf, type Assignment, type Lists, type Problem } from "./problem.ts";
import type { Runs } from "./runs.ts";

/** Gains below this are noise of sums of doubles. */
const LEAST_GAIN = 1e-6;
const MOST_ROUNDS = 6;

/**
 * Moves of single ops into runs of another device that are there already and stand between all that the op reads and all that read it.
 * Such a move changes nothing but what the op and its values cost, which takes a few steps to see, however large the graph is.
 */
export class RunMoves {
  private readonly problem: Problem;
  /** Ops that an op comes behind. */
  private readonly behind: Lists;
  /** By run: the last question that counted it. */
  private readonly counted: Int32Array;
  private questions = 0;

  constructor(problem: Problem) {
    this.problem = problem;
    const behind = Array.from({ length: problem.ops }, (): number[] => []);
    const { start, items } = problem.after;
    for (let op = 0; op < problem.ops; op++) for (let i = start[op]!; i < start[op + 1]!; i++) behind[items[i]!]!.push(op);
    this.behind = listsOf(behind);
    this.counted = new Int32Array(problem.ops);
  }

  /** Makes moves as long as they pay. Changes the assignment and where the runs have its ops. */
  descend(assignment: Assignment, runs: Runs, devices: number): void {
    const sizes = new Int32Array(runs.count);
    for (const run of runs.runOf) sizes[run]!++;
    for (let round = 0, moved = true; moved && round < MOST_ROUNDS; round++) {
      moved = false;
      for (const op of runs.order) moved = this.moveOp(op, assignment, runs, sizes, devices) || moved;
    }
  }

  private moveOp(op: number, assignment: Assignment, { runOf, deviceOf, count }: Runs, sizes: Int32Array, devices: number): boolean {
    const { opUs, launchUs } = this.problem;
    const from = runOf[op]!;
    const own = assignment[op]!;
    const [low, high] = this.window(op, runOf, count);
    if (low === high) return false;
    const before = this.transfers(op, assignment, runOf) + opUs[own]![op]! + (sizes[from] === 1 ? launchUs[own]! : 0);
    let [best, bestUs] = [from, before - LEAST_GAIN];
    // Beyond its own neighbours all runs of the window are alike to it: two at each end stand for them.
    for (const run of new Set([low, low + 1, from - 1, from + 1, high - 1, high])) {
      if (run < low || run > high || run === from || sizes[run] === 0) continue;
      const device = deviceOf[run]!;
      if (device === own || device >= devices || opUs[device]![op] === Infinity) continue;
      [assignment[op], runOf[op]] = [device, run];
      const us = this.transfers(op, assignment, runOf) + opUs[device]![op]!;
      if (us < bestUs) [best, bestUs] = [run, us];
    }
    runOf[op] = best;
    assignment[op] = best === from ? own : deviceOf[best]!;
    sizes[from]!--;
    sizes[best]!++;
    return best !== from;
  }

  /** The first and the last run that the op may stand in. */
  private window(op: number, runOf: Int32Array, count: number): [number, number] {
    const { behind } = this;
    const { after } = this.problem;
    let [low, high] = [0, count - 1];
    for (let i = behind.start[op]!; i < behind.start[op + 1]!; i++) low = Math.max(low, runOf[behind.items[i]!]!);
    for (let i = after.start[op]!; i < after.start[op + 1]!; i++) high = Math.min(high, runOf[after.items[i]!]!);
    return [low, high];
  }

  /** Of the values that the op reads and gives. */
  private transfers(op: number, assignment: Assignment, runOf: Int32Array): number {
    const { reads, gives } = this.problem;
    let sum = 0;
    for (let i = reads.start[op]!; i < reads.start[op + 1]!; i++) sum += this.transfersOf(reads.items[i]!, assignment, runOf);
    for (let i = gives.start[op]!; i < gives.start[op + 1]!; i++) sum += this.transfersOf(gives.items[i]!, assignment, runOf);
    return sum;
  }

  private transfersOf(v: number, assignment: Assignment, runOf: Int32Array): number {
    const { producer, isResult, readers, inUs, outUs } = this.problem;
    const question = ++this.questions;
    const from = producer[v]!;
    const home = from < 0 ? -1 : runOf[from]!;
    let leaves = isResult[v] === 1;
    let sum = 0;
    for (let i = readers.start[v]!; i < readers.start[v + 1]!; i++) {
      const reader = readers.items[i]!;
      const run = runOf[reader]!;
      if (run === home) continue;
      leaves = true;
      const device = assignment[reader]!;
      if (device === 0 || this.counted[run] === question) continue;
      this.counted[run] = question;
      sum += inUs[device]![v]!;
    }
    return leaves && from >= 0 && assignment[from] !== 0 ? sum + outUs[assignment[from]!]![v]! : sum;
  }
}
