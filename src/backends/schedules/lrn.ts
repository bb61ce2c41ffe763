import { lrn } from "../../ir/ops/window.ts";
import { elementCount } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { pow } from "../../kernel/expand.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Schedule } from "../schedule.ts";
import { elementwiseKernel, type LoopOperand } from "./elementwise-kernel.ts";
import { constantElement, hasVectors } from "./storage.ts";
import { slicedView } from "./view.ts";

/** Channels that have as many neighbours on both sides are one loop over x, seen from each neighbour. */
export const lrnSchedule: Schedule = {
  ops: [lrn],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = y.layout;
    if (elementCount(shape) === 0) return;
    const { size, alpha, beta, bias } = op.attrs as { size: number; alpha: number; beta: number; bias: number };
    for (const { start, count, low, high } of channelRuns(shape[1]!, size)) {
      const from = (channel: number) => shape.map((_, axis) => (axis === 1 ? channel : 0));
      const tap = (at: number): LoopOperand => ({ param: "x", dtype: x.dtype, view: slicedView(x.layout, from(start + at)) });
      const kernel = elementwiseKernel({
        name: `lrn_${x.dtype}_${shape.join("x")}_size${size}_from${start}`,
        loc: op.loc,
        lanes: lanesOf(context.target),
        shape: shape.map((dim, axis) => (axis === 1 ? count : dim)),
        operands: [tap(0), ...Array.from({ length: high - low + 1 }, (_, i) => tap(low + i))],
        result: { param: "y", dtype: y.dtype, view: slicedView(y.layout, from(start)) },
        scalarOnly: !hasVectors(x.dtype),
        unroll: 1,
        compute(b, [centre, ...neighbours], lanes) {
          const c = (value: number): Term => constantElement(b, x.dtype, lanes, value);
          const squares = neighbours.reduce((sum, value) => b.let("s", b.madd(value, value, sum)), c(0));
          return b.mul(centre!, inversePower(b, b.let("d", b.madd(squares, c(alpha / size), c(bias))), beta));
        },
      });
      context.call(kernel, { x: x.buffer, y: y.buffer });
    }
  },
};

/** d^-beta. */
function inversePower(b: KernelBuilder, d: Term, beta: number): Term {
  const one = b.constant(d.type, 1);
  const root = (x: Term): Term => b.let("r", b.op("sqrt", d.type, [x]));
  if (beta === 1) return b.div(one, d);
  if (beta === 0.5) return b.div(one, root(d));
  if (beta === 0.75) {
    const half = root(d);
    return b.div(one, b.mul(half, root(half)));
  }
  return pow(b, d, b.constant(d.type, -beta));
}

interface ChannelRun {
  readonly start: number;
  readonly count: number;
  /** Neighbours, relative to the channel. */
  readonly low: number;
  readonly high: number;
}

function channelRuns(channels: number, size: number): ChannelRun[] {
  const [before, behind] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const runs: ChannelRun[] = [];
  for (let c = 0; c < channels; c++) {
    const [low, high] = [Math.max(0, c - before) - c, Math.min(channels - 1, c + behind) - c];
    const last = runs.at(-1);
    if (last && last.low === low && last.high === high) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ start: c, count: 1, low, high });
  }
  return runs;
}
