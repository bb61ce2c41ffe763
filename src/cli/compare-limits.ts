import { NeoError, type Note } from "../support/errors.ts";
import { repeatedOption, textOption, type OptionSpec, type OptionValues } from "./command.ts";
import type { TensorDifference } from "./tensor-difference.ts";

/** What a tensor must hold; nothing is asked where a limit is absent. */
export interface DifferenceLimits {
  readonly maxAbs?: number;
  readonly maxRel?: number;
  readonly minCos?: number;
  readonly minSqnr?: number;
}

/** Limits for all outputs, and those of single ones, which replace the former one by one. */
export interface OutputLimits {
  readonly all: DifferenceLimits;
  readonly perOutput: ReadonlyMap<string, DifferenceLimits>;
  readonly topk: number | undefined;
}

export const LIMIT_OPTIONS: readonly OptionSpec[] = [
  { flags: "--max-abs <x>", text: "exit 4 if an element differs by more" },
  { flags: "--max-rel <x>", text: "exit 4 if an element differs by a larger share" },
  { flags: "--min-cos <x>", text: "exit 4 if an output's cosine is smaller" },
  { flags: "--min-sqnr <dB>", text: "exit 4 if an output's signal to error ratio is smaller" },
  { flags: "--topk <k>", text: "exit 4 unless the k largest elements of each row are the same" },
  { flags: "--per-output <name:limits>", text: "other limits for one output: y:max-abs=1e-3,min-cos=0.99", repeat: true },
];

interface Kind {
  readonly key: keyof DifferenceLimits;
  readonly word: string;
  readonly holds: (difference: TensorDifference, limit: number) => boolean;
  readonly text: (difference: TensorDifference, limit: number) => string;
}

const KINDS: readonly Kind[] = [
  { key: "maxAbs", word: "max-abs", holds: (d, x) => d.maxAbs <= x, text: (d, x) => `max abs ${short(d.maxAbs)}, wanted at most ${x}` },
  { key: "maxRel", word: "max-rel", holds: (d, x) => d.maxRel <= x, text: (d, x) => `max rel ${short(d.maxRel)}, wanted at most ${x}` },
  { key: "minCos", word: "min-cos", holds: (d, x) => d.cosine >= x, text: (d, x) => `cosine ${d.cosine}, wanted at least ${x}` },
  { key: "minSqnr", word: "min-sqnr", holds: (d, x) => d.sqnrDb >= x, text: (d, x) => `SQNR ${d.sqnrDb.toFixed(1)} dB, wanted at least ${x}` },
];

/** The limits of the flags; `outputs` are the names that `--per-output` may give. */
export function limitsFrom(options: OptionValues, outputs: readonly string[]): OutputLimits {
  const all: Partial<Record<keyof DifferenceLimits, number>> = {};
  for (const { key, word } of KINDS) {
    const text = textOption(options, key);
    if (text !== undefined) all[key] = numberOf(`--${word}`, text);
  }
  const perOutput = new Map(repeatedOption(options, "perOutput").map((word) => oneOutput(word, outputs)));
  const topk = textOption(options, "topk");
  if (topk !== undefined && !/^[1-9]\d{0,8}$/.test(topk))
    throw new NeoError({ code: "NEO1012", message: `--topk ${topk}: wanted a whole number from 1 on`, hint: "for example --topk 5" });
  return { all, perOutput, topk: topk === undefined ? undefined : Number(topk) };
}

/** `y:max-abs=1e-3,min-cos=0.99`; names may hold colons. */
function oneOutput(word: string, outputs: readonly string[]): [string, DifferenceLimits] {
  const name = outputs.filter((output) => word.startsWith(`${output}:`)).sort((a, b) => b.length - a.length)[0];
  if (name === undefined)
    throw new NeoError({
      code: "NEO1021",
      message: `--per-output ${word}: there is no such output`,
      notes: outputs.map((output) => ({ where: output, text: "is there" })),
      hint: "--per-output NAME:max-abs=1e-3 with one of these names",
    });
  const limits: Partial<Record<keyof DifferenceLimits, number>> = {};
  for (const part of word.slice(name.length + 1).split(",")) {
    const [left, right] = part.split("=");
    const kind = KINDS.find((candidate) => candidate.word === left);
    if (!kind || right === undefined)
      throw new NeoError({
        code: "NEO1017",
        message: `--per-output ${word}: "${part}" is no limit`,
        hint: `${KINDS.map((candidate) => `${candidate.word}=X`).join(", ")}, with commas between`,
      });
    limits[kind.key] = numberOf(`--per-output ${name}:${kind.word}`, right);
  }
  return [name, limits];
}

function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new NeoError({ code: "NEO1012", message: `${flag} ${text}: wanted a number`, hint: `for example ${flag} 1e-3` });
  return value;
}

/** Limits that an output exceeds, one note each. */
export function violations(difference: TensorDifference, { all, perOutput, topk }: OutputLimits): Note[] {
  const notes = exceeded(difference, { ...all, ...perOutput.get(difference.name) });
  const best = difference.topk;
  if (topk !== undefined && (!best || best.equalRows < best.rows))
    notes.push(`top ${topk} differ in ${best ? best.rows - best.equalRows : "all"}${best ? ` of ${best.rows}` : ""} rows`);
  return notes.map((text) => ({ where: difference.name, text }));
}

/** Whether a value inside the model is a finding: beyond the limits for all, where there are some, else beyond what is usual for its dtype. */
export function isBad(difference: TensorDifference, limits: DifferenceLimits): boolean {
  return Object.keys(limits).length > 0 ? exceeded(difference, limits).length > 0 : !(difference.ratio <= 1);
}

function exceeded(difference: TensorDifference, limits: DifferenceLimits): string[] {
  return KINDS.flatMap(({ key, holds, text }) => {
    const limit = limits[key];
    return limit === undefined || holds(difference, limit) ? [] : [text(difference, limit)];
  });
}

export function short(x: number): string {
  return x === 0 ? "0" : x.toExponential(2);
}
