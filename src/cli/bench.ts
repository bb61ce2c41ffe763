import { writeOutput } from "./files.ts";
import type { ManifestProgram } from "../package/manifest.ts";
import type { BoundRun, Session } from "../session/session.ts";
import { forgetPeak, peakMemory } from "../support/node/peak-memory.ts";
import { formatBytes, formatMs } from "../support/table.ts";
import { NeoError } from "../support/errors.ts";
import { findCompilers } from "../support/node/compilers.ts";
import { targetByName } from "../target-by-name.ts";
import { listOption, repeatedOption, textOption, type CommandSpec, type Invocation, type OptionValues, type Outcome } from "./command.ts";
import { kernelLines, profile, profileAdvice, profileLines, timeKernel, workingSet } from "./bench-profile.ts";
import { machinePeaks, type MachinePeaks } from "./machine-peaks.ts";
import { adviceForLevels, CONCURRENCY_OPTION, concurrencyFrom, levelLines, measureLevels, type BenchLimits, type Level } from "./bench-levels.ts";
import { measure } from "./bench-single.ts";
import { adviceFor, summaryLine, summaryOf } from "./bench-samples.ts";
import { INPUT_OPTION, inputValues } from "./input-values.ts";
import { openSession, SESSION_OPTIONS } from "./open-session.ts";

export const bench: CommandSpec = {
  name: "bench",
  args: [{ name: "bundle", text: "a .neo file or a model" }],
  options: [
    INPUT_OPTION,
    { flags: "--warmup-ms <ms>", text: "time before the first counted run", fallback: "300" },
    { flags: "--min-runs <n>", text: "counted runs at least", fallback: "50" },
    { flags: "--max-secs <s>", text: "counted time at most", fallback: "10" },
    { flags: "--until-stable <percent>", text: "stop when the 95 % interval of the mean is within this share", fallback: "1" },
    CONCURRENCY_OPTION,
    { flags: "--percentiles <list>", text: "which percentiles", fallback: "50,90,95,99" },
    { flags: "--export <file>", text: "writes the raw samples, in ms, as JSON" },
    { flags: "--profile", text: "where the time goes, step by step, beside what this machine allows" },
    { flags: "--kernel <node>", text: "only the steps of a node, an op or a kernel, each over and over" },
    { flags: "--memory", text: "also shows the arena, the weights and the most memory the process held while it ran" },
    ...SESSION_OPTIONS,
  ],
  examples: ["neo bench model.neo", "neo bench model.onnx --profile"],
  exits: {
    0: "ok",
    2: "usage",
    3: "no code for this machine, unsupported model",
    5: "not signed by a trusted key, or damaged",
    6: "a file can't be read or written",
    7: "the model exceeds a limit",
  },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const { options, cwd, reporter } = invocation;
    const limits = {
      warmupMs: number(options, "warmupMs"),
      minRuns: Math.max(1, number(options, "minRuns")),
      maxMs: 1000 * number(options, "maxSecs"),
      stable: number(options, "untilStable") / 100,
    };
    const percentiles = percentilesFrom(options);
    const concurrency = concurrencyFrom(options);
    const rssBefore = process.memoryUsage().rss;
    const session = await openSession(file, invocation);
    // Loading and, for a model, compiling are over: what follows is running alone.
    if (options["memory"] === true) forgetPeak();
    try {
      const inputs = await inputValues(
        repeatedOption(options, "input"),
        { inputs: session.inputs, preprocess: (name, picture) => session.preprocess(name, picture) as never },
        cwd,
      );
      const bound = await session.bind(inputs);
      if (options["profile"] === true || options["kernel"] !== undefined) return await profiled(session, bound, file, limits, invocation);
      const levels = concurrency
        ? await measureLevels(session, inputs, concurrency, limits, reporter)
        : [await reporter.stage(`timing ${session.name}`, () => measure(session.isAsync ? () => bound.runAsync() : () => bound.run(), limits))];
      const [first] = levels as [Level];
      const samplesFile = textOption(options, "export");
      if (samplesFile) {
        const raw = concurrency ? Object.fromEntries(levels.map((level) => [level.sessions, level.samples])) : first.samples;
        await writeOutput(samplesFile, new TextEncoder().encode(`${JSON.stringify(raw)}\n`), cwd);
      }
      const memory = options["memory"] === true ? memoryOf(session, bound.program) : undefined;
      const advice = concurrency ? adviceForLevels(levels) : adviceFor(first.samples, first.stable);
      const lines = [
        ...(concurrency ? levelLines(session, levels, percentiles) : singleLines(session, first, percentiles)),
        ...(memory ? [memoryLine(memory, Math.max(...levels.map((level) => level.sessions)))] : []),
        ...advice,
        `next: neo compare ${file} …, or --export samples.json`,
      ];
      return {
        text: lines.join("\n"),
        result: {
          device: { artifact: session.artifact.id, executor: session.kind },
          ...figuresOf(first, percentiles),
          ...(concurrency ? { levels: levels.map((level) => ({ sessions: level.sessions, ...figuresOf(level, percentiles) })) } : {}),
          rssBytes: process.memoryUsage().rss - rssBefore,
          ...(memory ? { memory } : {}),
          ...(samplesFile ? { samples: samplesFile } : {}),
          advice,
        },
      };
    } finally {
      session.close();
    }
  },
};

