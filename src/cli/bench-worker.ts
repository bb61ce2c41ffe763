import { parentPort, workerData } from "node:worker_threads";
import { WEIGHTS_FILE } from "../package/manifest.ts";
import { openBundle } from "../session/load.ts";
import { nodeEngines } from "../session/node/engines.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import { NeoError } from "../support/errors.ts";
import { PHASE, type WorkerData, type WorkerMessage } from "./bench-protocol.ts";

/** One session in a thread of its own: `bench-levels.ts` starts this file and says when it runs. */

/** So often counted runs are reported. */
const REPORT_MS = 100;

const { bundle, files, kind, inputs, phase } = workerData as WorkerData;
const tell = (message: WorkerMessage): void => parentPort!.postMessage(message);
const is = (wanted: number): boolean => Atomics.load(phase, 0) === wanted;

try {
  // WebAssembly takes no code out of shared memory; it is small, weights are not.
  const file = (name: string): Uint8Array | undefined => (name === WEIGHTS_FILE ? files.get(name) : files.get(name)?.slice());
  const session = await openBundle({ ...bundle, file }, { native: nativeRunner(), engines: nodeEngines(), prefer: [kind] });
  const bound = await session.bind(inputs);
  const start = performance.now();
  bound.run();
  tell({ kind: "ready", firstMs: performance.now() - start });
  while (!is(PHASE.end)) {
    // Woken without a word of another phase it goes on waiting: a level of no runs is none.
    while (is(PHASE.wait)) Atomics.wait(phase, 0, PHASE.wait);
    if (!is(PHASE.end)) level(() => bound.run());
  }
  session.close();
} catch (error) {
  tell(failure(error));
}

/** Runs until it shall wait again. A run that the end falls into may have had the machine for itself: it does not count. */
function level(run: () => void): void {
  let warmup = 0;
  for (; is(PHASE.warm); warmup++) run();
  let samples: number[] = [];
  const began = performance.now();
  let [ended, reported] = [began, began];
  const report = (last: boolean): void => {
    tell({ kind: "runs", samples: Float64Array.from(samples), elapsedMs: ended - began, warmup, last });
    [samples, reported] = [[], ended];
  };
  while (is(PHASE.count)) {
    const start = performance.now();
    run();
    const end = performance.now();
    if (!is(PHASE.count)) break;
    samples.push(end - start);
    ended = end;
    if (end - reported >= REPORT_MS) report(false);
  }
  report(true);
}

function failure(error: unknown): WorkerMessage {
  if (error instanceof NeoError) {
    const { code, message, notes, hint, file, awsName } = error;
    return { kind: "failed", neo: { code, message, notes, ...(hint ? { hint } : {}), ...(file ? { file } : {}), ...(awsName ? { awsName } : {}) } };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: "bug", message, stack: stack ?? "" };
}
