import type { Executor } from "../executors/executors.ts";
import type { SetResult } from "./case.ts";
import { CLASSES, type Class } from "./suite.ts";

/** What is known of a suite: counts that must not fall, and the data sets that fall short, by reason. */
export interface Expectation {
  /** How many data sets there are, and how many ONNX Runtime 1.30 passes. */
  readonly suite: Readonly<Record<Class, { readonly sets: number; readonly onnxRuntime?: number }>>;
  readonly counts: Partial<Record<Executor, Readonly<Record<Class, number>>>>;
  readonly short: Readonly<Record<string, readonly string[]>>;
}

/** What only a run of the whole suite tells. */
export interface WholeRun {
  readonly counts: (executor: Executor, of: Class) => number;
  readonly executors: readonly Executor[];
  /** Every executor ran: what passes now may leave the list. */
  readonly isComplete: boolean;
}

/** What speaks against the expectation, a line each. */
export function judge(results: readonly SetResult[], expected: Omit<Expectation, "suite">, whole?: WholeRun): string[] {
  const listed = new Set(Object.values(expected.short).flat());
  const findings = results.flatMap(({ name, runs }) =>
    listed.has(name) ? [] : runs.filter((run) => !run.ok).map((run) => `falls short: ${name}: ${run.executor}: ${run.reason}`),
  );
  if (!whole) return findings;
  if (whole.isComplete)
    for (const { name, runs } of results) if (listed.has(name) && runs.every((run) => run.ok)) findings.push(`listed as falling short, but passes: ${name}`);
  for (const executor of whole.executors)
    for (const of of CLASSES) {
      const [now, before] = [whole.counts(executor, of), expected.counts[executor]?.[of] ?? 0];
      if (now < before) findings.push(`${executor} passes ${now} of ${of}, before ${before}`);
    }
  return findings;
}
