import { readdirSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { NeoError } from "../support/errors.ts";
import { readFileBytes } from "../support/node/files.ts";
import { probeMachine } from "../support/node/probe.ts";
import { loadTarget } from "../target/load.ts";
import type { TargetProfile } from "../target/profile.ts";

const FOLDER = fileURLToPath(new URL("../../targets/", import.meta.url));

/** Names of the profiles shipped with the package. */
export function targetNames(): string[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith(".json")).map((file) => basename(file, ".json")).sort();
}

/** A profile by its name, or from the user's file when the word is a path (has a slash or ends in .json). */
export async function targetByName(word: string, cwd = process.cwd()): Promise<TargetProfile> {
  const names = targetNames();
  const options = { names, probe: probeMachine(), read: (name: string) => (names.includes(name) ? readFileSync(`${FOLDER}${name}.json`, "utf8") : undefined) };
  if (!word.includes("/") && !word.endsWith(".json")) return loadTarget(word, options);
  const path = resolve(cwd, word);
  const text = new TextDecoder().decode(await readFileBytes(path, 1 << 20));
  if (!text.trimStart().startsWith("{")) throw new NeoError({ code: "NEO3001", message: `${word} is no target profile: wanted a JSON object`, hint: "start from `\"extends\"` and one of `neo targets`", file: word });
  return loadTarget(text, { ...options, file: word });
}
