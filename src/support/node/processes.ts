import { spawn } from "node:child_process";

export interface ProcessOptions {
  readonly folder: string;
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeLimitMs: number;
  readonly signal?: AbortSignal;
}

export interface ProcessResult {
  /** undefined: ended by a signal. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** What one stream of a process may print before the rest is dropped. */
const OUTPUT_LIMIT = 1 << 20;

/** Runs a program with an argument array (never a shell) and waits. At the time limit it and its children are killed. Rejects if it can't be started. */
export function runProcess(command: string, args: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== "win32";
    const child = spawn(command, args, { cwd: options.folder, env: options.env, stdio: ["ignore", "pipe", "pipe"], detached: ownGroup, windowsHide: true });
    let timedOut = false;
    const kill = (): void => {
      try {
        if (ownGroup && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
        else child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, options.timeLimitMs);
    const finish = (): void => {
      clearTimeout(timer);
      process.removeListener("exit", kill);
      options.signal?.removeEventListener("abort", kill);
    };
    process.once("exit", kill);
    options.signal?.addEventListener("abort", kill, { once: true });
    if (options.signal?.aborted) kill();
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once("error", (error) => {
      finish();
      reject(error);
    });
    child.once("close", (exitCode) => {
      finish();
      if (options.signal?.aborted) reject(options.signal.reason as Error);
      else resolve({ exitCode: exitCode ?? undefined, stdout: stdout(), stderr: stderr(), timedOut });
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    if (bytes < OUTPUT_LIMIT) chunks.push(chunk.subarray(0, OUTPUT_LIMIT - bytes));
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
