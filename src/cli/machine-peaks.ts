import { printC } from "../backends/c/print.ts";
import { arithmeticProbe, readingProbe, type Probe } from "../backends/probes.ts";
import { emitWasm, wasmMemoryPlan } from "../backends/wasm/emit.ts";
import { buildBundle, type BuildCode } from "../package/build.ts";
import { load } from "../session/load.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { hostCompiler } from "../support/node/toolchain.ts";
import type { TargetProfile } from "../target/profile.ts";
import { measure } from "./bench-single.ts";

/** What one core of this machine gives code for a target, measured now: nothing that a data sheet says. */
export interface MachinePeaks {
  /** Multiply-accumulates of f32 a millisecond, in registers. */
  readonly macsPerMs: number;
  /** Bytes read a millisecond from a working set of the size that was asked for. */
  readonly bytesPerMs: number;
}

const LIMITS = { warmupMs: 20, minRuns: 20, maxMs: 150, stable: 0.002 };
/** Beyond this a working set lies in main memory however large it is. */
const MOST_BYTES = 256 * 2 ** 20;

export async function machinePeaks(target: TargetProfile, workingSet: number, env: Readonly<Record<string, string | undefined>>): Promise<MachinePeaks> {
  const rate = async ({ program, amount }: Probe): Promise<number> => {
    const code: BuildCode =
      target.kind === "wasm"
        ? { code: await emitWasm(program, target), arenaBytes: 0, stateBytes: 0, memory: wasmMemoryPlan(program) }
        : { code: await hostCompiler(env)(printC(program, target), target), arenaBytes: 0, stateBytes: 0 };
    const { bytes } = buildBundle(
      {
        name: program.name,
        compiler: "neo",
        programs: [{ binding: {}, inputs: program.inputs, outputs: program.outputs }],
        artifacts: [{ target, weights: new Uint8Array(0), programs: [code] }],
      },
      nodeCrypto,
    );
    const session = await load(bytes, { trust: "unsigned", crypto: nodeCrypto, native: nativeRunner(), prefer: [target.kind] });
    try {
      const [x] = program.inputs;
      const bound = await session.bind({ x: { shape: x!.shape, data: new Float32Array(x!.bytes / 4).fill(0.5) } });
      const { firstMs, samples } = await measure(() => bound.run(), LIMITS);
      return amount / Math.min(firstMs, ...samples);
    } finally {
      session.close();
    }
  };
  return {
    macsPerMs: await rate(arithmeticProbe(target)),
    bytesPerMs: await rate(readingProbe(target, Math.min(MOST_BYTES, workingSet))),
  };
}
