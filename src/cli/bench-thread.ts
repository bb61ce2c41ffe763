import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Session } from "../session/session.ts";
import { InternalError, NeoError } from "../support/errors.ts";
import { PHASE, type WorkerData, type WorkerMessage } from "./bench-protocol.ts";

type Runs = Extract<WorkerMessage, { kind: "runs" }>;

/** What all threads share of a session: the verified bundle, its files in memory that exists once. */
export function sharedBundle({ bundle, kind }: Session): Omit<WorkerData, "inputs" | "phase"> {
  const { file, ...rest } = bundle;
  const files = new Map(bundle.manifest.files.map(({ name }) => [name, inSharedMemory(file(name)!)]));
  return { bundle: rest, files, kind };
}

function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** A session in a thread of its own. */
export class Thread {
  /** ms of the first run. Like `runs`, it rejects with the error that ended the thread. */
  readonly ready: Promise<number>;
  private readonly phase = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;
  private readonly failure: Promise<never>;
  private readonly ended: Promise<void>;

  constructor(data: Omit<WorkerData, "phase">) {
    this.worker = startWorker({ ...data, phase: this.phase });
    this.ended = new Promise((resolve) => this.worker.once("exit", () => resolve()));
    this.failure = new Promise((_, reject) => {
      this.worker.on("message", (message: WorkerMessage) => {
        if (message.kind === "failed") reject(new NeoError(message.neo));
        if (message.kind === "bug") reject(Object.assign(new Error(message.message), { stack: message.stack }));
      });
      this.worker.once("error", (error) => reject(noThread(error)));
      this.worker.once("exit", (code) => reject(new InternalError("bench", `a thread ended by itself, with ${code}`)));
    });
    this.failure.catch(() => {}); // whoever waits for the thread hears of it
    this.ready = this.until<number>((message, done) => message.kind === "ready" && done(message.firstMs));
    this.ready.catch(() => {});
  }

  enter(phase: keyof typeof PHASE): void {
    Atomics.store(this.phase, 0, PHASE[phase]);
    Atomics.notify(this.phase, 0);
  }

  /** Hands every report of counted runs over until the last. */
  runs(take: (report: Runs) => void): Promise<void> {
    return this.until<void>((message, done) => {
      if (message.kind !== "runs") return;
      take(message);
      if (message.last) done();
    });
  }

  /** Resolves when the thread is gone; a run that has begun is waited for. */
  end(): Promise<void> {
    this.enter("end");
    return this.ended;
  }

  private until<T>(hear: (message: WorkerMessage, done: (value: T) => void) => unknown): Promise<T> {
    let listener: (message: WorkerMessage) => void;
    const heard = new Promise<T>((resolve) => {
      listener = (message) => void hear(message, resolve);
      this.worker.on("message", listener);
    });
    return Promise.race([heard, this.failure]).finally(() => this.worker.off("message", listener));
  }
}

/** `bench-worker` is JavaScript when built. In the sources it is TypeScript, to which tsx opens only the main thread. */
function startWorker(workerData: WorkerData): Worker {
  const extension = extname(import.meta.url);
  const file = new URL(`./bench-worker${extension}`, import.meta.url);
  if (extension === ".js") return new Worker(file, { workerData });
  const tsx = import.meta.resolve("tsx/esm/api");
  return new Worker(`import("${tsx}").then(({ register }) => (register(), import("${file.href}")))`, { eval: true, workerData });
}

function noThread(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ERR_WORKER_OUT_OF_MEMORY" && code !== "ERR_WORKER_INIT_FAILED") return error;
  return new NeoError({
    code: "NEO3056",
    message: "there is not enough memory for another session",
    notes: [{ where: "--concurrency", text: error.message }],
    hint: "ask for fewer sessions at the same time",
    cause: error,
  });
}
