import type { Op } from "../../ir/graph.ts";
import { elemOf, shapeOf } from "../assign-layouts.ts";
import type { LowerContext } from "../schedule.ts";
import { columnarLike, columnarResult } from "./columnar-result.ts";
import { convName, SINGLE_ROW, windowAxes, type WindowAxis } from "./conv-geometry.ts";
import { depthwiseKernel, type DepthwiseProblem } from "./depthwise-kernel.ts";
import { packTaps } from "./depthwise-weights.ts";
import { activationOf } from "./epilogue.ts";
import { channelVectors } from "./image-nest.ts";
import { integerWeights } from "./integer-conv.ts";
import { centredImage, integerForm } from "./integer-elements.ts";
import { columnTables, tableData } from "./requantise.ts";

/** One filter a channel: groups = channels in = channels out, over images of rank 3 and 4. */
export function isDepthwise(op: Op): boolean {
  const [w, x] = [shapeOf(op.operands[1]!), shapeOf(op.operands[0]!)];
  const groups = op.attrs["groups"] as number;
  return groups > 1 && groups === w[0] && groups === x[1] && x.length <= 4 && (elemOf(op.operands[0]!) === "f32" || op.operands[0]!.type.quant !== undefined);
}

export function lowerDepthwise(op: Op, context: LowerContext): void {
  const axes = windowAxes(op, shapeOf(op.operands[1]!).slice(2));
  const [rows, cols] = axes.length === 2 ? (axes as [WindowAxis, WindowAxis]) : [SINGLE_ROW, axes[0]!];
  const [given, quant] = [context.operand(op, "x")!, op.operands[0]!.type.quant];
  const form = integerForm(op, context.target);
  const x = quant ? centredImage(context, given, quant, 1) : given;
  const result = columnarResult(context, context.result(op), op.loc, true);
  const added = context.operand(op, "residual");
  const residual = added && columnarLike(context, added, result.place.layout);
  const problem: DepthwiseProblem = {
    name: convName("depthwise", op, axes),
    loc: op.loc,
    target: context.target,
    x: x.layout,
    y: result.place.layout,
    residual: residual?.layout,
    rows,
    cols,
    activation: activationOf(op),
    requantise: form?.requantise,
  };
  const { lanes, blocks, parts } = channelVectors(problem.y, context.target);
  const w = packTaps(context, quant ? integerWeights(op, context, 1) : context.operand(op, "w")!, context.operand(op, "bias"), {
    channels: shapeOf(op.operands[0]!)[1]!,
    taps: rows.kernel * cols.kernel,
    vectors: blocks * parts,
    lanes,
  });
  const size = blocks * parts * lanes;
  const tables = columnTables(problem).map((table) => [table.param, context.weights(table.elem, tableData(table, size, size, size))]);
  const args = { x: x.buffer, w, y: result.place.buffer, ...(residual ? { residual: residual.buffer } : {}), ...Object.fromEntries(tables) };
  context.call(depthwiseKernel(problem), args);
  result.finish();
}
