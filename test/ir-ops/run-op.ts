import { completeAttrs, inferTypes, positional } from "../../src/ir/builder.ts";
import { Op, Value } from "../../src/ir/graph.ts";
import { evaluateOp } from "../../src/ir/interpret.ts";
import { type AnyOpDef } from "../../src/ir/op-def.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { tensorType, type DType, type StaticType, type TensorType } from "../../src/ir/types.ts";

type Operands = Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>;

/** All results of one op on tensors. */
export function runAll(def: AnyOpDef, operands: Operands, attrs: Readonly<Record<string, unknown>> = {}): Tensor[] {
  const given = positional(def, operands) as unknown as (Tensor | undefined)[];
  const complete = completeAttrs(def, attrs);
  const values = given.map((operand) => operand && new Value(operand.type));
  return evaluateOp(new Op(def, values, complete, inferTypes(def, values, complete)), given);
}

/** The first result of one op. */
export function run(def: AnyOpDef, operands: Operands, attrs: Readonly<Record<string, unknown>> = {}): Tensor {
  return runAll(def, operands, attrs)[0]!;
}

/** Types that `infer` gives for operand types written like { x: f32(2, 3) }. */
export function infer(
  def: AnyOpDef,
  operands: Readonly<Record<string, TensorType | readonly TensorType[] | undefined>>,
  attrs: Readonly<Record<string, unknown>> = {},
): readonly TensorType[] {
  return def.infer(operands, completeAttrs(def, attrs));
}

/** 0, 1, 2, … */
export function iota(dtype: DType, ...shape: readonly number[]): Tensor {
  return tensor(
    dtype,
    shape,
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i),
  );
}

export function f32(shape: readonly number[], values: readonly number[]): Tensor {
  return tensor("f32", shape, values);
}

export function i64(shape: readonly number[], values: readonly (number | bigint)[]): Tensor {
  return tensor("i64", shape, values);
}

export function type(dtype: DType, ...shape: readonly TensorType["shape"][number][]): TensorType {
  return tensorType(dtype, shape);
}

/** Random f32 elements from -2 to 2. */
export function random(seed: number, ...shape: readonly number[]): Tensor {
  return randomTensor(tensorType("f32", shape) as StaticType, seed);
}

export function list({ data }: Tensor): (number | string)[] {
  return Array.from(data as ArrayLike<number | bigint | string>, (x) => (typeof x === "bigint" ? Number(x) : x));
}

/** Greatest difference of two tensors of one shape. */
export function distance(a: Tensor, b: Tensor): number {
  if (a.type.shape.join() !== b.type.shape.join()) return Infinity;
  return list(a).reduce<number>((worst, x, i) => Math.max(worst, Math.abs(Number(x) - Number(list(b)[i]))), 0);
}
