import type { Op, Value } from "../../ir/graph.ts";
import { boundsOf, countOf, dimOf } from "../../ir/dims.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { Dim, DimOperator } from "../../ir/types.ts";

/** Integers that hang on the lengths of tensors, as extents: what files compute from Shape to say how to reshape. */
export type KnownTensor = (value: Value) => Tensor | undefined;

/** The elements of an integer tensor of rank 0 or 1 as extents; undefined where they hang on other data. */
export function dimsIn(value: Value, known: KnownTensor, depth = 64): readonly Dim[] | undefined {
  const tensor = known(value);
  if (tensor) return tensor.data.length <= 64 && typeof tensor.data[0] !== "string" ? Array.from(tensor.data as ArrayLike<number | bigint>, Number) : undefined;
  const op = value.producer;
  if (!op || depth === 0 || value.type.shape.length > 1) return undefined;
  const operand = (i: number): readonly Dim[] | undefined => {
    const from = op.operands[i];
    return from && dimsIn(from, known, depth - 1);
  };
  switch (op.name) {
    case "shapeOf":
      return op.operands[0]!.type.shape;
    case "cast":
    case "reshape":
      return operand(0);
    case "concat":
      return joined(op.operands.map((_, i) => operand(i)));
    case "gather":
      return picked(operand(0), op.operands[1] && known(op.operands[1]));
    case "slice":
      return sliced(op, operand(0));
    case "select":
      return chosen(operand(0), operand(1), operand(2));
    case "equal":
    case "notEqual":
    case "less":
    case "lessEqual":
    case "greater":
    case "greaterEqual":
      return compared(operand(0), operand(1), COMPARISONS[op.name]!);
    case "not":
      return flags(operand(0), undefined, (a) => 1 - a!);
    case "and":
      return flags(operand(0), operand(1), (a, b) => (a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : undefined));
    case "or":
      return flags(operand(0), operand(1), (a, b) => (a === 1 || b === 1 ? 1 : a === 0 && b === 0 ? 0 : undefined));
    case "broadcast":
      return repeatedTo(operand(0), op.attrs["shape"] as readonly number[]);
    case "reduce":
      return op.attrs["kind"] === "prod" ? multiplied(operand(0)) : undefined;
    default:
      return combined(op, operand(0), operand(1));
  }
}

function joined(parts: readonly (readonly Dim[] | undefined)[]): readonly Dim[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

function picked(from: readonly Dim[] | undefined, indices: Tensor | undefined): readonly Dim[] | undefined {
  if (!from || !indices) return undefined;
  const picks = Array.from(indices.data as ArrayLike<number | bigint>, (at) => from.at(Number(at)));
  return picks.every((dim) => dim !== undefined) ? picks : undefined;
}

function sliced(op: Op, from: readonly Dim[] | undefined): readonly Dim[] | undefined {
  const [start, size, step] = ["starts", "sizes", "steps"].map((name) => (op.attrs[name] as readonly number[])[0]) as [number, number, number];
  return from && size >= 0 ? Array.from({ length: size }, (_, i) => from[start + i * step]!) : undefined;
}

/** Elements of `a` where the condition is 1, of `b` where it is 0. */
function chosen(condition: readonly Dim[] | undefined, a: readonly Dim[] | undefined, b: readonly Dim[] | undefined): readonly Dim[] | undefined {
  if (!condition || !a || !b) return undefined;
  const count = Math.max(condition.length, a.length, b.length);
  const at = (list: readonly Dim[], i: number): Dim | undefined => (list.length === 1 ? list[0] : list[i]);
  const picks = Array.from({ length: count }, (_, i) => {
    const flag = at(condition, i);
    return typeof flag === "number" ? at(flag ? a : b, i) : undefined;
  });
  return picks.every((dim) => dim !== undefined) ? picks : undefined;
}

/** What a comparison says of a difference that lies between two numbers; undefined where a run says it. */
type Comparison = (least: number, most: number) => boolean | undefined;

const isAlways = (yes: boolean, no: boolean): boolean | undefined => (yes ? true : no ? false : undefined);
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  equal: (least, most) => isAlways(least === 0 && most === 0, least > 0 || most < 0),
  notEqual: (least, most) => isAlways(least > 0 || most < 0, least === 0 && most === 0),
  less: (least, most) => isAlways(most < 0, least >= 0),
  lessEqual: (least, most) => isAlways(most <= 0, least > 0),
  greater: (least, most) => isAlways(least > 0, most <= 0),
  greaterEqual: (least, most) => isAlways(least >= 0, most < 0),
};

/** 1 and 0 where extents compare so whatever a run says. */
function compared(a: readonly Dim[] | undefined, b: readonly Dim[] | undefined, says: Comparison): readonly Dim[] | undefined {
  if (!a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
  const found = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const [least, most] = boundsOf(dimOf("sub", a.at(a.length === 1 ? 0 : i)!, b.at(b.length === 1 ? 0 : i)!));
    return says(least, most);
  });
  return found.every((flag) => flag !== undefined) ? found.map(Number) : undefined;
}

/** One flag of one or two; an operand that is not known is undefined. */
function flags(
  a: readonly Dim[] | undefined,
  b: readonly Dim[] | undefined,
  says: (a: number | undefined, b: number | undefined) => number | undefined,
): readonly Dim[] | undefined {
  const one = (list: readonly Dim[] | undefined): number | undefined => (list?.length === 1 && typeof list[0] === "number" ? list[0] : undefined);
  if (!a && !b) return undefined;
  const flag = says(one(a), one(b));
  return flag === undefined || Number.isNaN(flag) ? undefined : [flag];
}

function repeatedTo(from: readonly Dim[] | undefined, shape: readonly number[]): readonly Dim[] | undefined {
  const [count = 1] = shape;
  if (!from || shape.length > 1 || count > 64) return undefined;
  return from.length === count ? from : from.length === 1 ? new Array<Dim>(count).fill(from[0]!) : undefined;
}

function multiplied(from: readonly Dim[] | undefined): readonly Dim[] | undefined {
  return from && [countOf(from)];
}

const OPERATORS: Readonly<Record<string, DimOperator>> = { add: "add", sub: "sub", mul: "mul", div: "floorDiv", min: "min", max: "max", mod: "mod" };

function combined(op: Op, a: readonly Dim[] | undefined, b: readonly Dim[] | undefined): readonly Dim[] | undefined {
  const operator = OPERATORS[op.name];
  if (!operator || !a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
  // Extents are no negative numbers; with those, division would round another way.
  if ([...a, ...b].some((dim) => typeof dim === "number" && dim < 0) && operator !== "add") return undefined;
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => dimOf(operator, a.at(a.length === 1 ? 0 : i)!, b.at(b.length === 1 ? 0 : i)!));
}
