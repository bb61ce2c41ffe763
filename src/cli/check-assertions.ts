import { NeoError, type Note } from "../support/errors.ts";
import { formatBytes } from "../support/table.ts";
import { repeatedOption, textOption, type OptionSpec, type OptionValues } from "./command.ts";

export const ASSERTION_OPTIONS: readonly OptionSpec[] = [
  { flags: "--assert-op-count <Op=n>", text: "exit 4 unless the file has exactly n nodes of this operator", repeat: true },
  { flags: "--assert-op-only <list>", text: "exit 4 if the file has other operators" },
  { flags: "--assert-arena <limit>", text: 'exit 4 unless the arena is within: "<64KiB"' },
  { flags: "--assert-size <limit>", text: 'exit 4 unless the weights are within: "<1MiB"' },
  { flags: "--assert-latency <limit>", text: 'exit 4 unless runs on this machine are within: "p99<5ms"; mean, min, max, any percentile' },
];

/** Sizes of a model compiled for one target. */
export interface TargetSizes {
  readonly target: string;
  readonly arenaBytes: number;
  readonly weightsBytes: number;
  readonly kernels: number;
}

/** Assertions on the file and on sizes that do not hold. */
export function brokenAssertions(options: OptionValues, opCounts: Readonly<Record<string, number>>, sizes: readonly TargetSizes[]): Note[] {
  return [
    ...assertCounts(repeatedOption(options, "assertOpCount"), textOption(options, "assertOpOnly"), opCounts),
    ...sizes.flatMap((s) => [
      ...assertBytes("--assert-arena", textOption(options, "assertArena"), s.arenaBytes, s.target),
      ...assertBytes("--assert-size", textOption(options, "assertSize"), s.weightsBytes, s.target),
    ]),
  ];
}

function assertCounts(counts: readonly string[], only: string | undefined, found: Readonly<Record<string, number>>): Note[] {
  const notes: Note[] = [];
  for (const word of counts.flatMap((w) => w.split(","))) {
    const [op, wanted] = word.split("=");
    if (!op || !/^\d+$/.test(wanted ?? ""))
      throw new NeoError({ code: "NEO1017", message: `--assert-op-count ${word}: wanted Op=n`, hint: "for example --assert-op-count Conv=9" });
    if ((found[op] ?? 0) !== Number(wanted)) notes.push({ where: op, text: `found ${found[op] ?? 0}, wanted ${wanted}` });
  }
  const allowed = only?.split(",");
  if (allowed)
    for (const op of Object.keys(found)) if (!allowed.includes(op)) notes.push({ where: op, text: `found ${found[op]}, wanted only ${allowed.join(", ")}` });
  return notes;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1000, MB: 1e6, GB: 1e9, KIB: 1024, MIB: 1 << 20, GIB: 1 << 30 };

function assertBytes(flag: string, limit: string | undefined, found: number, target: string): Note[] {
  if (limit === undefined) return [];
  const match = /^(<=?)\s*([\d.]+)\s*([a-z]*)$/i.exec(limit.trim());
  const unit = UNITS[match?.[3]?.toUpperCase() ?? ""];
  if (!match || unit === undefined)
    throw new NeoError({ code: "NEO1017", message: `${flag} ${limit}: wanted "<" and a size`, hint: `for example ${flag} "<64KiB"` });
  const bytes = Number(match[2]) * unit;
  const holds = match[1] === "<" ? found < bytes : found <= bytes;
  return holds ? [] : [{ where: `${flag} on ${target}`, text: `found ${formatBytes(found)}, wanted ${limit}` }];
}
