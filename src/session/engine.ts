import type { Artifact, ManifestProgram } from "../package/manifest.ts";
import type { MachineProbe } from "../support/machine.ts";

/** What an engine gets: everything verified, nothing executed yet. */
export interface Code {
  readonly artifact: Artifact;
  readonly programs: readonly ManifestProgram[];
  /** The bytes of a code file. */
  file(name: string): Uint8Array;
  /** The artifact's range of weights.bin. */
  readonly weights: Uint8Array;
}

/** Runs one artifact. */
export interface Engine {
  /** Makes a program ready; a second time gives the same. */
  open(program: number): Promise<Runnable>;
  /** The same, where the host allows it. */
  openSync(program: number): Runnable;
  /** Gives the memory back. Nothing may run afterwards. */
  close(): void;
}

/** A program in memory. Its views stay valid until the engine is closed. */
export interface Runnable {
  /** Dense storage of each input and output, of any alignment. */
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  readonly arena: Uint8Array;
  run(): void;
  /** Steps `first` to `last`, not included, of a program with steps. */
  runSteps(first: number, last: number): void;
}

/** Runs native code: handed in, since only some hosts can. */
export interface NativeRunner {
  readonly machine: MachineProbe;
  open(code: Code): Promise<Engine>;
}
