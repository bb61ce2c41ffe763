import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { readFileBytes, writeFileAtomic } from "../support/node/files.ts";
import { ioError } from "../support/node/io-errors.ts";
import { NeoError } from "../support/errors.ts";

/** The bytes of a file argument; `-` is stdin. */
export async function readInput(word: string, cwd: string, limitBytes?: number): Promise<Uint8Array> {
  if (word !== "-") return readFileBytes(resolve(cwd, word), limitBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (limitBytes !== undefined && length > limitBytes)
      throw new NeoError({ code: "NEO6005", message: `stdin has more than ${limitBytes} bytes`, hint: "is it the right stream?" });
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Writes a result whole or not at all. */
export async function writeOutput(path: string, bytes: Uint8Array, cwd: string): Promise<void> {
  await writeFileAtomic(resolve(cwd, path), bytes);
}

/** A bundle is a tar whose first member is its manifest; everything else is taken for a model. */
export function isBundle(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 14)) === "manifest.json\0";
}

/** Makes a folder and those above it; one that is there already is taken as it is. */
export function makeFolder(path: string, cwd: string): void {
  try {
    mkdirSync(resolve(cwd, path), { recursive: true });
  } catch (error) {
    throw ioError(path, error);
  }
}

/** Names of files for values called by these names, no two alike, also where a file system knows no capitals. */
export function fileNamesFor(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain = name.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^\.+/, "_") || "output";
    let free = plain;
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${plain}-${n}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
