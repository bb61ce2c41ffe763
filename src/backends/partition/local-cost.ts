import type { Assignment, Problem } from "./problem.ts";

/**
 * How ops and transfers change when one op goes to another device, as if each device had one region: quick, and of most moves enough
 * to know that they do not pay.
 */
export function localChange(problem: Problem, assignment: Assignment, op: number, to: number): number {
  const from = assignment[op]!;
  const { opUs, reads, gives } = problem;
  const touched = (): number => {
    let sum = 0;
    for (let i = reads.start[op]!; i < reads.start[op + 1]!; i++) sum += transfers(problem, assignment, reads.items[i]!);
    for (let i = gives.start[op]!; i < gives.start[op + 1]!; i++) sum += transfers(problem, assignment, gives.items[i]!);
    return sum;
  };
  const before = touched();
  assignment[op] = to;
  const after = touched();
  assignment[op] = from;
  return opUs[to]![op]! - opUs[from]![op]! + after - before;
}

function transfers({ producer, isResult, readers, inUs, outUs }: Problem, assignment: Assignment, v: number): number {
  const home = producer[v]! < 0 ? 0 : assignment[producer[v]!]!;
  let leaves = isResult[v] === 1;
  let seen = 1 << home;
  let sum = 0;
  for (let i = readers.start[v]!; i < readers.start[v + 1]!; i++) {
    const device = assignment[readers.items[i]!]!;
    if (seen & (1 << device)) continue;
    seen |= 1 << device;
    leaves = true;
    if (device !== 0) sum += inUs[device]![v]!;
  }
  return leaves && home !== 0 ? sum + outUs[home]![v]! : sum;
}

/** Whether an op reads from or is read by another device than its own, the outside being the CPU. */
export function isAtBorder({ producer, isResult, readers, reads, gives }: Problem, assignment: Assignment, op: number): boolean {
  const own = assignment[op]!;
  for (let i = reads.start[op]!; i < reads.start[op + 1]!; i++) {
    const from = producer[reads.items[i]!]!;
    if ((from < 0 ? 0 : assignment[from]!) !== own) return true;
  }
  for (let i = gives.start[op]!; i < gives.start[op + 1]!; i++) {
    const v = gives.items[i]!;
    if (isResult[v] && own !== 0) return true;
    for (let r = readers.start[v]!; r < readers.start[v + 1]!; r++) if (assignment[readers.items[r]!]! !== own) return true;
  }
  return false;
}
