import type { Op } from "../../ir/graph.ts";
import { convTranspose } from "../../ir/ops/convolution.ts";
import { elemOf, shapeOf } from "../assign-layouts.ts";
import type { Layout } from "../layout.ts";
import type { LowerContext, Schedule } from "../schedule.ts";
import { isImage } from "./columnar.ts";
import { columnarResult } from "./columnar-result.ts";
import { convContraction, denseWeightSteps, type WeightSteps } from "./conv-contraction.ts";
import { convName, haloOf, windowAxis, type WindowAxis } from "./conv-geometry.ts";
import { activationOf } from "./epilogue.ts";
import { mergeGroups } from "./grouped-weights.ts";
import { haloedInput } from "./haloed-input.ts";
import { integerInput, integerTransposedWeights } from "./integer-conv.ts";
import { hasRows, integerForm } from "./integer-elements.ts";
import { runContraction } from "./run-contraction.ts";

/**
 * Outputs of one phase (o mod stride) are an ordinary convolution with stride 1 over every (stride / gcd)-th tap, backwards; a
 * transposed convolution is one such convolution for each combination of phases, written `stride` pixels apart.
 */
export const convTransposeSchedule: Schedule = {
  ops: [convTranspose],
  wishes(op, target) {
    const quant = op.operands[0]!.type.quant;
    if (!isImage(quant ? "i32" : elemOf(op.operands[0]!), shapeOf(op.operands[0]!).length, target)) return { operands: [], results: [] };
    return {
      operands: [{ kind: "image", halo: haloOf(reach(op)), fill: quant?.zeroPoint[0] ?? 0 }],
      results: [{ kind: "image", halo: [0, 0, 0, 0], fill: 0 }],
    };
  },
  lower: lowerConvTranspose,
};

interface Phase {
  readonly index: number;
  readonly stride: number;
  /** undefined: no output of this phase exists. */
  readonly window: WindowAxis | undefined;
  /** The tap that the window meets first, and the step to the next. */
  readonly firstTap: number;
  readonly tapStep: number;
}

function phasesOf(op: Op, axis: number): Phase[] {
  const kernel = shapeOf(op.operands[1]!)[axis + 2]!;
  const ints = (name: string, fallback: number): number => (op.attrs[name] as readonly number[])[axis] ?? fallback;
  const [stride, dilation, before] = [ints("strides", 1), ints("dilations", 1), ints("pads", 0)];
  const [size, out] = [shapeOf(op.operands[0]!)[axis + 2]!, shapeOf(op.results[0]!)[axis + 2]!];
  return Array.from({ length: stride }, (_, index): Phase => {
    const count = Math.ceil((out - index) / stride);
    const taps = Array.from({ length: kernel }, (_, k) => k).filter((k) => (index + before - k * dilation) % stride === 0);
    const last = taps.at(-1) ?? 0;
    const step = taps.length > 1 ? taps[1]! - taps[0]! : 1;
    const window = windowAxis({
      in: size,
      out: count,
      kernel: taps.length,
      stride: 1,
      dilation: (step * dilation) / stride,
      before: -((index + before - last * dilation) / stride),
    });
    return { index, stride, window: count > 0 ? window : undefined, firstTap: last, tapStep: -step };
  });
}

/** Margin that the windows of all phases need. */
function reach(op: Op): WindowAxis[] {
  return shapeOf(op.operands[0]!)
    .slice(2)
    .map((_, axis) => {
      const windows = phasesOf(op, axis).flatMap((phase) => (phase.window && phase.window.kernel > 0 ? [phase.window] : []));
      const most = (side: "before" | "after"): number => Math.max(0, ...windows.map((window) => window[side]));
      return { in: 0, out: 0, kernel: 0, stride: 1, dilation: 1, before: most("before"), after: most("after") };
    });
}

function lowerConvTranspose(op: Op, context: LowerContext): void {
  const integer = integerForm(op, context.target);
  const x = integer ? integerInput(op, context, reach(op), integer.per) : haloedInput(context, context.operand(op, "x")!, reach(op));
  const result = columnarResult(context, context.result(op), op.loc, false);
  const w = integer ? integerTransposedWeights(op, context, integer.per) : context.operand(op, "w")!;
  const [channels, cout, ...kernel] = w.layout.shape as [number, number, ...number[]];
  const groups = op.attrs["groups"] as number;
  const bias = context.operand(op, "bias");
  // Rows of w are input channels here, so the sides change places.
  const swapped = mergeGroups(
    context,
    w,
    { groups, cin: cout, cout: channels / groups, kernel },
    result.place.layout.block?.size ?? 1,
    x.layout.block?.size ?? 1,
  );
  const merged = { groups: swapped.groups, cin: swapped.cout, cout: swapped.cin };
  const dense = denseWeightSteps(merged.cin, merged.cout, kernel);

  const phases = kernel.map((_, axis) => phasesOf(op, axis));
  for (const combination of product(phases)) {
    const windows = combination.map((phase) => phase.window);
    if (windows.some((window) => window === undefined)) continue;
    const axes = windows as WindowAxis[];
    const weights: WeightSteps = {
      base: combination.reduce((at, phase, i) => at + phase.firstTap * dense.taps[i]!, 0),
      group: dense.group,
      cout: dense.cin,
      cin: dense.cout,
      taps: combination.map((phase, i) => phase.tapStep * dense.taps[i]!),
    };
    const c = convContraction({
      name: `${convName("transposed", op, axes)}_p${combination.map((phase) => phase.index).join("x")}`,
      loc: op.loc,
      target: context.target,
      x: x.layout,
      y: phaseLayout(result.place.layout, combination),
      residual: undefined,
      axes,
      ...merged,
      hasBias: bias !== undefined || hasRows(integer),
      integer,
      activation: activationOf(op),
      weights,
    });
    runContraction(context, c, { x: x.buffer, weights: swapped.weights, bias, residual: undefined, y: result.place.buffer });
  }
  result.finish();
}

function product(lists: readonly (readonly Phase[])[]): Phase[][] {
  return lists.reduce<Phase[][]>((all, list) => all.flatMap((head) => list.map((item) => [...head, item])), [[]]);
}

/** The outputs of one phase as a tensor of their own in the buffer of all. */
function phaseLayout(y: Layout, phases: readonly Phase[]): Layout {
  const strides = [...y.strides];
  let { offset } = y;
  phases.forEach((phase, i) => {
    offset += phase.index * y.strides[i + 2]!;
    strides[i + 2] = y.strides[i + 2]! * phase.stride;
  });
  return { ...y, strides, offset };
}
