import { linear } from "../../ir/ops/linear.ts";
import { shapeOf } from "../assign-layouts.ts";
import type { Schedule } from "../schedule.ts";
import { columnLanes, type Contraction } from "./contraction.ts";
import { activationOf } from "./epilogue.ts";
import { hasRows, integerForm, integerRows, joined } from "./integer-elements.ts";
import { runContraction } from "./run-contraction.ts";

/** y[..., N] = act(x[..., K] * w[N, K]ᵀ + bias + residual): all leading axes together are the pixels of one row. */
export const linearSchedule: Schedule = {
  ops: [linear],
  lower(op, context) {
    const [n, depth] = shapeOf(op.operands[1]!) as [number, number];
    const integer = integerForm(op, context.target);
    const k = integer ? Math.ceil(depth / integer.per) : depth;
    const m = shapeOf(op.operands[0]!)
      .slice(0, -1)
      .reduce((rows, dim) => rows * dim, 1);
    const [y, residual, bias] = [context.result(op), context.operand(op, "residual"), context.operand(op, "bias")];
    const [given, weights] = [context.operand(op, "x")!, context.operand(op, "w")!];
    const x = integer ? integerRows(context, given, op.operands[0]!.type, integer.per) : given;
    const w = integer ? joined(context, weights, op.operands[1]!.type.quant!, integer.per, { outer: n, reduced: depth, inner: 1 }, "outer", [n, k]) : weights;
    const { elem } = x.layout;
    const side = (size: number) => ({ size, base: 0, block: Infinity, stride: 0 });
    const c: Contraction = {
      name: `linear_${y.layout.elem}_${m}x${depth}x${n}`,
      loc: op.loc,
      elem,
      pairs: integer?.per === 2,
      requantise: integer?.requantise,
      lanes: columnLanes(elem, context.target),
      a: { size: m * k, base: 0 },
      y: side(m * n),
      ...(residual ? { residual: side(m * n) } : {}),
      outer: [],
      rows: { trips: 1, a: 0, y: 0, residual: 0 },
      cols: { trips: m, a: k, y: n, residual: n },
      columns: n,
      columnSource: k,
      exact: true,
      hasBias: bias !== undefined || hasRows(integer),
      reduction: k > 0 ? [{ a: 0, source: 0, loops: [{ stem: "c", trips: k, a: 1, source: 1 }] }] : [],
      activation: activationOf(op),
      overlapping: false,
    };
    runContraction(context, c, { x: x.buffer, weights: w, bias, residual: residual?.buffer, y: y.buffer });
  },
};
