import { linear } from "../../ir/ops/linear.ts";
import { shapeOf } from "../assign-layouts.ts";
import type { Schedule } from "../schedule.ts";
import { columnLanes, type Contraction } from "./contraction.ts";
import { activationOf } from "./epilogue.ts";
import { runContraction } from "./run-contraction.ts";

/** y[..., N] = act(x[..., K] * w[N, K]ᵀ + bias + residual): all leading axes together are the pixels of one row. */
export const linearSchedule: Schedule = {
  ops: [linear],
  lower(op, context) {
    const [n, k] = shapeOf(op.operands[1]!) as [number, number];
    const m = shapeOf(op.operands[0]!)
      .slice(0, -1)
      .reduce((rows, dim) => rows * dim, 1);
    const [x, y, residual, bias] = [context.operand(op, "x")!, context.result(op), context.operand(op, "residual"), context.operand(op, "bias")];
    const { elem } = y.layout;
    const side = (size: number) => ({ size, base: 0, block: Infinity, stride: 0 });
    const c: Contraction = {
      name: `linear_${elem}_${m}x${k}x${n}`,
      loc: op.loc,
      elem,
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
      hasBias: bias !== undefined,
      reduction: k > 0 ? [{ a: 0, source: 0, loops: [{ stem: "c", trips: k, a: 1, source: 1 }] }] : [],
      activation: activationOf(op),
      overlapping: false,
    };
    runContraction(context, c, { x: x.buffer, weights: context.operand(op, "w")!, bias, residual: residual?.buffer, y: y.buffer });
  },
};
