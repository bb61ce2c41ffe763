import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import type { CommandEntry, CommandSpec, OptionSpec, OptionValues } from "./command.ts";
import { configFolder } from "./key-files.ts";
import { SHARED_OPTIONS } from "./shared-options.ts";

const FILE = "neo.config.json";

export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All commands: the file may hold flags of any of them. */
  readonly commands: readonly CommandEntry[];
}

/** A flag, the value it has, and who says so: `flag`, a variable, a file or `default`. */
export interface Setting {
  readonly option: OptionSpec;
  readonly value: NonNullable<OptionValues[string]>;
  readonly origin: string;
}

/** Flags of a command, completed; see `settingsOf`. */
export async function applyConfig(spec: CommandSpec, given: OptionValues, surroundings: Surroundings): Promise<OptionValues> {
  const settings = await settingsOf(spec, given, surroundings);
  return { ...given, ...Object.fromEntries(settings.map(({ option, value }) => [keyOf(option), value])) };
}

/**
 * Every flag that has a value, from `NEO_*` variables, the project's `neo.config.json` and that of the user, in this order of precedence:
 * flag, environment, project, user, default. A file holds flags by their long names, for all commands or under the name of one:
 * `{ "target": "wasm", "compile": { "timing": true } }`. `given` are the flags of the command line alone, without defaults.
 */
export async function settingsOf(spec: CommandSpec, given: OptionValues, { cwd, env, commands }: Surroundings): Promise<Setting[]> {
  const explicit = typeof given["config"] === "string" ? resolve(cwd, given["config"]) : undefined;
  const project = await readConfig(spec, explicit ?? join(cwd, FILE), explicit !== undefined, commands);
  const user = await readConfig(spec, join(configFolder(env), FILE), false, commands);
  const settings: Setting[] = [];
  for (const option of [...spec.options, ...SHARED_OPTIONS]) {
    if (settings.some((known) => keyOf(known.option) === keyOf(option))) continue; // --sign and --no-sign
    const isOpen = longName(option) !== "config"; // where the file is, the file can't say
    const variable = `NEO_${longName(option).replaceAll("-", "_").toUpperCase()}`;
    const text = isOpen ? env[variable] : undefined;
    const candidates: readonly (() => readonly [OptionValues[string], string])[] = [
      () => [given[keyOf(option)], "flag"],
      () => [text === undefined ? undefined : valueOf(option, text, variable), variable],
      () => [isOpen ? project.value(option) : undefined, project.path],
      () => [isOpen ? user.value(option) : undefined, user.path],
      () => [option.fallback, "default"],
    ];
    for (const candidate of candidates) {
      const [value, origin] = candidate();
      if (value === undefined) continue;
      settings.push({ option, value, origin });
      break;
    }
  }
  return settings;
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

/** A file of flags; one that may be missing and is has none. */
async function readConfig(
  spec: CommandSpec,
  path: string,
  isNamed: boolean,
  commands: readonly CommandEntry[],
): Promise<{ readonly path: string; readonly value: (option: OptionSpec) => OptionValues[string] }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (!isNamed && ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return { path, value: () => undefined };
    throw new NeoError({
      code: "NEO6001",
      message: `cannot read ${path}`,
      hint: isNamed ? "check the path given to --config" : "check its owner and mode",
      cause: error,
    });
  }
  const tree = parse(text, path);
  const own = tree[spec.name];
  const section = isRecord(own) ? own : {};
  await refuseUnknown(tree, spec, path, commands);
  const value = (option: OptionSpec): OptionValues[string] => {
    const name = longName(option);
    if (section[name] !== undefined) return valueOf(option, section[name], `${path}: ${spec.name}.${name}`);
    return tree[name] === undefined || isRecord(tree[name]) ? undefined : valueOf(option, tree[name], `${path}: ${name}`);
  };
  return { path, value };
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
