import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { NeoError } from "../support/errors.ts";
import type { CommandSpec, OptionSpec, OptionValues } from "./command.ts";

/** Where the value of a flag came from. */
export type Origin = "flag" | "environment" | "project" | "default";

const FILE = "neo.config.json";

/**
 * Flags completed from `NEO_*` variables and the project's `neo.config.json`, in this order of precedence: flag, environment, project, default.
 * The file holds flags by their long names, for all commands or under the name of one: `{ "target": "wasm", "compile": { "optimize": "size" } }`.
 */
export async function applyConfig(spec: CommandSpec, given: OptionValues, cwd: string, env: Readonly<Record<string, string | undefined>>): Promise<OptionValues> {
  const project = await readConfig(typeof given["config"] === "string" ? resolve(cwd, given["config"]) : undefined, cwd);
  const merged: Record<string, OptionValues[string]> = { ...given };
  for (const option of spec.options) {
    const key = keyOf(option);
    const isDefault = merged[key] === undefined || merged[key] === option.fallback;
    if (!isDefault) continue;
    const variable = env[`NEO_${longName(option).replaceAll("-", "_").toUpperCase()}`];
    const value = variable !== undefined ? fromText(option, variable) : project(spec.name, longName(option));
    if (value !== undefined) merged[key] = option.repeat && typeof value === "string" ? [value] : value;
  }
  return merged;
}

export function longName(option: OptionSpec): string {
  return /--([a-z0-9-]+)/.exec(option.flags)![1]!;
}

/** Commander's key of an option: camelCase of the long name, without the `no-` of negations. */
export function keyOf(option: OptionSpec): string {
  return longName(option).replace(/^no-/, "").replace(/-([a-z0-9])/g, (_, c: string) => c.toUpperCase());
}

function fromText(option: OptionSpec, text: string): string | boolean {
  return option.flags.includes("<") ? text : text !== "" && text !== "0" && text !== "false";
}

async function readConfig(explicit: string | undefined, cwd: string): Promise<(command: string, flag: string) => OptionValues[string]> {
  const path = explicit ?? join(cwd, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (explicit === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return () => undefined;
    throw new NeoError({ code: "NEO6001", message: `cannot read ${path}`, hint: "check the path given to --config", cause: error });
  }
  const tree = parse(text, path);
  return (command, flag) => {
    const own = tree[command];
    const value = (typeof own === "object" && own !== null ? (own as Record<string, unknown>)[flag] : undefined) ?? tree[flag];
    if (value === undefined || typeof value === "string" || typeof value === "boolean") return value;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as string[];
    throw new NeoError({ code: "NEO1003", message: `${path}: ${flag} is neither text, true/false nor a list of texts`, hint: `write it as for the flag --${flag}` });
  };
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    const tree: unknown = JSON.parse(text);
    if (typeof tree === "object" && tree !== null && !Array.isArray(tree)) return tree as Record<string, unknown>;
  } catch (error) {
    throw new NeoError({ code: "NEO1003", message: `${path} is not JSON: ${(error as Error).message}`, hint: "a flat object of flags, e.g. { \"target\": \"wasm\" }" });
  }
  throw new NeoError({ code: "NEO1003", message: `${path} is not a JSON object`, hint: "a flat object of flags, e.g. { \"target\": \"wasm\" }" });
}
