import type { AttrSchema } from "../attr.ts";
import { boundsOf, symbolsOf } from "../dims.ts";
import { defineOp, type AnyOpDef, type OpDef } from "../op-def.ts";
import { notEvaluated } from "../region-types.ts";
import { allocate, tensor, type Data, type Tensor } from "../tensor.ts";
import { elementCount, tensorType, type StaticType, type TensorType } from "../types.ts";
import { evenOffsets, place, stridesOf, tableOf } from "./elements.ts";
import { nonMaxSuppression } from "./non-max-suppression.ts";
import { nonZero, unique } from "./selection.ts";
import { decodeImage, textNormalise, textSplit } from "./texts.ts";

/**
 * The form of an op in which lengths that its data decide are the largest they can be. Behind the true end stand zeros; the last
 * result, `count`, says where that is.
 */
function padded<O extends readonly string[], A extends AttrSchema>(def: OpDef<O, A>, counts: readonly string[] = ["count"]): OpDef<O, A> {
  return defineOp<O, A>({
    name: `${def.name}Padded`,
    summary: `As ${def.name}, of the greatest length there can be: zeros behind the end, which \`count\` tells.`,
    operands: def.operands,
    results: [...def.results, ...counts],
    attrs: def.attrs,
    tolerance: def.tolerance,
    samples: def.samples,
    infer: (operands, attrs) => [...def.infer(operands, attrs).map(longest), ...counts.map(() => tensorType("i32", []))],
    evaluate: notEvaluated,
    execute(operands, attrs, _regions, { results }) {
      const types = Object.fromEntries(def.operands.map((name, i) => [name.replace("?", ""), operands[i]?.type]));
      const open = def.infer(types as never, attrs as never);
      const found = trueResults(def, operands, attrs);
      const first = open.findIndex((type) => type.shape.some((dim) => typeof dim !== "number"));
      const axes = open[first]!.shape.flatMap((dim, axis) => (typeof dim === "number" ? [] : [axis]));
      const whole = found.map((part, i) => extended(part, results[i] as StaticType));
      return [...whole, ...counts.map((_, i) => tensor("i32", [], [found[first]!.type.shape[axes[i]!]!]))];
    },
  });
}

/** The type with every open extent at its upper bound. */
export function longest(type: TensorType): TensorType {
  return { ...type, shape: type.shape.map((dim) => (symbolsOf(dim).length > 0 ? boundsOf(dim)[1] : dim)) };
}

function trueResults(def: AnyOpDef, operands: readonly (Tensor | undefined)[], attrs: Readonly<Record<string, unknown>>): readonly Tensor[] {
  if (def.execute) return def.execute(operands, attrs as never, [], { results: [], state: new Map() });
  const named = <T>(pick: (operand: Tensor) => T): Record<string, T | undefined> =>
    Object.fromEntries((def.operands as readonly string[]).map((name, i) => [name.replace("?", ""), operands[i] && pick(operands[i])]));
  const types = named((operand) => operand.type);
  const [open] = def.infer(types, attrs) as readonly [TensorType];
  const [elements] = def.evaluate(
    named((operand) => operand.data),
    attrs,
    [open as StaticType],
    types as never,
  ) as readonly [Data];
  const rest = elementCount(open.shape.filter((dim) => typeof dim === "number"));
  return [{ type: { ...open, shape: open.shape.map((dim) => (typeof dim === "number" ? dim : elements.length / rest)) }, data: elements }];
}

/** The tensor in the corner of one of a larger type, whose other elements are zero. */
function extended({ type, data }: Tensor, whole: StaticType): Tensor {
  const strides = stridesOf(whole.shape);
  const table = tableOf(type.shape.map((count, axis) => evenOffsets(count, strides[axis]!)));
  return { type: whole, data: place(data, allocate(whole.dtype, elementCount(whole.shape)), table) };
}

export const nonZeroPadded = padded(nonZero);
export const uniquePadded = padded(unique);
export const nonMaxSuppressionPadded = padded(nonMaxSuppression);
export const decodeImagePadded = padded(decodeImage, ["height", "width"]);
export const textSplitPadded = padded(textSplit);
export const textNormalisePadded = padded(textNormalise);
