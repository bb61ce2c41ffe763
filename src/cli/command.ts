import type { NeoError } from "../support/errors.ts";
import type { Reporter } from "./reporter.ts";

/** One flag: commander's notation, a sentence, and whether it may repeat (then its value is a list). */
export interface OptionSpec {
  readonly flags: string;
  readonly text: string;
  readonly repeat?: boolean;
  readonly fallback?: string | boolean;
  readonly choices?: readonly string[];
}

export interface ArgumentSpec {
  readonly name: string;
  readonly text: string;
  readonly optional?: boolean;
  readonly repeat?: boolean;
}

/** A command by name and summary; its file is loaded when it is called: `neo --help` loads none. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandSpec>;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command gets: everything from outside comes through here. */
export interface Invocation {
  readonly args: readonly (string | undefined)[];
  readonly options: OptionValues;
  readonly reporter: Reporter;
  readonly json: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** All commands. */
  readonly commands: readonly CommandEntry[];
}

/** What a command gives back. `text` goes to stdout for people, `result` into the JSON envelope, `bytes` to stdout for `-o -`. */
export interface Outcome {
  readonly text: string;
  readonly result: object;
  readonly exitCode?: number;
  readonly bytes?: Uint8Array;
  /** Findings that go with a result: they are printed and decide the exit code together with `exitCode`. */
  readonly diagnostics?: readonly NeoError[];
}

export interface CommandSpec {
  readonly name: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Two lines a user can copy. */
  readonly examples: readonly [string, string];
  /** Exit codes the command can end with, and when. */
  readonly exits: Readonly<Record<number, string>>;
  run(invocation: Invocation): Promise<Outcome>;
}

export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** Values of a repeatable option; each may hold several, with commas. */
export function listOption(options: OptionValues, name: string): readonly string[] {
  const value = options[name];
  const all = typeof value === "string" ? [value] : Array.isArray(value) ? (value as readonly string[]) : [];
  return all.flatMap((item) => item.split(",")).filter((item) => item !== "");
}

/** Values of a repeatable option, taken whole. */
export function repeatedOption(options: OptionValues, name: string): readonly string[] {
  const value = options[name];
  return typeof value === "string" ? [value] : Array.isArray(value) ? (value as readonly string[]) : [];
}
