import type { Op } from "../../ir/graph.ts";
import { attention } from "../../ir/ops/attention.ts";
import { elementCount } from "../../ir/types.ts";
import { shapeOf } from "../assign-layouts.ts";
import { denseStrides, plainLayout } from "../layout.ts";
import type { Buffer, LowerContext, Place, Schedule } from "../schedule.ts";
import { columnLanes } from "./contraction.ts";
import { attentionKernel, planAttention, type AttentionProblem } from "./attention-kernel.ts";
import { fillAllKernel } from "./fill.ts";
import { packKernel } from "./pack-kernel.ts";
import type { ScoreRules } from "./softmax-rows.ts";
import { panelLayout } from "./weight-panels.ts";

/** Keys are packed into panels, already scaled; then one kernel goes through the queries in tiles: scores, softmax, mixture of values. */
export const attentionSchedule: Schedule = { ops: [attention], lower: lowerAttention };

function lowerAttention(op: Op, context: LowerContext): void {
  const [batch, heads, queries, depth] = shapeOf(op.operands[0]!) as [number, number, number, number];
  const [, kvHeads, keys] = shapeOf(op.operands[1]!) as [number, number, number];
  const valueDepth = shapeOf(op.operands[2]!)[3]!;
  const [q, k, v, mask, y] = [context.operand(op, "q")!, context.operand(op, "k")!, context.operand(op, "v")!, context.operand(op, "mask"), context.result(op)];
  if (batch * heads * queries * valueDepth === 0) return;
  if (keys === 0) {
    const zeros = fillAllKernel(y.layout, 0, context.target, op.loc);
    return context.call(zeros, { [zeros.params[0]!.name]: y.buffer });
  }
  const positions = Math.max(queries, keys);
  const rules: ScoreRules = {
    softcap: op.attrs["softcap"] as number,
    mask: mask && { elem: mask.layout.elem, size: elementCount(mask.layout.shape), steps: maskSteps(mask, [batch, kvHeads, heads / kvHeads, queries, keys]) },
    causal: op.attrs["causal"] === true ? { size: positions, offset: op.attrs["offset"] as number } : undefined,
  };
  const elem = y.layout.elem as AttentionProblem["elem"];
  const problem: AttentionProblem = {
    name: `attention_${elem}_${batch}x${heads}x${queries}x${depth}_${kvHeads}x${keys}x${valueDepth}${mask ? "_mask" : ""}${rules.causal ? "_causal" : ""}`,
    loc: op.loc,
    target: context.target,
    elem,
    batch,
    heads: kvHeads,
    perHead: heads / kvHeads,
    queries,
    keys,
    depth,
    valueDepth,
    sizes: { q: batch * heads * queries * depth, v: batch * kvHeads * keys * valueDepth, y: batch * heads * queries * valueDepth },
    rules,
  };
  const plan = planAttention(problem);
  const [first] = plan.parts;
  const scale = (op.attrs["scale"] as number) || 1 / Math.sqrt(depth);
  const packed = (part: NonNullable<typeof first>["scores"], place: Place, by: number): Buffer => {
    const panels = context.scratch(elem, panelLayout(part.c, part.plan).size);
    context.call(packKernel(part.c, part.plan, { weights: elementCount(place.layout.shape) }, by), { weights: place.buffer, panels });
    return panels;
  };
  const args = {
    q: q.buffer,
    k: packed(first!.scores, k, scale),
    v: first!.values.c.direct ? v.buffer : packed(first!.values, v, 1),
    y: y.buffer,
    scores: context.scratch(elem, first!.scores.c.y.size),
    ...(mask ? { mask: mask.buffer } : {}),
    ...(rules.causal ? { positions: context.weights(elem, countingUp(elem, positions)) } : {}),
  };
  const end = mask && context.endOfMask(op.operand("mask")!);
  const isOfKeys = end && end.axis === mask.layout.shape.length - 1;
  const rows = plainLayout(elem, [first!.scores.c.y.size / plan.pitch, plan.pitch]);
  // Behind the last key that the mask lets through there is nothing to compute.
  const ends = isOfKeys
    ? [{ param: "scores", layout: rows, axis: 1, extent: end.extent, factor: 1, offset: 0, rowsOf: columnLanes(elem, context.target) }]
    : [];
  context.call(attentionKernel(problem, plan), args, undefined, ends);
}

/** Steps of a mask that broadcasts to [batch, heads, queries, keys]; the axis of heads is two: those of keys, and those that share one. */
function maskSteps(
  mask: Place,
  [batch, kvHeads, perHead, queries, keys]: readonly [number, number, number, number, number],
): NonNullable<ScoreRules["mask"]>["steps"] {
  const shape = [...new Array<number>(4 - mask.layout.shape.length).fill(1), ...mask.layout.shape];
  const dense = denseStrides(shape);
  const [n, h, s, t] = [batch, kvHeads * perHead, queries, keys].map((extent, i) => (shape[i] === 1 && extent !== 1 ? 0 : dense[i]!)) as [
    number,
    number,
    number,
    number,
  ];
  return [n, h * perHead, h, s, t];
}

function countingUp(elem: AttentionProblem["elem"], count: number): Float32Array | Float64Array {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return elem === "f32" ? Float32Array.from(numbers) : Float64Array.from(numbers);
}
