import type { Artifact, ManifestPort, ManifestStep } from "../../package/manifest.ts";
import { CODE_ABI } from "../../package/manifest.ts";
import type { Engine, Runnable } from "../engine.ts";
import { nativeRunner } from "./native-engine.ts";

/** What `openSharedObject` must know of the program that the code was made of. */
export interface SharedObjectProgram {
  readonly inputs: readonly ManifestPort[];
  readonly outputs: readonly ManifestPort[];
  readonly arenaBytes: number;
  readonly stateBytes: number;
}

/** Freshly compiled code of this machine without a bundle round it, for tools that compare executors. Close the engine when done. */
export async function openSharedObject(
  code: Uint8Array,
  program: SharedObjectProgram,
  weights: Uint8Array,
  steps: readonly ManifestStep[] = [],
): Promise<{ readonly engine: Engine; readonly runnable: Runnable }> {
  const runner = nativeRunner();
  const { os, arch } = runner.machine;
  const { arenaBytes, stateBytes, inputs, outputs } = program;
  const artifact: Artifact = {
    id: "code",
    kind: "native",
    target: { name: "host", digest: "" },
    needs: { os, arch, cpuFeatures: [], abi: CODE_ABI },
    weights: { offset: 0, bytes: weights.length },
    programs: [{ file: "model.so", arenaBytes, stateBytes, extents: [], steps }],
  };
  const engine = await runner.open({ artifact, programs: [{ id: "main", binding: {}, inputs, outputs }], file: () => code, weights });
  return { engine, runnable: await engine.open(0) };
}
