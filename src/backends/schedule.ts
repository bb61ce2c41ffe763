import type { Graph, Op, Value } from "../ir/graph.ts";
import type { Data } from "../ir/tensor.ts";
import type { DType } from "../ir/types.ts";
import type { Elem, Kernel } from "../kernel/kernel.ts";
import type { AnyOpDef } from "../ir/op-def.ts";
import type { TargetProfile } from "../target/profile.ts";
import type { Buffer } from "./buffer.ts";
import type { Halo, Layout } from "./layout.ts";
import type { OpenProgram } from "./open-program.ts";
import type { AxisEnd, OpenExtent } from "./open-steps.ts";

export type { Buffer } from "./buffer.ts";

/**
 * Where a schedule wants an operand or puts a result. "any": whatever the others agree on; `loose`: also with another shape than the
 * result, and never copied to agree.
 */
export type Wish =
  { readonly kind: "plain" } | { readonly kind: "image"; readonly halo: Halo; readonly fill: number } | { readonly kind: "any"; readonly loose?: boolean };

/** A tensor in a buffer. */
export interface Place {
  readonly buffer: Buffer;
  readonly layout: Layout;
  /** The data where the tensor is a constant, in row-major order. */
  readonly constant?: Data;
  readonly dtype: DType;
}

/** What a schedule may do while it lowers one op. */
export interface LowerContext {
  readonly target: TargetProfile;
  /** The operand where the layout assignment put it for this op. undefined: absent. Throws for unknown names. */
  operand(op: Op, name: string): Place | undefined;
  /** Operands of the variadic tail. */
  variadic(op: Op): readonly Place[];
  /** The place of result `index`, to be written. */
  result(op: Op, index?: number): Place;
  /** Constant data packed by the schedule. Equal bytes are stored once. */
  weights(elem: Elem, data: ArrayBufferView): Buffer;
  /** Arena space alive during this op only. */
  scratch(elem: Elem, size: number): Buffer;
  /** A copy of a tensor in another layout, made by a kernel call right here (scratch) or, for constants, at compile time. */
  relayout(place: Place, layout: Layout): Place;
  /** Appends a call. Arguments by parameter name; `extents` are names of lengths by the kernel's names for them. */
  call(kernel: Kernel, args: Readonly<Record<string, Buffer>>, extents?: Readonly<Record<string, string>>, ends?: readonly AxisEnd[]): void;
  /** Where a mask ends that lets through what lies before a length; undefined for other masks. */
  endOfMask(mask: Value): { readonly axis: number; readonly extent: OpenExtent } | undefined;
  /** The i32 or i64 in front of a tensor, brought to 0 … most, as a length that calls take as an extent. */
  length(of: Place, most: number): OpenExtent;
}

/** How one op (or every op of a family) becomes kernels. */
export interface Schedule {
  readonly ops: readonly AnyOpDef[];
  /** By operand position and result position; missing means plain. Called once an op, before any layout is decided. */
  wishes?(op: Op, target: TargetProfile): { readonly operands: readonly (Wish | undefined)[]; readonly results: readonly (Wish | undefined)[] };
  lower(op: Op, context: LowerContext): void;
}

/** Where a result of a graph has to be in the end. */
export interface Destination {
  readonly place: Place;
  /** A value that lies there meanwhile: nothing may be put there as long as it is read. */
  readonly replaces?: Value;
}

/** What lowering of control flow and state may do beside that. */
export interface RegionContext extends LowerContext {
  readonly open: OpenProgram;
  /** The operand at a position. */
  operandAt(index: number): Place | undefined;
  /** Copies a tensor to where another of its shape lies. */
  transfer(from: Place, to: Place): void;
  /** Space for a tensor like this one, alive during this op. */
  temporary(like: Place): Place;
  /** Lowers a region on parameters that lie where told, and gives the places of its results: the destinations where there are any. */
  region(region: Graph, params: readonly Place[], destinations: readonly (Destination | undefined)[]): readonly Place[];
  /** True if somebody reads a state as `op` gives it when it was written anew already. */
  isReadLate(op: Op): boolean;
  setResult(value: Value, at: Place): void;
}
