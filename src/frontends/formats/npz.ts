import type { Tensor } from "../../ir/tensor.ts";
import { DEFAULT_LIMITS, type Limits } from "../../support/limits.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readZip, writeZip } from "./zip.ts";

/** Arrays of a numpy archive (`np.savez`) by name. Throws NEO2013 for a broken archive, NEO2012 for a broken array. */
export function readNpz(bytes: Uint8Array, file: string, limits: Limits = DEFAULT_LIMITS): ReadonlyMap<string, Tensor> {
  const arrays = new Map<string, Tensor>();
  for (const [member, data] of readZip(bytes, file, limits)) {
    if (member.endsWith(".npy")) arrays.set(member.slice(0, -".npy".length), readNpy(data, `${file}:${member}`, limits));
  }
  return arrays;
}

/** Bytes that `np.load` reads. */
export function writeNpz(arrays: Iterable<readonly [name: string, tensor: Tensor]>): Uint8Array {
  return writeZip(Array.from(arrays, ([name, tensor]) => [`${name}.npy`, writeNpy(tensor)] as const));
}
