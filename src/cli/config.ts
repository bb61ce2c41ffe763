import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import type { CommandEntry, CommandSpec, OptionSpec, OptionValues } from "./command.ts";
import { SHARED_OPTIONS } from "./shared-options.ts";

const FILE = "neo.config.json";

export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All commands: the file may hold flags of any of them. */
  readonly commands: readonly CommandEntry[];
}

/**
 * Flags completed from `NEO_*` variables and the project's `neo.config.json`, in this order of precedence: flag, environment, project, default.
 * The file holds flags by their long names, for all commands or under the name of one: `{ "target": "wasm", "compile": { "timing": true } }`.
 * `given` are the flags of the command line alone, without defaults.
 */
export async function applyConfig(spec: CommandSpec, given: OptionValues, { cwd, env, commands }: Surroundings): Promise<OptionValues> {
  const project = await readConfig(spec, typeof given["config"] === "string" ? resolve(cwd, given["config"]) : undefined, cwd, commands);
  const values: Record<string, OptionValues[string]> = { ...given };
  for (const option of [...spec.options, ...SHARED_OPTIONS.filter((shared) => longName(shared) !== "config")]) {
    const key = keyOf(option);
    if (values[key] !== undefined) continue;
    const variable = `NEO_${longName(option).replaceAll("-", "_").toUpperCase()}`;
    const text = env[variable];
    const value = text !== undefined ? valueOf(option, text, variable) : project(option);
    if (value !== undefined) values[key] = value;
  }
  for (const option of [...spec.options, ...SHARED_OPTIONS]) if (option.fallback !== undefined) values[keyOf(option)] ??= option.fallback;
  return values;
}

export function longName(option: OptionSpec): string {
  return /--([a-z0-9-]+)/.exec(option.flags)![1]!;
}

/** Commander's key of an option: camelCase of the long name, without the `no-` of negations. */
export function keyOf(option: OptionSpec): string {
  return longName(option)
    .replace(/^no-/, "")
    .replace(/-([a-z0-9])/g, (_, c: string) => c.toUpperCase());
}

/** What a variable or the file says, as the flag itself would have given it. */
function valueOf(option: OptionSpec, value: unknown, origin: string): OptionValues[string] {
  const wrong = (wanted: string): NeoError =>
    new NeoError({
      code: "NEO1003",
      message: `${origin}: found ${JSON.stringify(value)}, wanted ${wanted}`,
      hint: `write it as for the flag --${longName(option)}`,
    });
  if (!option.flags.includes("<")) {
    const isOn = typeof value === "boolean" ? value : typeof value === "string" ? value !== "" && value !== "0" && value !== "false" : undefined;
    if (isOn === undefined) throw wrong("true or false");
    if (option.flags.includes("--no-")) return isOn ? false : undefined;
    return isOn;
  }
  const words = (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    if (typeof item !== "string" && typeof item !== "number") throw wrong("text, a number or a list of them");
    return String(item);
  });
  if (option.choices && !words.every((word) => option.choices!.includes(word))) throw wrong(`one of ${option.choices.join(", ")}`);
  return option.repeat ? words : words.join(",");
}

async function readConfig(
  spec: CommandSpec,
  explicit: string | undefined,
  cwd: string,
  commands: readonly CommandEntry[],
): Promise<(option: OptionSpec) => OptionValues[string]> {
  const path = explicit ?? join(cwd, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (explicit === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return () => undefined;
    throw new NeoError({
      code: "NEO6001",
      message: `cannot read ${path}`,
      hint: explicit === undefined ? "check its owner and mode" : "check the path given to --config",
      cause: error,
    });
  }
  const tree = parse(text, path);
  const own = tree[spec.name];
  const section = isRecord(own) ? own : {};
  await refuseUnknown(tree, spec, path, commands);
  return (option) => {
    const name = longName(option);
    if (section[name] !== undefined) return valueOf(option, section[name], `${path}: ${spec.name}.${name}`);
    return tree[name] === undefined || isRecord(tree[name]) ? undefined : valueOf(option, tree[name], `${path}: ${name}`);
  };
}

/** A key that no command knows is a slip of the pen. Other commands are only loaded to tell. */
async function refuseUnknown(tree: Readonly<Record<string, unknown>>, spec: CommandSpec, path: string, commands: readonly CommandEntry[]): Promise<void> {
  const flagsOf = (command: CommandSpec): string[] => [...command.options, ...SHARED_OPTIONS].map(longName);
  const names = commands.map(({ name }) => name);
  const own = tree[spec.name];
  const strange = (keys: readonly string[], known: readonly string[]): string | undefined => keys.find((key) => !known.includes(key));
  const refuse = (key: string, known: readonly string[], where: string): never => {
    const near = nearestWord(key, known);
    throw new NeoError({
      code: "NEO1003",
      message: `${path}: there is no flag "${key}"${where}`,
      hint: near ? `did you mean "${near}"?` : "keys are long names of flags, or names of commands",
    });
  };
  if (isRecord(own)) {
    const key = strange(Object.keys(own), flagsOf(spec));
    if (key !== undefined) refuse(key, flagsOf(spec), ` of ${spec.name}`);
  }
  const mine = [...names, ...flagsOf(spec)];
  if (strange(Object.keys(tree), mine) === undefined) return;
  const known = [...new Set([...names, ...(await Promise.all(commands.map(({ load }) => load()))).flatMap(flagsOf)])];
  const key = strange(Object.keys(tree), known);
  if (key !== undefined) refuse(key, known, "");
}

function parse(text: string, path: string): Record<string, unknown> {
  const hint = 'an object of flags, e.g. { "target": "wasm" }';
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch (error) {
    throw new NeoError({ code: "NEO1003", message: `${path} is not JSON: ${(error as Error).message}`, hint });
  }
  if (isRecord(tree)) return tree;
  throw new NeoError({ code: "NEO1003", message: `${path} is not a JSON object`, hint });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
