import { problem, type Problem, type ProblemValue } from "../../../src/backends/partition/problem.ts";
import { seededRandom } from "../../../src/support/random.ts";

export interface RandomProblemOptions {
  readonly accelerators?: number;
  /** Of ops no accelerator can run. */
  readonly unsupported?: number;
}

/** A graph of as many ops with costs: heavy ops are 3–10 times faster on an accelerator, light ones 0.3–1.3 times as fast as on the CPU. */
export function randomProblem(seed: number, ops: number, { accelerators = 1, unsupported = 0.25 }: RandomProblemOptions = {}): Problem {
  const random = seededRandom(seed);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const devices = Array.from({ length: accelerators }, (_, d) => d + 1);
  const opUs: number[][] = [];
  const sources = 1 + Math.floor(random() * 2);
  const values: { producer: number; readers: Set<number>; us: number }[] = [];
  for (let i = 0; i < sources; i++) values.push({ producer: -1, readers: new Set(), us: between(2, 60) });
  for (let op = 0; op < ops; op++) {
    const heavy = random() < 0.4;
    const cpu = heavy ? between(50, 400) : between(2, 30);
    opUs.push([cpu, ...devices.map(() => (random() < unsupported ? Infinity : cpu / (heavy ? between(3, 10) : between(0.3, 1.3))))]);
    const fanIn = random() < 0.35 ? 2 : 1;
    for (let i = 0; i < fanIn; i++) {
      // Mostly what is near, so that graphs are as deep as models.
      const back = random() < 0.8 ? Math.floor(random() * 4) : Math.floor(random() * values.length);
      values[Math.max(0, values.length - 1 - back)]!.readers.add(op);
    }
    const results = random() < 0.1 ? 2 : 1;
    for (let i = 0; i < results; i++) values.push({ producer: op, readers: new Set(), us: between(2, 60) });
  }
  const finished = values.map(({ producer, readers, us }): ProblemValue => {
    const both = [0, ...devices.map(() => us)];
    return { producer, readers: [...readers], isResult: producer >= 0 && (readers.size === 0 || random() < 0.05), inUs: both, outUs: both };
  });
  return problem({ opUs, launchUs: [0, ...devices.map(() => between(5, 60))], values: finished });
}

/** Any device that can do it, for each op. */
export function randomAssignment({ ops, devices, opUs }: Problem, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: ops }, (_, op) => {
    const device = Math.floor(random() * devices);
    return opUs[device]![op]! < Infinity ? device : 0;
  });
}
