import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs, Session } from "../session/session.ts";
import { NeoError } from "../support/errors.ts";
import { formatMs, table } from "../support/table.ts";
import type { PHASE } from "./bench-protocol.ts";
import { Spread, summaryOf } from "./bench-samples.ts";
import { listOption, type OptionSpec, type OptionValues } from "./command.ts";
import { sharedBundle, Thread } from "./bench-thread.ts";
import type { Reporter } from "./reporter.ts";

export interface BenchLimits {
  readonly warmupMs: number;
  readonly minRuns: number;
  readonly maxMs: number;
  /** Half of the 95 % interval as a share of the mean. */
  readonly stable: number;
}

/** What was measured with so many sessions at the same time. */
export interface Level {
  readonly sessions: number;
  readonly runs: number;
  readonly warmup: number;
  readonly firstMs: number;
  /** Of all sessions, in ms. */
  readonly samples: readonly number[];
  /** Runs a second, of all sessions together. */
  readonly throughput: number;
  readonly stable: boolean;
}

const MOST_SESSIONS = 256;

export const CONCURRENCY_OPTION: OptionSpec = {
  flags: "--concurrency <levels>",
  text: "so many sessions at the same time, each in a thread of its own: 4, or one measurement each for 1,2,4 or 1:16 or 4:16:4",
};

/** The levels of `--concurrency`, each once, in the order given; undefined without the flag. */
export function concurrencyFrom(options: OptionValues): readonly number[] | undefined {
  const words = listOption(options, "concurrency");
  if (options["concurrency"] === undefined) return undefined;
  const levels = words.flatMap((word) => {
    const [first, last, step = 1] = /^\d+(:\d+){0,2}$/.test(word) ? word.split(":").map(Number) : [0];
    const end = last ?? first!;
    if (first! < 1 || end < first! || end > MOST_SESSIONS || step < 1) throw noLevels(word);
    return Array.from({ length: Math.floor((end - first!) / step) + 1 }, (_, i) => first! + i * step);
  });
  if (levels.length === 0) throw noLevels("");
  return [...new Set(levels)];
}

function noLevels(word: string): NeoError {
  return new NeoError({
    code: "NEO1012",
    message: `--concurrency ${word}: wanted numbers of sessions from 1 to ${MOST_SESSIONS}, or ranges of them`,
    hint: "for example --concurrency 1:16 or --concurrency 1,2,4",
  });
}

/** Measures one level behind the other. The threads of a level stay for the next. */
export async function measureLevels(session: Session, inputs: Inputs, levels: readonly number[], limits: BenchLimits, reporter: Reporter): Promise<Level[]> {
  const shared = sharedBundle(session);
  const threads: Thread[] = [];
  const measured: Level[] = [];
  try {
    for (const sessions of levels) {
      const level = await reporter.stage(`timing ${session.name}, ${sessions} at the same time`, () => {
        while (threads.length < sessions) threads.push(new Thread({ ...shared, inputs }));
        return measureLevel(threads.slice(0, sessions), limits);
      });
      measured.push(level);
    }
    return measured;
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

async function measureLevel(threads: readonly Thread[], limits: BenchLimits): Promise<Level> {
  const [firstMs] = await Promise.all(threads.map((thread) => thread.ready));
  const totals = threads.map(() => ({ runs: 0, elapsedMs: 0, warmup: 0 }));
  const samples: number[] = [];
  const spread = new Spread();
  const least = Math.ceil(limits.minRuns / threads.length);
  const enter = (phase: keyof typeof PHASE): void => threads.forEach((thread) => thread.enter(phase));
  let start = 0;
  const waiting = threads.map((thread, i) =>
    thread.runs(({ samples: more, elapsedMs, warmup }) => {
      for (const sample of more) samples.push(spread.add(sample) && sample);
      totals[i] = { runs: totals[i]!.runs + more.length, elapsedMs, warmup };
      const isEnough = totals.every(({ runs }) => runs >= least) && (spread.isWithin(limits.stable) || performance.now() - start >= limits.maxMs);
      if (isEnough) enter("wait");
    }),
  );
  enter("warm");
  await Promise.race([sleep(limits.warmupMs), ...waiting]);
  start = performance.now();
  enter("count");
  await Promise.all(waiting);
  return {
    sessions: threads.length,
    runs: samples.length,
    warmup: totals.reduce((sum, { warmup }) => sum + warmup, 0),
    firstMs: firstMs!,
    samples,
    throughput: totals.reduce((sum, { runs, elapsedMs }) => sum + (1000 * runs) / elapsedMs, 0),
    stable: spread.isWithin(limits.stable),
  };
}

export function levelLines({ name, artifact }: Session, levels: readonly Level[], percentiles: readonly number[]): string[] {
  const best = levels.reduce((a, b) => (b.throughput > a.throughput ? b : a));
  const one = levels.find(({ sessions }) => sessions === 1);
  const right = (title: string) => ({ title, align: "right" as const });
  return [
    `${name} on ${artifact.id}, each session in a thread of its own`,
    table(
      [right("sessions"), right("runs"), right("runs/s"), right("mean"), ...percentiles.map((p) => right(`p${p}`)), right("max"), { title: "" }],
      levels.map(({ sessions, runs, throughput, samples, stable }) => {
        const ms = summaryOf(samples, percentiles);
        const times = [ms.mean, ...percentiles.map((p) => ms[`p${p}`]!), ms.max];
        return [sessions, runs, throughput.toFixed(throughput < 100 ? 1 : 0), ...times.map(formatMs), stable ? "" : "not stable"];
      }),
    ),
    `most: ${best.throughput.toFixed(best.throughput < 100 ? 1 : 0)} runs a second with ${best.sessions} session${best.sessions > 1 ? "s" : ""}` +
      (one && best !== one ? `, ${(best.throughput / one.throughput).toFixed(2)}x of one` : ""),
  ];
}

export function adviceForLevels(levels: readonly Level[]): string[] {
  const [cores, most] = [availableParallelism(), Math.max(...levels.map(({ sessions }) => sessions))];
  return most > cores ? [`advice: this machine runs ${cores} threads at a time: more sessions than that wait for each other`] : [];
}
