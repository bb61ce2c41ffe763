import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { forgetTemporary, rememberTemporary } from "../../support/node/temporary.ts";

/**
 * Lets `use` load code from a file: in a fresh folder that only this user may enter, created and not opened, removed as soon as it
 * is loaded (on Windows, which can't, when the process ends). A folder that forbids execution is followed by the next one.
 */
export function withCodeFile<T>(name: string, code: Uint8Array, use: (path: string) => T, roots: readonly string[] = codeRoots()): T {
  let failure: unknown;
  for (const root of roots) {
    let folder: string;
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      folder = mkdtempSync(join(root, "neo-"));
    } catch (error) {
      failure ??= error;
      continue;
    }
    rememberTemporary(folder);
    try {
      const path = join(folder, name);
      writeNew(path, code);
      return use(path);
    } catch (error) {
      failure = error;
    } finally {
      remove(folder);
    }
  }
  throw failure;
}

function codeRoots(): string[] {
  return [tmpdir(), join(homedir(), ".cache", "neo")];
}

function writeNew(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
    forgetTemporary(folder);
  } catch {
    // Loaded code can't be removed on Windows: it stays on the list of what goes when the process ends.
  }
}
