import { NeoError, type Note } from "../support/errors.ts";
import type { MachineProbe } from "../support/machine.ts";
import { nearestWord } from "../support/nearest.ts";
import { hostProfile } from "./host.ts";
import { checkProfile, isRecord } from "./profile-schema.ts";
import type { TargetProfile } from "./profile.ts";

export interface LoadTargetOptions {
  /** The text of `targets/<name>.json`, undefined where there is none. */
  readonly read?: (name: string) => string | undefined;
  /** Names that `read` knows, for hints. */
  readonly names?: readonly string[];
  /** The machine that `host` means. */
  readonly probe?: MachineProbe;
  /** The user's file, where the profile's text comes from one. */
  readonly file?: string;
}

/**
 * A target by name, or from the text of a profile. A profile may say `"extends": "<name>"`: its own fields replace those of the
 * other, objects field by field. `host` is the best target for the machine of `probe`.
 */
export function loadTarget(nameOrText: string, options: LoadTargetOptions = {}): TargetProfile {
  const isText = nameOrText.trimStart().startsWith("{");
  const label = isText ? (options.file ?? "the profile") : nameOrText;
  if (!isText && nameOrText === "host") return hostProfile(options.probe, (name) => loadTarget(name, options));
  const merged = isText ? resolve(parse(nameOrText, label, options), label, options, []) : byName(nameOrText, options, []);
  const checked = checkProfile(merged);
  if ("profile" in checked) return checked.profile;
  throw invalid(label, checked.findings, options);
}

/** The record of a named profile with what it extends. */
function byName(name: string, options: LoadTargetOptions, path: readonly string[]): Record<string, unknown> {
  if (path.includes(name)) {
    throw new NeoError({
      code: "NEO3002",
      message: `profile ${name} extends itself: ${[...path, name].join(" -> ")}`,
      hint: "let one of them stand on its own",
    });
  }
  if (name === "host") return { ...hostProfile(options.probe, (other) => loadTarget(other, options)) };
  const text = /^[a-z0-9][a-z0-9._-]*$/.test(name) ? options.read?.(name) : undefined;
  if (text === undefined) throw unknown(name, options);
  return resolve(parse(text, name, options), name, options, [...path, name]);
}

function resolve(record: Record<string, unknown>, label: string, options: LoadTargetOptions, path: readonly string[]): Record<string, unknown> {
  const { extends: base, ...own } = record;
  if (base === undefined) return own;
  if (typeof base !== "string") throw invalid(label, [{ where: "$.extends", text: `found ${JSON.stringify(base)}, wanted the name of a target` }], options);
  return merge(byName(base, options, path), own);
}

function merge(base: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    result[key] = isRecord(value) && isRecord(below) ? merge(below, value) : value;
  }
  return result;
}

function parse(text: string, label: string, options: LoadTargetOptions): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(label, [{ where: "$", text: (error as Error).message }], options);
  }
  if (isRecord(value)) return value;
  throw invalid(label, [{ where: "$", text: "wanted an object" }], options);
}

function invalid(label: string, findings: readonly Note[], options: LoadTargetOptions): NeoError {
  return new NeoError({
    code: "NEO3001",
    message: `${label} is no valid target profile: ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
    notes: findings,
    hint: 'start from `"extends"` and one of `neo targets`, and change what differs',
    ...(options.file ? { file: options.file } : {}),
  });
}

function unknown(name: string, options: LoadTargetOptions): NeoError {
  const near = nearestWord(name, ["host", ...(options.names ?? [])]);
  return new NeoError({
    code: "NEO3000",
    message: `there is no target "${name}"`,
    notes: near ? [{ where: name, text: `did you mean ${near}?` }] : [],
    hint: "`neo targets` lists them; a profile of your own is given as a path, ./board.json",
  });
}
