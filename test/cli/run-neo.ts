import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/neo.js", import.meta.url));

export interface NeoRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Uint8Array;
}

export interface NeoOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: Uint8Array | string;
  /** Sent once stderr or stdout has said something that matches. */
  readonly interruptAfter?: RegExp;
  /** Asked every few milliseconds; SIGINT is sent once it says yes. */
  readonly interruptWhen?: () => boolean;
  /** A module, as text, that is loaded before neo: it breaks what the test wants broken. */
  readonly preload?: string;
  /** File descriptor for stdout instead of a pipe. */
  readonly stdout?: number;
  /** Umask of the process. */
  readonly umask?: string;
}

/** Runs the real command with an environment of its own: no configuration, key or colour of the user reaches it. */
export async function neo(args: readonly string[], options: NeoOptions): Promise<NeoRun> {
  const { HOME: _home, NO_COLOR: _color, CI: _ci, ...rest } = process.env;
  const own = Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith("NEO_") && !name.startsWith("VITEST") && name !== "NODE_OPTIONS"));
  const preload = options.preload === undefined ? [] : ["--import", `data:text/javascript,${encodeURIComponent(options.preload)}`];
  const env = { ...own, NEO_HOME: join(options.cwd, "no-configuration"), ...options.env };
  const command = [process.execPath, ...preload, BIN, ...args];
  const [program, words] =
    options.umask === undefined ? [command[0]!, command.slice(1)] : ["/bin/sh", ["-c", `umask ${options.umask}; exec "$0" "$@"`, ...command]];
  const child = spawn(program, words, { cwd: options.cwd, env, stdio: ["pipe", options.stdout ?? "pipe", "pipe"] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  let interrupted = false;
  const heard = (): void => {
    if (interrupted || !options.interruptAfter?.test(Buffer.concat([...err, ...out]).toString())) return;
    interrupted = true;
    child.kill("SIGINT");
  };
  child.stdout?.on("data", (chunk: Buffer) => (out.push(chunk), heard()));
  child.stderr!.on("data", (chunk: Buffer) => (err.push(chunk), heard()));
  child.stdin!.on("error", () => {}); // a command that reads no stdin closes it
  child.stdin!.end(options.input ?? "");
  const asking = setInterval(() => options.interruptWhen?.() && (clearInterval(asking), child.kill("SIGINT")), 20);
  const code = await new Promise<number | null>((resolve, reject) =>
    // As a shell tells it: an interrupt that the system answered is 130 too.
    child.on("error", reject).on("close", (ended, signal) => resolve(signal === "SIGINT" ? 130 : ended)),
  );
  clearInterval(asking);
  const bytes = new Uint8Array(Buffer.concat(out));
  return { code, stdout: Buffer.from(bytes).toString(), stderr: Buffer.concat(err).toString(), bytes };
}

/** A fresh folder with these files; it goes with the test or, outside of one, when `remove` is called. */
export function folderWith(files: Readonly<Record<string, Uint8Array | string>> = {}): {
  readonly path: string;
  readonly list: () => string[];
  readonly remove: () => void;
} {
  const path = mkdtempSync(join(tmpdir(), "neo-cli-"));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  return { path, list: () => readdirSync(path).sort(), remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** `folderWith` for one test. */
export function testFolder(files: Readonly<Record<string, Uint8Array | string>> = {}): ReturnType<typeof folderWith> {
  const folder = folderWith(files);
  onTestFinished(() => folder.remove());
  return folder;
}
