import type { Graph, Value } from "./graph.ts";
import { InternalError } from "../support/errors.ts";
import { tensor, type Tensor } from "./tensor.ts";
import { copyRun, emptyLike, splitAt } from "./ops/elements.ts";
import type { StaticType } from "./types.ts";

/** An axis of an input that is as long as an i32 beside it says: from `low` on in steps. */
export interface InputExtent {
  readonly input: number;
  readonly axis: number;
  /** Which of the parameters is the length. */
  readonly param: number;
  readonly low: number;
  readonly step: number;
}

/** What the attribute `inputExtents` of `return` says. */
export function inputExtents(graph: Graph): readonly InputExtent[] {
  const flat = (graph.terminator.attrs["inputExtents"] ?? []) as readonly number[];
  if (flat.length % 5 !== 0) throw new InternalError("return", `has ${flat.length} numbers of input extents, wanted five each`);
  return Array.from({ length: flat.length / 5 }, (_, i) => {
    const [input, axis, param, low, step] = flat.slice(5 * i, 5 * i + 5) as [number, number, number, number, number];
    return { input, axis, param, low, step };
  });
}

/** The inputs that a caller feeds: lengths stand behind them. */
export function visibleInputs(graph: Graph): readonly Value[] {
  const lengths = inputExtents(graph).map(({ param }) => param);
  return lengths.length === 0 ? graph.params : graph.params.slice(0, Math.min(...lengths));
}

/** What the parameters are for inputs as a caller feeds them: as long as they can get, zeros behind the end, and their lengths. */
export function fullInputs(graph: Graph, inputs: readonly Tensor[]): readonly Tensor[] {
  const extents = inputExtents(graph);
  const given = visibleInputs(graph);
  const whole = inputs.map((x, i) =>
    extents.filter(({ input }) => input === i).reduce((cut, { axis }) => resized(cut, axis, given[i]!.type.shape[axis] as number), x),
  );
  const lengths = graph.params.slice(given.length).map((_, i) => {
    const { input, axis } = extents.find(({ param }) => param === given.length + i)!;
    return tensor("i32", [], [inputs[input]!.type.shape[axis]!]);
  });
  return [...whole, ...lengths];
}

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
      extents.filter(({ output }) => output === i).reduce((cut, { axis, operand }) => resized(cut, axis, Number(results[operand]!.data[0])), tensor),
    );
}

/** The first `length` slices along an axis; zeros where there are not as many. */
export function resized({ type, data }: Tensor, axis: number, length: number): Tensor {
  const { outer, size, inner } = splitAt(type.shape, axis);
  const result = emptyLike(data, outer * length * inner);
  const kept = Math.min(size, length);
  for (let o = 0; o < outer; o++) copyRun(data, o * size * inner, kept * inner, result, o * length * inner);
  const shape = type.shape.map((dim, i) => (i === axis ? length : dim));
  return { type: { ...type, shape } as StaticType, data: result };
}
