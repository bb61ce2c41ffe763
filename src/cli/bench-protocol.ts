import type { Bundle } from "../package/read-bundle.ts";
import type { Inputs } from "../session/session.ts";
import type { NeoErrorInit } from "../support/errors.ts";

/** What `neo bench --concurrency` and its threads tell each other. Only plain data and shared memory pass. */
export interface WorkerData {
  /** Verified; the contents of its files are shared by all threads. */
  readonly bundle: Omit<Bundle, "file">;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly kind: "native" | "wasm";
  readonly inputs: Inputs;
  /** One word, a `PHASE`, which the main thread writes and the thread reads between two runs. */
  readonly phase: Int32Array;
}

export const PHASE = { wait: 0, warm: 1, count: 2, end: 3 } as const;

export type WorkerMessage =
  | { readonly kind: "ready"; readonly firstMs: number }
  /** Runs since the last report; `elapsedMs` since the thread began to count. `last`: it waits again. */
  | { readonly kind: "runs"; readonly samples: Float64Array; readonly elapsedMs: number; readonly warmup: number; readonly last: boolean }
  | { readonly kind: "failed"; readonly neo: NeoErrorInit }
  | { readonly kind: "bug"; readonly message: string; readonly stack: string };
