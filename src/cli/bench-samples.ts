import { formatMs } from "../support/table.ts";

/** Times of runs, in ms. */
export interface MsSummary {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  /** Half the 95 % interval of the mean. */
  readonly ci95: number;
  /** `p50`, `p99.9`, …, as asked for. */
  readonly [percentile: `p${number}`]: number;
}

export function summaryOf(samples: readonly number[], percentiles: readonly number[]): MsSummary {
  const sorted = Float64Array.from(samples).sort();
  const { mean, ci95 } = spreadOf(samples);
  const at = (p: number): number => sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))]!;
  return {
    min: sorted[0]!,
    mean,
    ...Object.fromEntries(percentiles.map((p) => [`p${p}`, at(p)])),
    max: sorted.at(-1)!,
    ci95,
  };
}

export function summaryLine(ms: MsSummary, percentiles: readonly number[]): string {
  return [`min ${formatMs(ms.min)}`, `mean ${formatMs(ms.mean)} ± ${formatMs(ms.ci95)}`, ...percentiles.map((p) => `p${p} ${formatMs(ms[`p${p}`]!)}`)]
    .concat(`max ${formatMs(ms.max)}`)
    .join(", ");
}

/** Mean and 95 % interval of times as they come (Welford). */
export class Spread {
  count = 0;
  mean = 0;
  private squares = 0;

  add(sample: number): this {
    this.count++;
    const before = sample - this.mean;
    this.mean += before / this.count;
    this.squares += before * (sample - this.mean);
    return this;
  }

  /** Half the 95 % interval of the mean. */
  get ci95(): number {
    return this.count < 2 ? 0 : 1.96 * Math.sqrt(this.squares / (this.count - 1) / this.count);
  }

  /** Whether half of the interval is within `share` of the mean. */
  isWithin(share: number): boolean {
    return this.ci95 <= share * this.mean;
  }
}

function spreadOf(samples: readonly number[]): Spread {
  const spread = new Spread();
  for (const sample of samples) spread.add(sample);
  return spread;
}

export function adviceFor(samples: readonly number[], stable: boolean): string[] {
  const sorted = Float64Array.from(samples).sort();
  const median = sorted[Math.floor(sorted.length / 2)]!;
  return [
    ...(stable ? [] : ["advice: the mean is not stable: is something else running? Compare minima, or raise --max-secs"]),
    ...(spreadOf(samples).mean > 1.2 * median ? ["advice: a few slow runs raise the mean: look at the percentiles"] : []),
  ];
}
