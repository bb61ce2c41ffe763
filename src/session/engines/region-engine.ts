import { dtypeBytes } from "../../package/dtypes.ts";

/**
 * Engines run regions: parts of a model that stay in an exchange format, handed to a library of this machine. A session is given sources
 * of engines by name; one that a bundle wants is opened, and takes all regions, before anything runs.
 */
export interface EngineSource {
  /** Throws, in the words of whoever says no, where the engine is not there. */
  open(): Promise<RegionEngine>;
}

export interface RegionEngine {
  /** Of the library that computes: "1.30.0". */
  readonly version: string;
  /** Makes a region ready; throws in the engine's own words what it does not take. */
  load(region: RegionFile): Promise<LoadedRegion>;
}

/** A region as a bundle has it. Tensors stand in the order of the file's inputs and outputs. */
export interface RegionFile {
  readonly name: string;
  readonly exchange: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly RegionTensor[];
  readonly outputs: readonly RegionTensor[];
  /** As `key=value`; an engine refuses those it has no use for. */
  readonly options: readonly string[];
}

export interface RegionTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface LoadedRegion {
  /** Whether `run` is through when it returns. */
  readonly isSync: boolean;
  /** Dense little-endian tensors in, the same out; none of them is kept. Throws in the engine's own words. */
  run(inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]): void | Promise<void>;
  close(): void;
}

export function tensorBytes({ dtype, shape }: RegionTensor): number {
  return shape.reduce((n, dim) => n * dim, dtypeBytes(dtype) ?? 0);
}

/** The options of a region by their key. Throws for a key that is not among `known`. */
export function regionOptions({ options }: Pick<RegionFile, "options">, known: readonly string[]): ReadonlyMap<string, string> {
  const pairs = options.map((option): [string, string] => [option.split("=")[0]!, option.split("=").slice(1).join("=")]);
  const unknown = pairs.find(([key]) => !known.includes(key));
  if (unknown) throw new Error(`there is no option ${unknown[0]}, only ${known.join(", ") || "none"}`);
  return new Map(pairs);
}

/** Bytes of a result, where it has the type that was asked for. Throws what it is instead. */
export function acceptResult(index: number, found: RegionTensor, bytes: Uint8Array, wanted: RegionTensor, target: Uint8Array): void {
  const words = ({ dtype, shape }: RegionTensor): string => `${dtype} [${shape.join(", ")}]`;
  if (words(found) !== words(wanted)) throw new Error(`result ${index} is ${words(found)}, wanted ${words(wanted)}`);
  if (bytes.length !== tensorBytes(wanted)) throw new Error(`result ${index} has ${bytes.length} bytes, wanted ${tensorBytes(wanted)}`);
  target.set(bytes);
}

/** Whether a version is the wanted one or a later one; "" wants none. */
export function isAtLeast(version: string, wanted: string): boolean {
  if (wanted === "") return true;
  const [found, least] = [version, wanted].map((text) => (text.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  const at = least.findIndex((part, i) => (found[i] ?? 0) !== part);
  return at < 0 || (found[at] ?? 0) > least[at]!;
}
