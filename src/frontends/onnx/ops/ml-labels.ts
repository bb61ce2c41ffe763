import { gather } from "../../../ir/ops/gather.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";

/** The classes of a classifier: integers or words, one kind of them. */
export type ClassLabels = { readonly ints: readonly bigint[] } | { readonly words: readonly string[] };

/** Undefined where the node names no classes. Words win where it names both, as in ONNX Runtime. */
export function readLabels(c: NodeContext, prefix = "classlabels"): ClassLabels | undefined {
  const words = c.texts(`${prefix}_strings`) ?? [];
  const ints = c.bigints(`${prefix}_${prefix === "classlabels" ? "ints" : "int64s"}`) ?? [];
  return words.length > 0 ? { words } : ints.length > 0 ? { ints } : undefined;
}

export function labelCount(labels: ClassLabels): number {
  return "ints" in labels ? labels.ints.length : labels.words.length;
}

/** The label at each index: i64, or strings picked from a constant. */
export function labelled(c: NodeContext, labels: ClassLabels, indices: Value): Value {
  const table = "ints" in labels ? tensor("i64", [labels.ints.length], labels.ints) : tensor("string", [labels.words.length], labels.words);
  return c.b.create(gather, { x: c.value(table), indices }, { axis: 0 });
}
