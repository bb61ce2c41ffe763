import type { Assignment, Problem } from "./problem.ts";

/** Ops in an order in which each comes behind those it has to, and which run each is in. Runs follow each other in that order. */
export interface Runs {
  readonly order: Int32Array;
  /** By op. */
  readonly runOf: Int32Array;
  /** Device of each run; as many as `count` are meant. */
  readonly deviceOf: Uint8Array;
  count: number;
}

/**
 * Few alternations of one topological order, whatever the assignment: everything that is ready on the device at hand is drained, then
 * the device changes. What one device does in a run can be executed in one call, run by run: there are no cycles between runs. For two
 * devices and the better of both first ones there are no fewer runs in any order.
 */
export class RunFinder {
  private readonly problem: Problem;
  private readonly left: Int32Array;
  /** One queue a device: heads and tails of lists linked through `next`. */
  private readonly next: Int32Array;
  private readonly head: Int32Array;
  private readonly tail: Int32Array;
  private readonly ready: Int32Array;

  constructor(problem: Problem) {
    this.problem = problem;
    this.left = new Int32Array(problem.ops);
    this.next = new Int32Array(problem.ops);
    this.head = new Int32Array(problem.devices);
    this.tail = new Int32Array(problem.devices);
    this.ready = new Int32Array(problem.devices);
  }

  /** Space for what `find` finds. */
  space(): Runs {
    const { ops } = this.problem;
    return { order: new Int32Array(ops), runOf: new Int32Array(ops), deviceOf: new Uint8Array(ops), count: 0 };
  }

  /** Writes the runs that begin with the device `first`, or with another one if nothing is ready there. */
  find(assignment: Assignment, first: number, into: Runs): void {
    const { problem, left, next, head, ready } = this;
    const { start, items } = problem.after;
    left.set(problem.before);
    ready.fill(0);
    head.fill(-1);
    for (let op = 0; op < problem.ops; op++) if (left[op] === 0) this.push(op, assignment[op]!);
    into.count = 0;
    let device = first;
    for (let at = 0; at < problem.ops; into.count++) {
      if (ready[device] === 0) device = this.fullest();
      into.deviceOf[into.count] = device;
      while (ready[device]! > 0) {
        const op = head[device]!;
        head[device] = next[op]!;
        ready[device]!--;
        into.order[at++] = op;
        into.runOf[op] = into.count;
        for (let i = start[op]!; i < start[op + 1]!; i++) {
          const later = items[i]!;
          if (--left[later]! === 0) this.push(later, assignment[later]!);
        }
      }
    }
  }

  private push(op: number, device: number): void {
    if (this.ready[device]!++ === 0) this.head[device] = op;
    else this.next[this.tail[device]!] = op;
    this.tail[device] = op;
  }

  /** The device with most ops to go on with. */
  private fullest(): number {
    let best = 0;
    for (let d = 1; d < this.problem.devices; d++) if (this.ready[d]! > this.ready[best]!) best = d;
    return best;
  }
}
