import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Trust } from "../package/keys.ts";
import { parsePublicKeys } from "../package/keys.ts";
import { NeoError } from "../support/errors.ts";
import { readFileBytes } from "../support/node/files.ts";
import type { Invocation, OptionSpec } from "./command.ts";
import { textOption } from "./command.ts";
import { trustFolder } from "./key-files.ts";

export const TRUST_OPTIONS: readonly OptionSpec[] = [
  { flags: "--trust <file>", text: "public key, or folder of them, whose signatures count (default: NEO_TRUST, then the user's trust folder)" },
  { flags: "--allow-unsigned", text: "take a bundle without a trusted signature; digests are checked all the same" },
];

/** Whose signatures count: `--allow-unsigned`, `--trust`, `NEO_TRUST`, the user's trust folder, in this order. */
export async function trustFrom({ options, env, cwd }: Invocation): Promise<Trust> {
  if (options["allowUnsigned"] === true) return "unsigned";
  const named = textOption(options, "trust") ?? env["NEO_TRUST"];
  const place = named === undefined ? trustFolder(env) : resolve(cwd, named);
  if (named === undefined && !existsSync(place)) throw nobody();
  const keys = await keysAt(place);
  if (keys.length === 0) throw nobody();
  return keys;
}

async function keysAt(place: string): Promise<Uint8Array[]> {
  const isFolder = existsSync(place) && statSync(place).isDirectory();
  const files = isFolder
    ? readdirSync(place)
        .filter((file) => file.endsWith(".pub"))
        .sort()
        .map((file) => join(place, file))
    : [place];
  const keys: Uint8Array[] = [];
  for (const file of files) keys.push(...parsePublicKeys(new TextDecoder().decode(await readFileBytes(file, 1 << 20)), file));
  return keys;
}

function nobody(): NeoError {
  return new NeoError({
    code: "NEO5004",
    message: "no public key to check signatures with",
    hint: "`neo keygen --default` makes a pair, `--trust FILE` names a key, `--allow-unsigned` does without",
  });
}
