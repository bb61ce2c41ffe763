import type { ArtifactProgram, StepNote } from "../package/manifest.ts";
import type { BoundRun, Session } from "../session/session.ts";
import { NeoError } from "../support/errors.ts";
import { formatBytes, formatCount, formatMs, table } from "../support/table.ts";
import type { BenchLimits } from "./bench-levels.ts";
import { measure } from "./bench-single.ts";
import { summaryOf, type MsSummary } from "./bench-samples.ts";
import type { MachinePeaks } from "./machine-peaks.ts";

/** A step of code, and what it cost. Times are without the cost of a call. */
export interface ProfiledStep extends StepNote {
  readonly step: number;
  readonly first: number;
  readonly min: number;
  readonly avg: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the medians of all steps. */
  readonly share: number;
  readonly gflops: number;
  /** The least time that the machine's arithmetic and memory allow, as a share of the least time measured. */
  readonly roofline: number | null;
  readonly bound: "arithmetic" | "memory" | null;
}

export interface Profile {
  readonly steps: readonly ProfiledStep[];
  readonly byType: readonly { readonly op: string; readonly steps: number; readonly p50: number; readonly share: number; readonly macs: number }[];
  /** The cost of calling a step at all, taken from each of them. */
  readonly callMs: number;
  readonly runs: number;
  readonly peaks: MachinePeaks | undefined;
}

/** Bytes that a run touches at most: what decides which memory it lives in. */
export function workingSet(session: Session, { program }: BoundRun): number {
  const [code] = codeOf(session, program.id);
  return code.arenaBytes + session.artifact.weights.bytes + [...program.inputs, ...program.outputs].reduce((n, port) => n + port.bytes, 0);
}

/** Times each step of run after run. The last step of such a program is empty: it tells what a call costs. */
export async function profile(session: Session, bound: BoundRun, limits: BenchLimits, peaks: MachinePeaks | undefined): Promise<Profile> {
  const [, notes] = codeOf(session, bound.program.id);
  const first: number[] = [];
  bound.observe((index, run) => (first[index] = timed(run)));
  const samples = notes.map((): number[] => []);
  const warm = performance.now() + limits.warmupMs;
  const { samples: runs } = await measure(() => {
    const keep = performance.now() > warm;
    bound.observe((index, run) => {
      const ms = timed(run);
      if (keep || samples[index]!.length < limits.minRuns) samples[index]!.push(ms);
    });
  }, limits);
  const calls = summaryOf(samples.at(-1)!, [50]);
  const all = samples.slice(0, -1).map((times) => without(calls.min, summaryOf(times, [50, 99])));
  const total = all.reduce((n, { p50 }) => n + p50!, 0);
  const steps = all.map((ms, step): ProfiledStep => {
    const note = notes[step]!;
    return { ...note, step, first: Math.max(0, first[step]! - calls.min), ...figuresOf(note, ms, total, peaks) };
  });
  return { steps, byType: typesOf(steps), callMs: calls.min, runs: runs.length, peaks };
}

/** One step alone, over and over, within runs of the whole program, so that what it reads is what it would read. */
export async function timeKernel(
  session: Session,
  bound: BoundRun,
  asked: string,
  limits: BenchLimits,
  peaks: MachinePeaks | undefined,
): Promise<ProfiledStep[]> {
  const [, notes] = codeOf(session, bound.program.id);
  const code = notes.slice(0, -1);
  const named = code.flatMap((note, step) => ([note.op, ...note.nodes, ...note.kernels].includes(asked) ? [step] : []));
  if (named.length === 0)
    throw new NeoError({
      code: "NEO1027",
      message: `--kernel ${asked}: ${session.name} has no such node, op or kernel`,
      notes: [...new Set(code.flatMap(({ nodes }) => nodes))].slice(0, 10).map((name) => ({ where: name, text: "is a node of it" })),
      hint: "`neo bench --profile` lists them all",
    });
  const found: ProfiledStep[] = [];
  for (const step of named) {
    let times = 1;
    const samples: number[] = [];
    const { firstMs } = await measure(() => {
      bound.observe((index, run) => {
        if (index !== step) return run();
        const ms = timed(() => {
          for (let i = 0; i < times; i++) run();
        });
        samples.push(ms / times);
        times = Math.min(MOST_REPEATS, Math.max(times, Math.ceil((times * BATCH_MS) / Math.max(ms, 1e-4))));
      });
    }, limits);
    const ms = summaryOf(samples.slice(Math.floor(samples.length / 4)), [50, 99]);
    found.push({ ...code[step]!, step, first: firstMs, ...figuresOf(code[step]!, ms, ms.p50!, peaks) });
  }
  return found;
}

/** Long beside the clock. */
const BATCH_MS = 0.1;
const MOST_REPEATS = 1000;

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

/** The program's code, and a note for each step; of bundles that keep none, an error. */
function codeOf({ artifact, programs, name }: Session, id: string): readonly [ArtifactProgram, readonly StepNote[]] {
  const code = artifact.programs[programs.findIndex((program) => program.id === id)]!;
  if (code.notes) return [code, code.notes];
  throw new NeoError({
    code: "NEO1028",
    message: `${name} does not say what its steps are`,
    hint: "give the model file, which is then compiled to be profiled, or a bundle of `neo compile --profile`",
  });
}

