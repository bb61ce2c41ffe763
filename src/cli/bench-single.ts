import type { BenchLimits, Level } from "./bench-levels.ts";
import { Spread } from "./bench-samples.ts";

type Run = () => void | Promise<void>;

async function timed(run: Run): Promise<number> {
  const start = performance.now();
  const done = run();
  if (done) await done;
  return performance.now() - start;
}

/** Between two runs the event loop gets a turn at least this often, so that an interrupt is heard. */
const TURN_MS = 50;

/** One session, in this thread. Runs that have to be waited for are. */
export async function measure(run: Run, limits: BenchLimits): Promise<Level> {
  const firstMs = await timed(run);
  let warmup = 0;
  for (const start = performance.now(); performance.now() - start < limits.warmupMs; warmup++) {
    await timed(run);
    await turn();
  }
  const samples: number[] = [];
  const spread = new Spread();
  const start = performance.now();
  let [stable, turned] = [false, start];
  while (!stable && (samples.length < limits.minRuns || performance.now() - start < limits.maxMs)) {
    for (let i = 0; i < limits.minRuns; i++) {
      const ms = await timed(run);
      samples.push(ms);
      spread.add(ms);
      if (performance.now() - turned < TURN_MS) continue;
      await turn();
      turned = performance.now();
    }
    stable = spread.isWithin(limits.stable);
  }
  return { sessions: 1, runs: samples.length, warmup, firstMs, samples, throughput: 1000 / spread.mean, stable };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
