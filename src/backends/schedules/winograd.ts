import type { Op } from "../../ir/graph.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import { elemOf, shapeOf } from "../assign-layouts.ts";
import type { Halo } from "../layout.ts";
import type { LowerContext } from "../schedule.ts";
import { columnarLike, columnarResult } from "./columnar-result.ts";
import { convName, windowAxes } from "./conv-geometry.ts";
import { activationOf, isLight } from "./epilogue.ts";
import { channelVectors } from "./image-nest.ts";
import { packPanels, panelLayout } from "./weight-panels.ts";
import { winogradKernel } from "./winograd-kernel.ts";
import { planWinograd, winogradScratch, type WinogradProblem } from "./winograd-plan.ts";
import { transformWeights, type WinogradSize } from "./winograd-transform.ts";

/** Fewer channels or rows don't pay for the transforms. */
const FEWEST_CHANNELS = 16;
const FEWEST_ROWS = 8;
/** Transformed weights are read once for every strip: larger ones would come from memory. */
const MOST_WEIGHT_BYTES = 10 * 1024 * 1024;
/** Cycles of the transforms of a tile for each vector of channels going in and coming out. */
const TRANSFORM_CYCLES: Readonly<Record<WinogradSize, readonly [number, number]>> = { 2: [40, 30], 4: [100, 90] };

/** The tile size with the fewest estimated cycles, for 3x3 convolutions with stride 1 and constant weights; undefined where the direct kernel is as good. */
export function winogradSize(op: Op, target: TargetProfile): WinogradSize | undefined {
  const w = shapeOf(op.operands[1]!);
  const [cout, cin, ...kernel] = w as [number, number, ...number[]];
  const ones = (name: string): boolean => (op.attrs[name] as readonly number[]).every((n) => n === 1);
  const known = [op.operands[1], op.operand("bias")].every((value) => !value || value.producer?.name === "constant");
  const fits = kernel.length === 2 && kernel.every((k) => k === 3) && ones("strides") && ones("dilations") && op.attrs["groups"] === 1;
  if (!fits || !known || lanesOf(target) === 1 || elemOf(op.results[0]!) !== "f32" || !isLight(activationOf(op))) return undefined;
  const [rows, cols] = shapeOf(op.results[0]!).slice(2) as [number, number];
  if (cin < FEWEST_CHANNELS || cout < FEWEST_CHANNELS || rows < FEWEST_ROWS) return undefined;
  const lanes = lanesOf(target);
  const [vin, vout] = [Math.ceil(cin / lanes), Math.ceil(cout / lanes)];
  const direct = (rows * cols * 9 * cin * vout) / target.fmaPerCycle;
  const cycles = (m: WinogradSize): number => {
    const tiles = Math.ceil(rows / m) * Math.ceil(cols / m);
    const [going, coming] = TRANSFORM_CYCLES[m];
    return tiles * (((m + 2) ** 2 * cin * vout) / target.fmaPerCycle + going * vin + coming * vout);
  };
  const candidates = ([4, 2] as const).filter((m) => (m + 2) ** 2 * cin * cout * 4 <= MOST_WEIGHT_BYTES && cycles(m) < 0.8 * direct);
  return candidates.toSorted((a, b) => cycles(a) - cycles(b))[0];
}

/** What the input tiles read round the image. */
export function winogradHalo(op: Op, m: WinogradSize): Halo {
  const [rows, cols] = windowAxes(op, [3, 3]);
  const [h, w] = shapeOf(op.results[0]!).slice(2) as [number, number];
  const after = (out: number, size: number, before: number): number => Math.max(0, m * Math.ceil(out / m) + 2 - before - size);
  return [rows!.before, after(w, cols!.in, cols!.before), after(h, rows!.in, rows!.before), cols!.before];
}

export function lowerWinograd(op: Op, context: LowerContext, m: WinogradSize): void {
  const axes = windowAxes(op, [3, 3]);
  const [x, weights, bias, added] = [context.operand(op, "x")!, context.operand(op, "w")!, context.operand(op, "bias"), context.operand(op, "residual")];
  const result = columnarResult(context, context.result(op), op.loc, true);
  const residual = added && columnarLike(context, added, result.place.layout);
  const problem: WinogradProblem = {
    name: convName("winograd", op, axes),
    loc: op.loc,
    target: context.target,
    m,
    x: x.layout,
    y: result.place.layout,
    residual: residual?.layout,
    before: [axes[0]!.before, axes[1]!.before],
    activation: activationOf(op),
  };
  const plan = planWinograd(problem);
  const { c, plan: tiles } = [...plan.products.values()][0]!;
  const panels = new Float32Array(panelLayout(c, tiles).size);
  packPanels(c, tiles, transformWeights(m, weights.constant as Float32Array), undefined, panels);
  const { lanes, blocks, parts } = channelVectors(problem.y, context.target);
  const biases = new Float32Array(blocks * parts * lanes);
  if (bias) biases.set(bias.constant as Float32Array);
  const sizes = winogradScratch(problem, plan);
  context.call(winogradKernel(problem, plan), {
    x: x.buffer,
    w: context.weights("f32", panels),
    bias: context.weights("f32", biases),
    y: result.place.buffer,
    ...(residual ? { residual: residual.buffer } : {}),
    inputs: context.scratch("f32", sizes.inputs),
    products: context.scratch("f32", sizes.products),
    square: context.scratch("f32", sizes.square),
  });
  result.finish();
}