function without(callMs: number, ms: MsSummary): MsSummary {
  return Object.fromEntries(Object.entries(ms).map(([name, value]) => [name, Math.max(0, value - callMs)])) as unknown as MsSummary;
}

function figuresOf(
  { macs, bytes }: StepNote,
  ms: MsSummary,
  total: number,
  peaks: MachinePeaks | undefined,
): Omit<ProfiledStep, keyof StepNote | "step" | "first"> {
  const [arithmetic, memory] = peaks ? [macs / peaks.macsPerMs, bytes / peaks.bytesPerMs] : [0, 0];
  return {
    min: ms.min,
    avg: ms.mean,
    p50: ms.p50!,
    p99: ms.p99!,
    share: total > 0 ? ms.p50! / total : 0,
    gflops: ms.min > 0 ? (2 * macs) / ms.min / 1e6 : 0,
    roofline: peaks && ms.min > 0 ? Math.max(arithmetic, memory) / ms.min : null,
    bound: peaks ? (arithmetic >= memory ? "arithmetic" : "memory") : null,
  };
}

function typesOf(steps: readonly ProfiledStep[]): Profile["byType"] {
  const ops = [...new Set(steps.map(({ op }) => op))];
  return ops
    .map((op) => {
      const of = steps.filter((step) => step.op === op);
      const sum = (pick: (step: ProfiledStep) => number): number => of.reduce((n, step) => n + pick(step), 0);
      return { op, steps: of.length, p50: sum((s) => s.p50), share: sum((s) => s.share), macs: sum((s) => s.macs) };
    })
    .sort((a, b) => b.p50 - a.p50);
}

/** The tables of a profile: by step, slowest first, and by kind of op. */
export function profileLines({ steps, byType, callMs, runs, peaks }: Profile): string[] {
  const slowest = [...steps].sort((a, b) => b.p50 - a.p50);
  let cumulative = 0;
  return [
    `${steps.length} steps, ${runs} runs; a call costs ${formatMs(callMs)}, taken off`,
    peaksLine(peaks),
    "",
    stepTable(slowest, (step) => (cumulative += step.share)),
    "",
    table(
      [{ title: "op" }, right("steps"), right("p50"), right("share"), right("MACs")],
      byType.map((type) => [type.op, type.steps, formatMs(type.p50), percent(type.share), formatCount(type.macs)]),
    ),
  ];
}

export function kernelLines(steps: readonly ProfiledStep[], peaks: MachinePeaks | undefined): string[] {
  return [peaksLine(peaks), "", stepTable(steps)];
}

function peaksLine(peaks: MachinePeaks | undefined): string {
  if (!peaks) return "no C compiler here: what the machine could give is not known";
  const gflops = ((2 * peaks.macsPerMs) / 1e6).toFixed(1);
  return `this core gives ${gflops} GFLOP/s, and reads ${formatBytes(peaks.bytesPerMs * 1000)} a second from memory of this model's size`;
}

function stepTable(steps: readonly ProfiledStep[], cumulative?: (step: ProfiledStep) => number): string {
  return table(
    [
      ...[right("step"), { title: "op" }, { title: "node", max: 40 }, right("first"), right("min"), right("p50"), right("p99")],
      ...(cumulative ? [right("share"), right("cum.")] : []),
      ...[right("MACs"), right("GFLOP/s"), right("bytes"), right("roofline"), { title: "kernel", max: 40 }],
    ],
    steps.map((step) => [
      ...[step.step, step.op, step.nodes.join("+") || "–", formatMs(step.first), formatMs(step.min), formatMs(step.p50), formatMs(step.p99)],
      ...(cumulative ? [percent(step.share), percent(cumulative(step))] : []),
      ...[step.macs > 0 ? formatCount(step.macs) : "–", step.macs > 0 ? step.gflops.toFixed(1) : "–", formatBytes(step.bytes)],
      step.roofline === null ? "–" : `${percent(step.roofline)} ${step.bound === "memory" ? "mem" : "mac"}`,
      step.kernels.join(" ") || "–",
    ]),
  );
}

/** Nothing is computed there. */
const LAYOUT: ReadonlySet<string> = new Set(["layout", "transpose", "reshape"]);

/** What to look at first. */
export function profileAdvice({ steps }: Profile): string[] {
  const name = (step: ProfiledStep): string => step.nodes.join("+") || step.op;
  const [top] = [...steps].sort((a, b) => b.p50 - a.p50);
  const moving = steps.filter(({ op }) => LAYOUT.has(op)).reduce((n, { share }) => n + share, 0);
  return [
    ...(top && top.share > 0.25 && top.bound === "memory" && top.roofline !== null
      ? [
          `advice: ${name(top)} takes ${percent(top.share)} of the time and is memory bound, at ${percent(top.roofline)} of roofline: smaller weights help, more arithmetic does not`,
        ]
      : []),
    ...(top && top.share > 0.25 && top.bound === "arithmetic" && top.roofline !== null && top.roofline < 0.5
      ? [`advice: ${name(top)} takes ${percent(top.share)} of the time at ${percent(top.roofline)} of what the core's arithmetic allows`]
      : []),
    ...(moving > 0.15 ? [`advice: ${percent(moving)} of the time goes into moving tensors from one layout to another`] : []),
  ];
}

function right(title: string): { title: string; align: "right" } {
  return { title, align: "right" };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
