import type { CryptoEngine } from "../package/crypto.ts";
import type { Trust } from "../package/keys.ts";
import { WEIGHTS_FILE, type Artifact } from "../package/manifest.ts";
import { readBundle, type Bundle } from "../package/read-bundle.ts";
import { NeoError } from "../support/errors.ts";
import type { Code, Engine, NativeRunner } from "./engine.ts";
import { stepProblems, type HostStep } from "./host-steps.ts";
import type { EngineSource } from "./engines/region-engine.ts";
import { loadRegions } from "./regions.ts";
import { whatIsMissing } from "./machine-fit.ts";
import { Session, type Refusal } from "./session.ts";
import { WasmEngine } from "./wasm-engine.ts";

export interface LoadOptions {
  /** Whose signatures count: texts of `.pub` files, 32-byte keys, or the word `"unsigned"`. There is no default. */
  readonly trust: Trust;
  /** Kinds of code that may run, best first. Default: as the bundle prefers. */
  readonly prefer?: readonly ("native" | "wasm")[];
  readonly crypto?: CryptoEngine;
  /** Runs native code, where the host can. */
  readonly native?: NativeRunner;
  /** Engines that run regions of accelerators, by name. */
  readonly engines?: Readonly<Record<string, EngineSource>>;
  /** Steps that the bundle leaves to its host, by name. */
  readonly hostSteps?: Readonly<Record<string, HostStep>>;
  /** How errors call the bundle. */
  readonly file?: string;
}

/** Verifies a bundle and makes the best code that fits this machine ready. Nothing runs before every byte is verified. */
export async function load(bytes: Uint8Array, options: LoadOptions): Promise<Session> {
  const crypto = options.crypto ?? (await import("../package/portable-crypto.ts")).portableCrypto;
  const file = options.file ?? "the bundle";
  return openBundle(readBundle(bytes, { trust: options.trust, crypto, file }), options);
}

/** The same for a bundle that is verified already. */
export async function openBundle(bundle: Bundle, options: Omit<LoadOptions, "trust" | "crypto">): Promise<Session> {
  const refusals: Refusal[] = [];
  let failure: NeoError | undefined;
  for (const artifact of preferred(bundle.manifest.artifacts, options.prefer)) {
    const reasons = [...whatIsMissing(artifact, options.native?.machine), ...stepProblems(artifact, options.hostSteps ?? {})];
    if (reasons.length > 0) {
      refusals.push({ artifact: artifact.id, reason: reasons.join("; ") });
      continue;
    }
    try {
      const engine = await engineFor(bundle, artifact, options.native);
      await engine.open(0);
      const regions = await loadRegions(artifact, (name) => bundle.file(name), options.engines ?? {});
      return new Session(bundle, artifact, engine, options.hostSteps ?? {}, refusals, regions);
    } catch (error) {
      if (!(error instanceof NeoError)) throw error;
      failure = error;
      refusals.push({ artifact: artifact.id, reason: error.notes.length > 0 ? `${error.message}: ${error.notes[0]!.text}` : error.message });
    }
  }
  if (failure && refusals.length === 1) throw failure;
  throw new NeoError({
    code: "NEO3050",
    message: `${options.file ?? "the bundle"} has no code that runs here`,
    notes:
      refusals.length > 0
        ? refusals.map(({ artifact, reason }) => ({ where: artifact, text: reason }))
        : [{ where: "artifacts", text: options.prefer ? `none is ${options.prefer.join(" or ")}` : "there are none" }],
    hint: "compile with `-t wasm`, which runs anywhere, or `-t host` on this machine",
    ...(options.file ? { file: options.file } : {}),
  });
}

function preferred(artifacts: readonly Artifact[], kinds: LoadOptions["prefer"]): readonly Artifact[] {
  return kinds ? kinds.flatMap((kind) => artifacts.filter((artifact) => artifact.kind === kind)) : artifacts;
}

async function engineFor(bundle: Bundle, artifact: Artifact, native: NativeRunner | undefined): Promise<Engine> {
  const { offset, bytes } = artifact.weights;
  const code: Code = {
    artifact,
    programs: bundle.manifest.programs,
    file: (name) => bundle.file(name)!,
    weights: bytes > 0 ? bundle.file(WEIGHTS_FILE)!.subarray(offset, offset + bytes) : new Uint8Array(0),
  };
  return artifact.kind === "native" ? native!.open(code) : new WasmEngine(code);
}
