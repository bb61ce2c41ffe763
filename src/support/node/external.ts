import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { NeoError } from "../errors.ts";
import { ioError } from "./io-errors.ts";

/** No external file of a model may be larger. */
const MAX_BYTES = 8 * 2 ** 30;

/**
 * Reads a file that a model names, below the model's folder: no link leads out of it, the last part is no link, and the file is a
 * regular one with a single name (a hard link could be anything). The same descriptor is checked and read.
 */
export function readExternalFile(folder: string, name: string): Uint8Array {
  try {
    const base = realpathSync(folder === "" ? "." : folder);
    const path = resolve(base, name);
    const real = realpathSync(path);
    if (!real.startsWith(base.endsWith(sep) ? base : base + sep)) throw refused(name, "lies outside the model's folder");
    const descriptor = openSync(join(path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const status = fstatSync(descriptor);
      if (!status.isFile()) throw refused(name, "is not a regular file");
      if (status.nlink !== 1) throw refused(name, `has ${status.nlink} names (hard links)`);
      if (status.size > MAX_BYTES) throw refused(name, `has ${status.size} bytes, at most ${MAX_BYTES} are read`);
      return readAll(descriptor, status.size);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") throw refused(name, "is a symbolic link");
    throw ioError(name, error);
  }
}

function readAll(descriptor: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = readSync(descriptor, bytes, at, Math.min(size - at, 1 << 30), at);
    if (count === 0) return bytes.subarray(0, at);
    at += count;
  }
  return bytes;
}

function refused(name: string, why: string): NeoError {
  return new NeoError({
    code: "NEO2091",
    message: `external data of the model can't be used: ${name} ${why}`,
    notes: [{ where: name, text: why }],
    hint: "put the file itself beside the model",
  });
}
