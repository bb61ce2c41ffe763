import type { HostCall } from "../host/host-function.ts";
import type { Elem, Kernel } from "./kernel.ts";

/** A byte range: `index` numbers inputs and outputs in manifest order, is the segment for weights, and 0 for the arena. */
export interface Slice {
  readonly space: "weights" | "arena" | "input" | "output";
  readonly index: number;
  /** Bytes from the start of that input, output, segment or arena. */
  readonly offset: number;
}

/** Arguments by parameter name; `extents` binds extent arguments of the kernel to extents of the program. `parts` > 1: the outer parallel loop may be split. */
export interface Call {
  readonly kind: "call";
  readonly kernel: string;
  readonly args: Readonly<Record<string, Slice>>;
  readonly extents?: Readonly<Record<string, string>>;
  readonly parts: number;
}

export type Step =
  | Call
  /** The condition is an i32 word in the arena; non-zero takes `then`. */
  | { readonly kind: "if"; readonly condition: Slice; readonly then: readonly Step[]; readonly else: readonly Step[] }
  /** Runs `body` at most `trips` times (a number, or an i32 word), while the i32 word `condition`, if any, is non-zero before an iteration. */
  | { readonly kind: "loop"; readonly trips: number | Slice; readonly condition?: Slice; readonly body: readonly Step[] }
  /** Accelerator region or host step, executed by the session, which goes through control flow that holds one. `call` says which function of src/host a host step is. */
  | {
      readonly kind: "region" | "host";
      readonly name: string;
      readonly inputs: readonly Slice[];
      readonly outputs: readonly Slice[];
      readonly call?: HostCall;
    };

/** A tensor at the border: dense, row-major, `bytes` long. */
export interface Port {
  readonly name: string;
  /** The dtype's word of the graph level ("f32", "i64", "bool", "f16" …), as users see it. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly elem: Elem;
  readonly bytes: number;
}

export interface Segment {
  /** Bytes from the start of the packing's weight range; 64-byte aligned. */
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A run-time i32: at most `max`, stored at an arena word the host reads or writes. */
export interface Extent {
  readonly max: number;
  readonly at: Slice;
}

export interface Program {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly steps: readonly Step[];
  readonly kernels: readonly Kernel[];
  readonly extents: Readonly<Record<string, Extent>>;
  readonly arenaBytes: number;
  /** The first bytes of the arena that outlive a run; the host zeroes them once. */
  readonly stateBytes: number;
  /** Whoever runs it calls its steps one by one, to time them. Programs with steps of the session are run so in any case. */
  readonly stepwise?: true;
  readonly segments: readonly Segment[];
}
