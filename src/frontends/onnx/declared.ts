import { allocate, type Tensor } from "../../ir/tensor.ts";
import { isFloat, tensorType, type StaticType } from "../../ir/types.ts";
import { safeProduct } from "../../support/limits.ts";
import { valueSpec } from "./inputs.ts";
import { TensorProblem } from "./tensor-problem.ts";
import { tensorLayout, type TensorSource } from "./tensors.ts";
import type { GraphProto, TensorProto } from "./schema.ts";

/**
 * What files say of values that could not be made: with it the nodes behind them can be looked at too. Floats only: integers may be
 * shapes, and a made-up shape gives findings that are none.
 */

/** Types of the values that the graph declares with all their sizes. */
export function declaredTypes(graph: GraphProto, sizes: Readonly<Record<string, unknown>>): ReadonlyMap<string, StaticType> {
  const types = new Map<string, StaticType>();
  for (const { name, dtype, dims } of [...graph.valueInfo, ...graph.output].map(valueSpec)) {
    const shape = dims?.map((dim) => (typeof dim === "string" && Object.hasOwn(sizes, dim) ? sizes[dim] : dim));
    if (dtype && isFloat(dtype) && shape?.every((dim) => typeof dim === "number")) types.set(name, tensorType(dtype, shape) as StaticType);
  }
  return types;
}

const MOST_ELEMENTS = 1 << 22;

/** A tensor of the type that a message declares whose data can't be read; ones, which no division minds. */
export function declaredTensor(proto: TensorProto | undefined, source: TensorSource): Tensor | undefined {
  try {
    const { dtype, shape, elements } = tensorLayout(proto!, source);
    if (!isFloat(dtype) || safeProduct(shape) === undefined || elements > MOST_ELEMENTS) return undefined;
    return { type: { dtype, shape }, data: (allocate(dtype, elements) as Float32Array).fill(1) };
  } catch (error) {
    if (error instanceof TensorProblem) return undefined;
    throw error;
  }
}
