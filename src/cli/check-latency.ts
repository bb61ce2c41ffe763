import type { Session } from "../session/session.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { formatMs } from "../support/table.ts";
import { measure } from "./bench-single.ts";
import { summaryOf } from "./bench-samples.ts";
import { textOption, type OptionValues } from "./command.ts";
import { inputValues } from "./input-values.ts";

/** `p99<5ms`. */
export interface LatencyLimit {
  readonly text: string;
  readonly figure: string;
  readonly percentiles: readonly number[];
  readonly holds: (ms: number) => boolean;
}

const UNITS: Readonly<Record<string, number>> = { us: 1e-3, µs: 1e-3, ms: 1, s: 1000 };
const LIMITS = { warmupMs: 200, minRuns: 50, maxMs: 2000, stable: 0.01 };

/** What `--assert-latency` says; undefined without it. */
export function latencyLimit(options: OptionValues): LatencyLimit | undefined {
  const text = textOption(options, "assertLatency");
  if (text === undefined) return undefined;
  const [, figure, percent, sign, number, unit] = /^\s*(mean|min|max|p(\d+(?:\.\d+)?))\s*(<=?)\s*(\d+(?:\.\d+)?)\s*(us|µs|ms|s)\s*$/.exec(text) ?? [];
  if (figure === undefined || Number(percent ?? 0) > 100)
    throw new NeoError({
      code: "NEO1017",
      message: `--assert-latency ${text}: wanted a figure, "<" and a time`,
      hint: 'for example --assert-latency "p99<5ms"',
    });
  const most = Number(number) * UNITS[unit!]!;
  return { text, figure, percentiles: percent === undefined ? [] : [Number(percent)], holds: (ms) => (sign === "<" ? ms < most : ms <= most) };
}

/** Times a session with random inputs. */
export async function measuredLatency(session: Session, { figure, percentiles }: LatencyLimit, cwd: string): Promise<number> {
  const bound = await session.bind(await inputValues([], { inputs: session.inputs }, cwd));
  const { samples } = await measure(session.isAsync ? () => bound.runAsync() : () => bound.run(), LIMITS);
  return summaryOf(samples, percentiles)[figure as "mean"];
}

export function brokenLatency(limit: LatencyLimit, ms: number, artifact: string): Note[] {
  return limit.holds(ms) ? [] : [{ where: `--assert-latency on ${artifact}`, text: `found ${limit.figure} ${formatMs(ms)}, wanted ${limit.text}` }];
}
