import type { HostCall } from "../host/host-function.ts";

/** Version of the bundle format. Readers of one format read every bundle of it: later writers may only add optional fields. */
export const BUNDLE_FORMAT = 1;

/** Version of the calling convention of code in bundles (`model_run`). */
export const CODE_ABI = 1;

/** What a bundle holds, and the digests of it all: the one thing that signatures cover. Sizes and offsets are bytes. */
export interface Manifest {
  readonly format: number;
  readonly name: string;
  /** Immutable: another content has another version. */
  readonly version: string;
  /** Never decreases along the releases of a model; guards against being rolled back. */
  readonly release: number;
  /** Tool and version that made the bundle. */
  readonly compiler: string;
  readonly programs: readonly ManifestProgram[];
  /** In order of preference. */
  readonly artifacts: readonly Artifact[];
  /** Every file but the manifest, its signatures and padding, in the order of the archive. */
  readonly files: readonly FileEntry[];
  readonly weights?: WeightsEntry;
  /** Texts that strings in weights and self-tests are places of; the first is the empty one. */
  readonly texts?: readonly string[];
  /** How pictures become tensors, by input name. */
  readonly preprocess: Readonly<Record<string, PreprocessSpec>>;
  readonly selfTest: readonly SelfTestVector[];
}

/** The model with its shapes bound: what goes in and comes out, whatever code runs it. */
export interface ManifestProgram {
  readonly id: string;
  /** Sizes of named dims, or whole shapes by input name, that were bound. A range is a text: `1..64`, `32..640/8`. */
  readonly binding: Readonly<Record<string, BoundSize | readonly BoundSize[]>>;
  readonly inputs: readonly ManifestPort[];
  readonly outputs: readonly ManifestPort[];
  /** Sequences by name, and how many tensors each has: ports `x[0]`, `x[1]` … */
  readonly lists?: ManifestLists;
}

export interface ManifestLists {
  readonly inputs: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, number>>;
}

export type BoundSize = number | string;

/** A tensor at the border: dense, row-major, little-endian, `bytes` long. A dim that an extent counts has its maximum here. */
export interface ManifestPort {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Names of the columns, or of what whole numbers stand for: classes and the like. */
  readonly labels?: readonly string[];
  /** Of an input of rows of features. */
  readonly table?: ManifestTable;
}

/** How rows of a file become an input: what a sparse row leaves out is, and names of categories with the numbers 0, 1, 2 … */
export interface ManifestTable {
  readonly absent: "missing" | "zero";
  readonly categories?: readonly { readonly feature: number; readonly names: readonly string[] }[];
  /** What a name is that is not listed. */
  readonly unknown?: "refuse" | "missing";
}

/** Code for one kind of machine: one file a program; all of them address one range of the weights. */
export interface Artifact {
  readonly id: string;
  readonly kind: "native" | "wasm";
  readonly target: { readonly name: string; readonly digest: string };
  readonly needs: Needs;
  readonly weights: Range;
  /** One for each program of the manifest, in its order. */
  readonly programs: readonly ArtifactProgram[];
}

/** What the machine must offer. Code is freestanding: it needs no C library. */
export interface Needs {
  readonly os: string;
  readonly arch: string;
  readonly cpuFeatures: readonly string[];
  readonly abi: number;
}

export interface Range {
  readonly offset: number;
  readonly bytes: number;
}

export interface ArtifactProgram {
  readonly file: string;
  readonly arenaBytes: number;
  /** The first bytes of the arena that outlive a run. */
  readonly stateBytes: number;
  readonly extents: readonly ManifestExtent[];
  /** Values that were given a bound; a run in which one wants to be longer has no result. */
  readonly limits?: readonly ManifestLimit[];
  /** Empty: `model_run` runs it all. Of a profile: each alone. Else what the host walks through: runs of code steps, and steps of its own. */
  readonly steps: readonly ManifestStep[];
  /** What each of `steps` computes, where the bundle was compiled to be profiled. */
  readonly notes?: readonly StepNote[];
  /** For kind wasm. */
  readonly memory?: WasmMemory;
}

/**
 * A dim that is known at run time only: an i32 at byte `at` of the arena, from `min` (0) up to `max` in steps of `step` (1), equal to the
 * dims of ports it stands for. Whoever runs the program writes those of inputs.
 */
