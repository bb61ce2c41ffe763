import type { Tensor } from "../../src/ir/tensor.ts";

/** A string tensor as places in a list of labels, words that it has not behind the end: what graphs take and give instead of strings. Others stay. */
export function asPlaces(tensor: Tensor, labels: readonly string[] | undefined): Tensor {
  if (!labels || tensor.type.dtype !== "string") return tensor;
  const places = new Map(labels.map((word, i) => [word, BigInt(i)] as const).toReversed());
  const data = BigInt64Array.from(tensor.data as readonly string[], (word) => places.get(word) ?? BigInt(labels.length));
  return { type: { dtype: "i64", shape: tensor.type.shape }, data };
}
