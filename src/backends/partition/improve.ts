import { isAtBorder, localChange } from "./local-cost.ts";
import { RunMoves } from "./moves-between-runs.ts";
import type { Assignment, Problem } from "./problem.ts";
import { TotalCost } from "./total-cost.ts";

/** Gains below this are noise of sums of doubles. */
const LEAST_GAIN = 1e-6;
/** Up to as many ops, every move is tried in full. */
const FEW_OPS = 64;
/** Two or three rounds are what graphs take. */
const MOST_ROUNDS = 20;
/** Moves that are tried in full, beyond few ops: a full look costs as much as the graph has ops, and more than these bring another 0.3 %. */
const MOST_LOOKS = 100;

/** Takes assignments downhill: moves ops and whole runs to other devices as long as the total falls. */
export class Descent {
  readonly cost: TotalCost;
  private readonly problem: Problem;
  private readonly moves: RunMoves;
  private looksLeft = 0;
  /** Moves go to devices before this one. */
  private devices = 0;

  constructor(problem: Problem) {
    this.problem = problem;
    this.cost = new TotalCost(problem);
    this.moves = new RunMoves(problem);
  }

  /** Changes the assignment, with the first `devices` only; gives its total. */
  improve(assignment: Assignment, devices: number): number {
    const { cost, problem } = this;
    this.devices = devices;
    this.looksLeft = problem.ops <= FEW_OPS ? Infinity : MOST_LOOKS;
    let total = cost.of(assignment);
    for (let round = 0; round < MOST_ROUNDS && this.looksLeft > 0; round++) {
      const before = total;
      if (problem.ops > FEW_OPS) total = this.moveBetweenRuns(assignment, total);
      total = this.moveOps(assignment, total);
      total = this.moveRuns(assignment, total);
      if (total >= before - LEAST_GAIN) break;
    }
    return total;
  }

  private moveBetweenRuns(assignment: Assignment, total: number): number {
    const moved = assignment.slice();
    this.cost.of(moved);
    this.moves.descend(moved, this.cost.runs, this.devices);
    const found = this.cost.of(moved);
    if (found >= total - LEAST_GAIN) return total;
    assignment.set(moved);
    return found;
  }

  /** Single ops, those first that promise most where not all can be tried. */
  private moveOps(assignment: Assignment, given: number): number {
    const { problem } = this;
    let total = given;
    for (const [op, device] of problem.ops <= FEW_OPS ? this.everyMove() : this.promisingMoves(assignment)) {
      if (device !== assignment[op]) total = this.attempt([op], device, assignment, total);
      if (this.looksLeft <= 0) break;
    }
    return total;
  }

  private everyMove(): (readonly [number, number])[] {
    const { devices } = this;
    const { ops, opUs } = this.problem;
    return Array.from({ length: ops * devices }, (_, i) => [Math.floor(i / devices), i % devices] as const).filter(([op, d]) => opUs[d]![op]! < Infinity);
  }

  private promisingMoves(assignment: Assignment): (readonly [number, number, number])[] {
    const { problem } = this;
    // A launch at each end is the most that a moved border can bring back.
    const slack = 2 * Math.max(0, ...problem.launchUs);
    const found: [number, number, number][] = [];
    for (let op = 0; op < problem.ops; op++) {
      if (!isAtBorder(problem, assignment, op)) continue;
      for (let device = 0; device < this.devices; device++) {
        if (device === assignment[op] || problem.opUs[device]![op] === Infinity) continue;
        const change = localChange(problem, assignment, op, device);
        if (change <= slack) found.push([op, device, change]);
      }
    }
    return found.sort((a, b) => a[2] - b[2]);
  }

  private moveRuns(assignment: Assignment, given: number): number {
    let total = given;
    for (let run = 0; this.looksLeft > 0; run++) {
      // Runs are those of the assignment as it is now, moves that were kept included.
      this.look(assignment);
      const { runOf, count } = this.cost.runs;
      if (run >= count) return total;
      const ops = Array.from(runOf.keys()).filter((op) => runOf[op] === run);
      for (let device = 0; device < this.devices; device++) total = this.attempt(ops, device, assignment, total);
    }
    return total;
  }

  /** Moves those of the ops that the device can do, if that makes the total less. */
  private attempt(ops: readonly number[], device: number, assignment: Assignment, total: number): number {
    const moved = ops.filter((op) => assignment[op] !== device && this.problem.opUs[device]![op]! < Infinity);
    if (moved.length === 0) return total;
    const before = moved.map((op) => assignment[op]!);
    for (const op of moved) assignment[op] = device;
    const found = this.look(assignment);
    if (found < total - LEAST_GAIN) return found;
    moved.forEach((op, i) => (assignment[op] = before[i]!));
    return total;
  }

  private look(assignment: Assignment): number {
    this.looksLeft--;
    return this.cost.of(assignment);
  }
}
