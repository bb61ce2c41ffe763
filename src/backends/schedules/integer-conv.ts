import type { Op } from "../../ir/graph.ts";
import { elementCount } from "../../ir/types.ts";
import { shapeOf } from "../assign-layouts.ts";
import { isPlain, plainLayout } from "../layout.ts";
import type { LowerContext, Place } from "../schedule.ts";
import type { WindowAxis } from "./conv-geometry.ts";
import { haloedInput } from "./haloed-input.ts";
import { centredImage, hasPairedChannels, joined, type PerWord } from "./integer-elements.ts";

/** The stored integers of an image as words: the image itself, or planes of words where channels don't pair up as they lie. */
export function integerInput(op: Op, context: LowerContext, axes: readonly WindowAxis[], per: PerWord): Place {
  const x = context.operand(op, "x")!;
  const quant = op.operands[0]!.type.quant!;
  const [batch, channels, ...space] = shapeOf(op.operands[0]!) as [number, number, ...number[]];
  const groups = op.attrs["groups"] as number;
  const perGroup = channels / groups;
  const fits = per === 1 || (hasPairedChannels(x.layout) && (groups === 1 || perGroup % per === 0));
  if (!isPlain(x.layout) && fits) return centredImage(context, x, quant, per);
  const plain = context.relayout(x, plainLayout(x.layout.elem, x.layout.shape, isPlain(x.layout) ? x.layout.size - elementCount(x.layout.shape) : undefined));
  const as = { outer: batch * groups, reduced: perGroup, inner: elementCount(space) };
  return haloedInput(context, joined(context, plain, quant, per, as, "outer", [batch, groups * Math.ceil(perGroup / per), ...space]), axes);
}

/** w[O, C/groups, kernel...] with words along its second axis. */
export function integerWeights(op: Op, context: LowerContext, per: PerWord): Place {
  const [outputs, perGroup, ...kernel] = shapeOf(op.operands[1]!) as [number, number, ...number[]];
  const as = { outer: outputs, reduced: perGroup, inner: elementCount(kernel) };
  return joined(context, context.operand(op, "w")!, op.operands[1]!.type.quant!, per, as, "outer", [outputs, Math.ceil(perGroup / per), ...kernel]);
}

/** w[C, O/groups, kernel...] with words along the input channels of a group. */
export function integerTransposedWeights(op: Op, context: LowerContext, per: PerWord): Place {
  const [channels, perGroup, ...kernel] = shapeOf(op.operands[1]!) as [number, number, ...number[]];
  const groups = op.attrs["groups"] as number;
  const as = { outer: groups, reduced: channels / groups, inner: perGroup * elementCount(kernel) };
  const words = groups * Math.ceil(channels / groups / per);
  return joined(context, context.operand(op, "w")!, op.operands[1]!.type.quant!, per, as, "inner", [words, perGroup, ...kernel]);
}
