import { writeOutput } from "./files.ts";
import type { ManifestProgram } from "../package/manifest.ts";
import type { Session } from "../session/session.ts";
import { forgetPeak, peakMemory } from "../support/node/peak-memory.ts";
import { formatBytes, formatMs } from "../support/table.ts";
import { NeoError } from "../support/errors.ts";
import { listOption, repeatedOption, textOption, type CommandSpec, type OptionValues } from "./command.ts";
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
    { flags: "--percentiles <list>", text: "which percentiles", fallback: "50,90,95,99" },
    { flags: "--export <file>", text: "writes the raw samples, in ms, as JSON" },
    { flags: "--memory", text: "also shows the arena, the weights and the most memory the process held while it ran" },
    ...SESSION_OPTIONS,
  ],
  examples: ["neo bench model.neo", "neo bench model.onnx --executor wasm --max-secs 5 --json"],
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
      const firstMs = timed(() => bound.run());
      const { samples, warmup, stable } = await reporter.stage(`timing ${session.name}`, () => measure(() => bound.run(), limits));
      const sorted = [...samples].sort((a, b) => a - b);
      const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
      const at = (p: number): number => sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))]!;
      const ms = { min: sorted[0]!, mean, ...Object.fromEntries(percentiles.map((p) => [`p${p}`, at(p)])), max: sorted.at(-1)!, ci95: interval(samples, mean) };
      const samplesFile = textOption(options, "export");
      if (samplesFile) await writeOutput(samplesFile, new TextEncoder().encode(`${JSON.stringify(samples)}\n`), cwd);
      const advice = adviceFor(samples, mean, stable);
      const memory = options["memory"] === true ? memoryOf(session, bound.program) : undefined;
      const lines = [
        `${session.name} on ${session.artifact.id}, ${samples.length} runs after ${warmup} of warm-up${stable ? "" : " (not stable)"}`,
        `first ${formatMs(firstMs)}, min ${formatMs(ms.min)}, mean ${formatMs(mean)} ± ${formatMs(ms.ci95)}, ${percentiles.map((p) => `p${p} ${formatMs(at(p))}`).join(", ")}, max ${formatMs(ms.max)}`,
        `${(1000 / mean).toFixed(0)} runs a second`,
        ...(memory ? [memoryLine(memory)] : []),
        ...advice,
        `next: neo compare ${file} …, or --export samples.json`,
      ];
      return {
        text: lines.join("\n"),
        result: {
          device: { artifact: session.artifact.id, executor: session.kind },
          runs: samples.length,
          warmup,
          firstMs,
          ms,
          throughput: 1000 / mean,
          stable,
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

function memoryLine(m: MemoryReport): string {
  const peak = m.peakOf === "runs" ? "of the process while it ran" : "of the process since its start, with loading and compiling";
  return `arena ${formatBytes(m.arenaBytes)}, weights ${formatBytes(m.weightsBytes)}, inputs and outputs ${formatBytes(m.borderBytes)}; peak ${formatBytes(m.peakRssBytes)} ${peak}, Node included`;
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

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

/** Between two runs the event loop gets a turn at least this often, so that an interrupt is heard. */
const TURN_MS = 50;

interface Limits {
  readonly warmupMs: number;
  readonly minRuns: number;
  readonly maxMs: number;
  /** Half of the 95 % interval as a share of the mean. */
  readonly stable: number;
}

async function measure(run: () => void, limits: Limits): Promise<{ samples: number[]; warmup: number; stable: boolean }> {
  let warmup = 0;
  for (const start = performance.now(); performance.now() - start < limits.warmupMs; warmup++) {
    run();
    await turn();
  }
  const samples: number[] = [];
  const start = performance.now();
  let [stable, turned] = [false, start];
  while (!stable && (samples.length < limits.minRuns || performance.now() - start < limits.maxMs)) {
    for (let i = 0; i < limits.minRuns; i++) {
      samples.push(timed(run));
      if (performance.now() - turned < TURN_MS) continue;
      await turn();
      turned = performance.now();
    }
    const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
    stable = interval(samples, mean) <= limits.stable * mean;
    if (performance.now() - start >= limits.maxMs) break;
  }
  return { samples, warmup, stable };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Half the 95 % interval of the mean. */
function interval(samples: readonly number[], mean: number): number {
  if (samples.length < 2) return 0;
  const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (samples.length - 1);
  return (1.96 * Math.sqrt(variance)) / Math.sqrt(samples.length);
}

function adviceFor(samples: readonly number[], mean: number, stable: boolean): string[] {
  const sorted = [...samples].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const advice: string[] = [];
  if (!stable) advice.push("advice: the mean is not stable: is something else running? Compare minima, or raise --max-secs");
  if (mean > 1.2 * median) advice.push("advice: a few slow runs raise the mean: look at the percentiles");
  return advice;
}
