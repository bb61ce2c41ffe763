import type { HostCall } from "../host/host-function.ts";
import type { Buffer } from "./buffer.ts";
import type { Layout } from "./layout.ts";

/** Where a buffer will be. Constants become weight segments when a call first reads them; state lies in front of the arena. */
export type Home =
  | { readonly space: "arena" }
  | { readonly space: "state"; readonly name: string }
  | { readonly space: "input" | "output"; readonly index: number }
  | { readonly space: "weights"; readonly data: () => Uint8Array; segment?: number };

/** A buffer before the plan. */
export interface OpenBuffer extends Buffer {
  readonly name: string;
  readonly bytes: number;
  readonly home: Home;
}

/** A call of the program in words: what `inspect` and `bench --profile` show. */
export interface CallInfo {
  readonly kernel: string;
  readonly op: string;
  readonly loc: readonly string[];
  readonly macs: number;
  /** Of all that it is handed: tensors, weights and scratch, each whole. */
  readonly bytes: number;
}

export interface OpenCall {
  readonly kind: "call";
  readonly kernel: string;
  readonly args: Readonly<Record<string, OpenBuffer>>;
  /** Names of the program's extents by those of the kernel. */
  readonly extents?: Readonly<Record<string, string>>;
  readonly parts: number;
  readonly info: CallInfo;
  /** How far along its axes what the call writes is looked at. */
  readonly ends?: readonly AxisEnd[];
}

/** Of what a call writes by `param`, in `layout`, only places below `factor * extent + offset` of an axis are looked at. */
export interface AxisEnd {
  readonly param: string;
  readonly layout: Layout;
  readonly axis: number;
  readonly extent: OpenExtent;
  readonly factor: number;
  readonly offset: number;
  /** `param` is scratch of this kernel, rows of which are written and read again as far as that: vectors of so many. */
  readonly rowsOf?: number;
}

/** A step that the session does. */
export interface OpenSessionStep<K extends "host" | "region"> {
  readonly kind: K;
  readonly name: string;
  readonly call: HostCall;
  readonly inputs: readonly OpenBuffer[];
  readonly outputs: readonly OpenBuffer[];
  readonly info: Omit<CallInfo, "kernel" | "bytes">;
}

/** A step whose buffers have no offsets yet. Conditions and run-time trips are buffers of one i32. */
export type OpenStep =
  | OpenCall
  | OpenSessionStep<"host">
  | OpenSessionStep<"region">
  | { readonly kind: "if"; readonly condition: OpenBuffer; readonly then: readonly OpenStep[]; readonly else: readonly OpenStep[] }
  | { readonly kind: "loop"; readonly trips: number | OpenBuffer; readonly condition?: OpenBuffer; readonly body: readonly OpenStep[] };

/** A length that a run tells, in a word where calls and sessions look for it. */
export interface OpenExtent {
  readonly name: string;
  readonly most: number;
  /** It comes with the inputs: the word is written before the first step. */
  readonly isGiven: boolean;
  readonly word: OpenBuffer;
}
