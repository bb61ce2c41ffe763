import type { Op } from "../../ir/graph.ts";
import type { DType } from "../../ir/types.ts";

/** Why an op is not run by an accelerator: `worth` and `order` are said of ops that it could run. */
export type RefusalCode = "op" | "dtype" | "shape" | "attribute" | "quantisation" | "constant" | "limit" | "tool" | "worth" | "order";

export interface Refusal {
  readonly code: RefusalCode;
  /** A sentence with what was found and what is wanted. */
  readonly reason: string;
  readonly found?: string;
  readonly wanted?: string;
  /** What the owner of the model can do about it. */
  readonly hint?: string;
}

/** Looks at one op; undefined: nothing against it. */
export type Predicate = (op: Op) => Refusal | undefined;

/** What a region costs; times are microseconds. Orders of magnitude are enough: plans compare them with those of the CPU. */
export interface AcceleratorCosts {
  /** Calling a region once, whatever is in it. */
  readonly launchUs: number;
  /** One more op of a region. */
  readonly opUs: number;
  /** Multiply-accumulates, by the dtype of the first operand; those of other dtypes as f32. */
  readonly macsPerUs: { readonly f32: number } & Readonly<Partial<Record<DType, number>>>;
  /** What ops without multiply-accumulates read and write. */
  readonly bytesPerUs: number;
  /** A value that crosses a border: once a direction, whatever the number of its readers. */
  readonly transferUs: number;
  readonly inBytesPerUs: number;
  readonly outBytesPerUs: number;
  /** Images (rank 4) are laid out anew on top of that; absent: they cross as they are. */
  readonly layoutBytesPerUs?: number;
}

export interface AcceleratorLimits {
  /** Regions of one program. */
  readonly regions?: number;
  readonly opsPerRegion?: number;
  /** Constants of one region. */
  readonly weightBytes?: number;
  /** A region with fewer multiply-accumulates is not started for. */
  readonly minMacs?: number;
  /** A region has to hang together: runs are split into connected parts. */
  readonly connected?: boolean;
}

/** One engine beside our own code. What it takes is said by tables alone: nothing tests its name. */
export interface Accelerator {
  readonly name: string;
  readonly summary: string;
  /** The file that a region becomes, by an exporter of src/backends/exporters. */
  readonly exchange: "onnx" | "tflite";
  /** Who executes it at run time: a file of src/session/engines. */
  readonly engine: string;
  /** In which order the engine keeps images. The border is always dense and row-major in the order of the graph's axes. */
  readonly layout: "nchw" | "nhwc";
  /** Dtypes of values that ops of a region read and write. */
  readonly dtypes: readonly DType[];
  /** By op name; all predicates must hold. What is absent is not supported. */
  readonly accepts: Readonly<Record<string, readonly Predicate[]>>;
  readonly limits: AcceleratorLimits;
  readonly costs: AcceleratorCosts;
  /** Handed to the engine as they are. */
  readonly options: Readonly<Record<string, string>>;
}

type Given = Pick<Accelerator, "name" | "summary" | "exchange" | "engine" | "dtypes" | "accepts" | "costs">;

/** A record with its defaults filled in. */
export function defineAccelerator(given: Given & Partial<Accelerator>): Accelerator {
  return { layout: "nchw", limits: {}, options: {}, ...given };
}
