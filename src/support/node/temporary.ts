import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ioError } from "./io-errors.ts";

/** Paths that must not outlive this process. */
const pending = new Set<string>();
let listening = false;
let watcher: ((isPending: boolean) => void) | undefined;

/** `watch` is told whenever the first path becomes pending and when none is any more. A program that may be interrupted at any time installs it. */
export function watchTemporaries(watch: (isPending: boolean) => void): void {
  watcher = watch;
}

/** `path` (file or folder) is removed if the process ends before `forgetTemporary`. */
export function rememberTemporary(path: string): void {
  pending.add(path);
  if (pending.size === 1) watcher?.(true);
  if (!listening) process.on("exit", removeTemporaries);
  listening = true;
}

export function forgetTemporary(path: string): void {
  if (pending.delete(path) && pending.size === 0) watcher?.(false);
}

/** Removes what is pending; an interrupt handler calls it before it ends the process. */
export function removeTemporaries(): void {
  for (const path of pending) rmSync(path, { recursive: true, force: true });
  pending.clear();
}

/** Runs `use` with a fresh folder that only this user can read, and removes it afterwards. */
export async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const root = tmpdir();
  const folder = await mkdtemp(join(root, "neo-")).catch((error: unknown) => {
    throw ioError(root, error);
  });
  rememberTemporary(folder);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    forgetTemporary(folder);
  }
}
