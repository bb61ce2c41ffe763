import type { Op } from "../../ir/graph.ts";
import { conv } from "../../ir/ops/convolution.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import { elemOf, shapeOf } from "../assign-layouts.ts";
import type { LowerContext, Schedule, Wish } from "../schedule.ts";
import { isImage } from "./columnar.ts";
import { columnarLike, columnarResult } from "./columnar-result.ts";
import { convContraction, denseWeightSteps, type ConvProblem } from "./conv-contraction.ts";
import { convName, haloOf, windowAxes, type WindowAxis } from "./conv-geometry.ts";
import { isDepthwise, lowerDepthwise } from "./depthwise.ts";
import { activationOf } from "./epilogue.ts";
import { mergeGroups } from "./grouped-weights.ts";
import { haloedInput } from "./haloed-input.ts";
import { integerInput, integerWeights } from "./integer-conv.ts";
import { hasRows, integerForm, perWord } from "./integer-elements.ts";
import { runContraction } from "./run-contraction.ts";
import { lowerWinograd, winogradHalo, winogradSize } from "./winograd.ts";

/** Images with so few channels stay planar: blocks would be mostly padding, and the micro-kernel reads single elements anyway. */
const PLANAR_CHANNELS = 4;

/** y[N, O, ...] = act(conv(x, w) + bias + residual). Results are images with channels in vectors; inputs images, or planes when they have few channels. */
export const convSchedule: Schedule = {
  ops: [conv],
  wishes(op, target) {
    const image: Wish = { kind: "image", halo: [0, 0, 0, 0], fill: 0 };
    const quant = op.operands[0]!.type.quant;
    if (!isImage(quant ? "i32" : elemOf(op.operands[0]!), shapeOf(op.operands[0]!).length, target)) return { operands: [], results: [] };
    const winograd = winogradSize(op, target);
    const halo = winograd ? winogradHalo(op, winograd) : haloOf(axesOf(op));
    const x: Wish = isPlanar(op, target) ? { kind: "plain" } : { kind: "image", halo, fill: quant?.zeroPoint[0] ?? 0 };
    return { operands: [x, undefined, undefined, image], results: [image] };
  },
  lower(op, context) {
    const winograd = winogradSize(op, context.target);
    if (winograd) lowerWinograd(op, context, winograd);
    else if (isDepthwise(op)) lowerDepthwise(op, context);
    else lowerDense(op, context);
  },
};

function axesOf(op: Op): WindowAxis[] {
  return windowAxes(op, shapeOf(op.operands[1]!).slice(2));
}

function isPlanar(op: Op, target: TargetProfile): boolean {
  const channels = shapeOf(op.operands[0]!)[1]!;
  const [perGroup, groups] = [shapeOf(op.operands[1]!)[1]!, op.attrs["groups"] as number];
  const splitsPairs = op.operands[1]!.type.quant !== undefined && groups > 1 && perGroup % perWord(target) !== 0;
  return !isDepthwise(op) && (splitsPairs || (channels <= PLANAR_CHANNELS && channels < lanesOf(target)));
}

function lowerDense(op: Op, context: LowerContext): void {
  const { target } = context;
  const axes = axesOf(op);
  const integer = integerForm(op, target);
  const x = integer ? integerInput(op, context, axes, integer.per) : haloedInput(context, context.operand(op, "x")!, axes);
  const result = columnarResult(context, context.result(op), op.loc, false);
  const added = context.operand(op, "residual");
  const residual = added && columnarLike(context, added, result.place.layout);
  const [cout, perGroup, ...kernel] = shapeOf(op.operands[1]!) as [number, number, ...number[]];
  const cin = integer ? Math.ceil(perGroup / integer.per) : perGroup;
  const groups = op.attrs["groups"] as number;
  const bias = context.operand(op, "bias");
  const merged = mergeGroups(
    context,
    integer ? integerWeights(op, context, integer.per) : context.operand(op, "w")!,
    { groups, cin, cout: cout / groups, kernel },
    x.layout.block?.size ?? 1,
    result.place.layout.block?.size ?? 1,
  );
  const problem: ConvProblem = {
    name: convName("conv", op, axes),
    loc: op.loc,
    target,
    x: x.layout,
    y: result.place.layout,
    residual: residual?.layout,
    axes,
    groups: merged.groups,
    cin: merged.cin,
    cout: merged.cout,
    hasBias: bias !== undefined || hasRows(integer),
    integer,
    activation: activationOf(op),
    weights: denseWeightSteps(merged.cout, merged.cin, kernel),
  };
  runContraction(context, convContraction(problem), { x: x.buffer, weights: merged.weights, bias, residual: residual?.buffer, y: result.place.buffer });
  result.finish();
}
