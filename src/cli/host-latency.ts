import type { ManifestPort } from "../package/manifest.ts";
import { load } from "../session/load.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import { nodeCrypto } from "../support/node/crypto.ts";

export interface HostLatency {
  /** The artifact that this machine runs. */
  readonly artifact: string;
  /** The shortest of a few runs on zeros. */
  readonly ms: number;
}

/** Beyond this many multiply-accumulates a run is not waited for. */
const MOST_MACS = 20e9;
const MOST_RUNS = 10;
/** Timing ends once the runs took so long. */
const ENOUGH_MS = 100;

/** How long a run of a bundle just made takes on this machine; undefined where no artifact fits it, or where zeros are no input. */
export async function hostLatency(bytes: Uint8Array, macs: number): Promise<HostLatency | undefined> {
  if (macs > MOST_MACS) return undefined;
  try {
    const session = await load(bytes, { trust: "unsigned", crypto: nodeCrypto, native: nativeRunner() });
    try {
      if (session.programs[0]!.lists || session.inputs.some(({ dtype }) => dtype === "string")) return undefined;
      const bound = await session.bind(Object.fromEntries(session.inputs.map((port) => [port.name, zeros(port)])));
      const times: number[] = [];
      for (let spent = 0; times.length < MOST_RUNS && spent < ENOUGH_MS; spent += times.at(-1)!) {
        const start = performance.now();
        bound.run();
        times.push(performance.now() - start);
      }
      return { artifact: session.artifact.id, ms: Math.min(...times) };
    } finally {
      session.close();
    }
  } catch {
    // It is made for another machine, or wants other inputs: that is no fault of the compile.
    return undefined;
  }
}

function zeros({ shape }: ManifestPort): { readonly data: number[]; readonly shape: readonly number[] } {
  return { data: new Array<number>(shape.reduce((n, dim) => n * dim, 1)).fill(0), shape };
}