export interface ManifestExtent {
  readonly name: string;
  readonly min?: number;
  readonly step?: number;
  readonly max: number;
  readonly at: number;
  readonly dims: readonly { readonly port: "input" | "output"; readonly index: number; readonly axis: number }[];
}

/** How long the value called `value` wanted to be in a run, an i32 at byte `at` of the arena. `most` were planned. */
export interface ManifestLimit {
  readonly value: string;
  readonly most: number;
  readonly at: number;
}

/**
 * `call`: a function that every session has; without one, `name` is a function that the caller hands in. Control flow that holds steps of
 * the session is the session's, too: numbers in its words, and `at`, are bytes of the arena where an i32 stands.
 */
export type ManifestStep =
  | { readonly kind: "code"; readonly first: number; readonly last: number }
  | SessionCall
  /** Non-zero takes `then`. */
  | { readonly kind: "if"; readonly condition: number; readonly then: readonly ManifestStep[]; readonly else: readonly ManifestStep[] }
  /** At most so many trips, while the word `condition`, if any, is not zero before one. The trips are read once. */
  | { readonly kind: "loop"; readonly trips: number | { readonly at: number }; readonly condition?: number; readonly body: readonly ManifestStep[] };

export interface SessionCall {
  readonly kind: "host" | "region";
  readonly name: string;
  readonly inputs: readonly StepTensor[];
  readonly outputs: readonly StepTensor[];
  readonly call?: HostCall;
}

/** All steps of the session, those inside of control flow included. */
export function sessionCalls(steps: readonly ManifestStep[]): readonly SessionCall[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case "code":
        return [];
      case "if":
        return sessionCalls([...step.then, ...step.else]);
      case "loop":
        return sessionCalls(step.body);
      default:
        return [step];
    }
  });
}

/** What a step is to people: `nodes` are those of the model file; `bytes` are all that its kernels are handed. */
export interface StepNote {
  readonly op: string;
  readonly nodes: readonly string[];
  readonly kernels: readonly string[];
  readonly macs: number;
  readonly bytes: number;
}

export interface StepTensor extends Range {
  readonly space: "arena" | "input" | "output";
  readonly index: number;
}

/** Addresses in the module's own memory of `pages` * 64 KiB. The tables hold one i32 address a port: inputs at `inputTable`, outputs at `outputTable`. */
export interface WasmMemory {
  readonly pages: number;
  readonly weights: number;
  readonly arena: number;
  readonly inputTable: number;
  readonly outputTable: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface FileEntry {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** `weights.bin`, once more by leaves: see `merkle.ts`. */
export interface WeightsEntry {
  readonly leafBytes: number;
  readonly leaves: readonly string[];
  readonly root: string;
}

/** How a picture becomes an input: `rgb,nchw,resize:48xW,mean:127.5,scale:127.5`. Elements are (pixel - mean) / scale. */
export interface PreprocessSpec {
  readonly channels: "rgb" | "bgr" | "gray";
  readonly layout: "nchw" | "nhwc";
  /**
   * Bilinear with half-pixel centres. No width: it keeps the picture's proportions, is at most that of the input, and the rest of
   * the input to the right is zero. No resize: the picture must have the input's size.
   */
  readonly resize?: { readonly height: number; readonly width?: number };
  /** One value, or one a channel in the order of `channels`. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

/** Inputs and what must come out of them; stored data lies in `selftest.bin`. */
export interface SelfTestVector {
  readonly program: string;
  readonly inputs: readonly (SelfTestSeed | Range)[];
  readonly outputs: readonly SelfTestOutput[];
  readonly tolerance: Tolerance;
}

/** Data of the generator of `self-test.ts`: values from low to high, both included for integers. */
export interface SelfTestSeed {
  readonly seed: number;
  readonly low: number;
  readonly high: number;
}

/** Stored are the elements 0, stride, 2 * stride … of the output. */
export interface SelfTestOutput extends Range {
  readonly stride: number;
}

/** |found - wanted| <= abs + rel * |wanted|. Both zero: equal. */
export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

export const MANIFEST_FILE = "manifest.json";
export const ENVELOPE_FILE = "manifest.dsse";
export const WEIGHTS_FILE = "weights.bin";
export const SELF_TEST_FILE = "selftest.bin";
