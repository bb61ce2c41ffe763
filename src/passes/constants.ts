import { Builder, namedOperands } from "../ir/builder.ts";
import type { Value } from "../ir/graph.ts";
import { evaluateOp } from "../ir/interpret.ts";
import type { OpDef } from "../ir/op-def.ts";
import { constant } from "../ir/ops/control.ts";
import type { Data, Tensor } from "../ir/tensor.ts";
import { elementCount, isStatic } from "../ir/types.ts";

/** The one number that every element of a numeric tensor has. */
export function uniform(value: Tensor): number | undefined {
  if (value.data.length === 0 || value.type.dtype === "string") return undefined;
  const first = value.data[0]!;
  for (let i = 1; i < value.data.length; i++) if (value.data[i] !== first) return undefined;
  return Number(first);
}

export function isUniform(value: Tensor, wanted: number): boolean {
  return uniform(value) === wanted;
}

/** The tensor behind a value, where it is a constant. */
export function constantTensor(value: Value | undefined): Tensor | undefined {
  return value?.producer?.name === "constant" ? (value.producer.attrs["value"] as Tensor) : undefined;
}

export function makeConstant(builder: Builder, value: Tensor): Value {
  return builder.create(constant, {}, { value });
}

/** What an op makes of constants, as a constant. */
export function computed<O extends readonly string[]>(builder: Builder, def: OpDef<O>, ...operands: readonly Value[]): Value {
  const made = new Builder().create(def, namedOperands(def, operands) as never).producer!;
  const [data] = evaluateOp(made, operands.map(constantTensor));
  operands.forEach((_, i) => made.setOperand(i, undefined));
  return makeConstant(builder, data!);
}

/** What a value of at most `most` elements computed from constants by a few steps is, constant itself or not. */
export function folded(value: Value | undefined, steps = MOST_STEPS, most = MOST_FOLDED): Tensor | undefined {
  const op = value?.producer;
  const known = constantTensor(value);
  if (known || !op || !op.def.pure || op.regions.length > 0 || op.operands.length === 0 || steps === 0) return known;
  if (!isStatic(value.type) || elementCount(value.type.shape) > most) return undefined;
  const operands = op.operands.map((operand) => folded(operand, steps - 1, most));
  return operands.every((operand, i) => operand || !op.operands[i]) ? evaluateOp(op, operands)[op.results.indexOf(value)] : undefined;
}

const MOST_FOLDED = 1 << 14;
/** A deep graph that joins again and again has very many ways to its inputs. */
const MOST_STEPS = 4;

/** Numbers of a float tensor. */
export function numbersOf(value: Tensor): ArrayLike<number> {
  return value.data as Exclude<Data, BigInt64Array | BigUint64Array | string[]>;
}

/**
 * Elements of a constant that has one number a channel of `axis` in a tensor of rank `rank` (or one in all), as a vector of `channels`.
 * undefined where it varies along another axis.
 */
export function perChannel(value: Tensor, rank: number, axis: number, channels: number): Float64Array | undefined {
  const shape = value.type.shape;
  if (value.type.dtype === "string" || shape.length > rank) return undefined;
  const padded = [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const count = elementCount(shape);
  if (!padded.every((dim, i) => dim === 1 || (i === axis && dim === channels))) return undefined;
  return Float64Array.from({ length: channels }, (_, i) => Number(value.data[count === 1 ? 0 : i]));
}