/** `--profile` and `--kernel`. */
async function profiled(session: Session, bound: BoundRun, file: string, limits: BenchLimits, { options, reporter, env, cwd }: Invocation): Promise<Outcome> {
  const kernel = textOption(options, "kernel");
  const device = { artifact: session.artifact.id, executor: session.kind };
  const bytes = workingSet(session, bound);
  const peaks = await reporter.stage("measuring what this machine gives", () => peaksFor(session, bytes, env, cwd));
  if (kernel !== undefined) {
    const steps = await reporter.stage(`timing ${kernel}`, () => timeKernel(session, bound, kernel, limits, peaks));
    return { text: kernelLines(steps, peaks).join("\n"), result: { device, ...(peaks ? { peaks } : {}), kernels: steps } };
  }
  const found = await reporter.stage(`timing ${session.name}`, () => profile(session, bound, limits, peaks));
  const advice = profileAdvice(found);
  return {
    text: [`${session.name} on ${device.artifact}`, ...profileLines(found), ...advice, `next: neo bench ${file} --kernel NODE`].join("\n"),
    result: { device, ...(peaks ? { peaks } : {}), runs: found.runs, callMs: found.callMs, nodes: found.steps, byType: found.byType, advice },
  };
}

/** Undefined where this machine has no compiler for what it runs. */
async function peaksFor(session: Session, bytes: number, env: Invocation["env"], cwd: string): Promise<MachinePeaks | undefined> {
  if (session.kind === "native" && !env["NEO_CC"] && (await findCompilers(env["PATH"] ?? "")).length === 0) return undefined;
  return machinePeaks(await targetByName(session.kind === "wasm" ? "wasm" : "host", cwd), bytes, env);
}

function figuresOf({ runs, warmup, firstMs, throughput, stable, samples }: Level, percentiles: readonly number[]): object {
  return { runs, warmup, firstMs, ms: summaryOf(samples, percentiles), throughput, stable };
}

function singleLines({ name, artifact }: Session, { runs, warmup, firstMs, throughput, stable, samples }: Level, percentiles: readonly number[]): string[] {
  return [
    `${name} on ${artifact.id}, ${runs} runs after ${warmup} of warm-up${stable ? "" : " (not stable)"}`,
    `first ${formatMs(firstMs)}, ${summaryLine(summaryOf(samples, percentiles), percentiles)}`,
    `${throughput.toFixed(0)} runs a second`,
  ];
}

interface MemoryReport {
  readonly arenaBytes: number;
  readonly weightsBytes: number;
  /** Inputs and outputs. */
  readonly borderBytes: number;
  readonly peakRssBytes: number;
  /** runs: nothing but loading is in the peak. process: nor is it known to be without compiling. */
  readonly peakOf: "runs" | "process";
}

function memoryOf({ artifact }: Session, program: ManifestProgram): MemoryReport {
  const peak = peakMemory();
  return {
    arenaBytes: Math.max(...artifact.programs.map((p) => p.arenaBytes)),
    weightsBytes: artifact.weights.bytes,
    borderBytes: [...program.inputs, ...program.outputs].reduce((n, port) => n + port.bytes, 0),
    peakRssBytes: peak.bytes,
    peakOf: peak.since === "reset" ? "runs" : "process",
  };
}

function memoryLine(m: MemoryReport, sessions: number): string {
  const peak = m.peakOf === "runs" ? "of the process while it ran" : "of the process since its start, with loading and compiling";
  return `arena ${formatBytes(m.arenaBytes)}${sessions > 1 ? ` in each of ${sessions} sessions` : ""}, weights ${formatBytes(m.weightsBytes)}, inputs and outputs ${formatBytes(m.borderBytes)}; peak ${formatBytes(m.peakRssBytes)} ${peak}, Node included`;
}

function number(options: OptionValues, key: string): number {
  const text = textOption(options, key)!;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0)
    throw new NeoError({ code: "NEO1012", message: `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} ${text}: wanted a number`, hint: "not negative" });
  return value;
}

function percentilesFrom(options: OptionValues): number[] {
  return listOption(options, "percentiles").map((word) => {
    if (/^\d+(\.\d+)?$/.test(word) && Number(word) <= 100) return Number(word);
    throw new NeoError({ code: "NEO1012", message: `--percentiles ${word}: wanted a number from 0 to 100`, hint: "for example --percentiles 50,99.9" });
  });
}
