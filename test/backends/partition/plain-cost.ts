import type { Problem } from "../../../src/backends/partition/problem.ts";
import { RunFinder, type Runs } from "../../../src/backends/partition/runs.ts";
import { randomAssignment, randomProblem } from "./random-problem.ts";

const list = ({ start, items }: Problem["after"], i: number): number[] => [...items.subarray(start[i], start[i + 1])];

/** The cost of an assignment as it is defined, by sets: the less of both first devices. */
export function plainCost(problem: Problem, assignment: Uint8Array): number {
  const finder = new RunFinder(problem);
  const totals = problem.launchUs.map((_, first) => {
    const runs = finder.space();
    finder.find(assignment, first, runs);
    return costOfRuns(problem, assignment, runs);
  });
  return Math.min(...totals);
}

function costOfRuns(problem: Problem, assignment: Uint8Array, { runOf, count, deviceOf }: Runs): number {
  let sum = 0;
  for (let op = 0; op < problem.ops; op++) sum += problem.opUs[assignment[op]!]![op]!;
  for (let run = 0; run < count; run++) {
    const device = deviceOf[run]!;
    if (device === 0) continue;
    sum += problem.launchUs[device]!;
    const values = Array.from({ length: problem.values }, (_, v) => v);
    const home = (v: number): number => (problem.producer[v]! < 0 ? -1 : runOf[problem.producer[v]!]!);
    const readBy = (v: number): number[] => list(problem.readers, v).map((op) => runOf[op]!);
    for (const v of values) {
      if (home(v) !== run && readBy(v).includes(run)) sum += problem.inUs[device]![v]!;
      if (home(v) === run && (problem.isResult[v] || readBy(v).some((reader) => reader !== run))) sum += problem.outUs[device]![v]!;
    }
  }
  return sum;
}

/** Ops of a random graph under a random assignment that stand before something they come behind, or in a run of another device. */
export function outOfSequence(seed: number): readonly number[] {
  const problem = randomProblem(seed + 1, 30 + ((seed * 37) % 271), { accelerators: 1 + (seed % 3), unsupported: (seed % 5) / 8 });
  const assignment = randomAssignment(problem, seed);
  const finder = new RunFinder(problem);
  const runs = finder.space();
  finder.find(assignment, seed % problem.devices, runs);
  const place = new Int32Array(problem.ops).fill(-1);
  runs.order.forEach((op, at) => (place[op] = at));
  const wrong: number[] = [];
  for (let op = 0; op < problem.ops; op++) {
    const isHere = place[op]! >= 0 && runs.deviceOf[runs.runOf[op]!] === assignment[op];
    const isOrdered = list(problem.after, op).every((later) => place[later]! > place[op]! && runs.runOf[later]! >= runs.runOf[op]!);
    if (!isHere || !isOrdered) wrong.push(op);
  }
  return wrong;
}
