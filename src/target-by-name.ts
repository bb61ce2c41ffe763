import { resolve } from "node:path";
import { NeoError } from "./support/errors.ts";
import { readFileBytes } from "./support/node/files.ts";
import { probeMachine } from "./support/node/probe.ts";
import { readTargetFile, targetNames } from "./support/node/target-files.ts";
import { loadTarget } from "./target/load.ts";
import type { TargetProfile } from "./target/profile.ts";

/** A profile by its name, or from the user's file when the word is a path (has a slash or ends in .json). */
export async function targetByName(word: string, cwd = "."): Promise<TargetProfile> {
  const options = { names: targetNames(), probe: probeMachine(), read: readTargetFile };
  if (!word.includes("/") && !word.endsWith(".json")) return loadTarget(word, options);
  const text = new TextDecoder().decode(await readFileBytes(resolve(cwd, word), 1 << 20));
  if (!text.trimStart().startsWith("{"))
    throw new NeoError({
      code: "NEO3001",
      message: `${word} is no target profile: wanted a JSON object`,
      hint: 'start from `"extends"` and one of `neo targets`',
      file: word,
    });
  return loadTarget(text, { ...options, file: word });
}
