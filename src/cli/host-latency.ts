import { load } from "../session/load.ts";
import { nodeEngines } from "../session/node/engines.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { measure } from "./bench-single.ts";
import { inputValues } from "./input-values.ts";

export interface HostLatency {
  /** The artifact that this machine runs. */
  readonly artifact: string;
  /** The shortest of a few runs on random inputs. */
  readonly ms: number;
}

/** Beyond this many multiply-accumulates a run is not waited for. */
const MOST_MACS = 20e9;
/** A first look, not a measurement: `neo bench` makes that. */
const LIMITS = { warmupMs: 0, minRuns: 1, maxMs: 100, stable: 0.05 };

/** How long a run of a bundle just made takes on this machine; undefined where no artifact fits it, or where random inputs are none. */
export async function hostLatency(bytes: Uint8Array, macs: number, cwd: string): Promise<HostLatency | undefined> {
  if (macs > MOST_MACS) return undefined;
  try {
    const session = await load(bytes, { trust: "unsigned", crypto: nodeCrypto, native: nativeRunner(), engines: nodeEngines() });
    try {
      const bound = await session.bind(await inputValues([], session, cwd));
      const { firstMs, samples } = await measure(session.isAsync ? () => bound.runAsync() : () => bound.run(), LIMITS);
      return { artifact: session.artifact.id, ms: Math.min(firstMs, ...samples) };
    } finally {
      session.close();
    }
  } catch {
    // It is made for another machine, or wants other inputs: that is no fault of the compile.
    return undefined;
  }
}
