import type { Graph, Value } from "./graph.ts";
import { InternalError } from "../support/errors.ts";
import type { Tensor } from "./tensor.ts";
import { copyRun, emptyLike, splitAt } from "./ops/elements.ts";

/** An axis of an output that is as long as an i32 beside it says. */
export interface OutputExtent {
  readonly output: number;
  readonly axis: number;
  /** Which of the operands of `return` is the length. */
  readonly operand: number;
}

/** What the attribute `extents` of `return` says. */
export function outputExtents(graph: Graph): readonly OutputExtent[] {
  const flat = (graph.terminator.attrs["extents"] ?? []) as readonly number[];
  if (flat.length % 3 !== 0) throw new InternalError("return", `has ${flat.length} numbers of extents, wanted triples`);
  return Array.from({ length: flat.length / 3 }, (_, i) => ({ output: flat[3 * i]!, axis: flat[3 * i + 1]!, operand: flat[3 * i + 2]! }));
}

/** The outputs that a caller sees: lengths stand behind them. */
export function visibleOutputs(graph: Graph): readonly Value[] {
  const lengths = outputExtents(graph).map(({ operand }) => operand);
  return lengths.length === 0 ? graph.outputs : graph.outputs.slice(0, Math.min(...lengths));
}

/** The outputs a caller sees, each as long as it truly is. */
export function trueOutputs(graph: Graph, results: readonly Tensor[]): readonly Tensor[] {
  const extents = outputExtents(graph);
  return results
    .slice(0, visibleOutputs(graph).length)
    .map((tensor, i) =>
      extents.filter(({ output }) => output === i).reduce((cut, { axis, operand }) => shortened(cut, axis, Number(results[operand]!.data[0])), tensor),
    );
}

/** The first `length` slices along an axis. */
export function shortened({ type, data }: Tensor, axis: number, length: number): Tensor {
  const { outer, size, inner } = splitAt(type.shape, axis);
  const cut = emptyLike(data, outer * length * inner);
  for (let o = 0; o < outer; o++) copyRun(data, o * size * inner, length * inner, cut, o * length * inner);
  return { type: { ...type, shape: type.shape.map((dim, i) => (i === axis ? length : dim)) }, data: cut };
}
