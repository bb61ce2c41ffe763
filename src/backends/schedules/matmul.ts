import { matmul } from "../../ir/ops/linear.ts";
import { elementCount } from "../../ir/types.ts";
import { shapeOf } from "../assign-layouts.ts";
import { denseStrides } from "../layout.ts";
import { ELEM_BYTES } from "../../kernel/kernel.ts";
import type { Schedule } from "../schedule.ts";
import { columnLanes, type Contraction, type OuterAxis } from "./contraction.ts";
import { NO_ACTIVATION } from "./epilogue.ts";
import { runContraction } from "./run-contraction.ts";

/** numpy's matmul. Columns of b are read where they lie when they fill vectors and packing them first would cost more than it gains. */
export const matmulSchedule: Schedule = {
  ops: [matmul],
  lower(op, context) {
    const [a, b, y] = [context.operand(op, "a")!, context.operand(op, "b")!, context.result(op)];
    // A vector is a matrix of one row, or of one column.
    const [aGiven, bGiven] = [shapeOf(op.operands[0]!), shapeOf(op.operands[1]!)];
    const aShape = aGiven.length === 1 ? [1, ...aGiven] : aGiven;
    const bShape = bGiven.length === 1 ? [...bGiven, 1] : bGiven;
    const [m, k] = aShape.slice(-2) as [number, number];
    const n = bShape.at(-1)!;
    const { elem } = y.layout;
    const lanes = columnLanes(elem, context.target);
    const batch = batchAxes(aShape.slice(0, -2), bShape.slice(0, -2), m * k, k * n, m * n);
    // Batches that share b are further rows of a.
    const joined = batch.length === 1 && batch[0]!.source === 0 && batch[0]!.a === m * k ? batch.shift()!.trips : 1;
    const c: Contraction = {
      name: `matmul_${elem}_${[...batch.map((axis) => axis.trips), joined * m, k, n].join("x")}`,
      loc: op.loc,
      elem,
      lanes,
      a: { size: elementCount(aShape), base: 0 },
      y: { size: elementCount(shapeOf(op.results[0]!)), base: 0, block: Infinity, stride: 0 },
      outer: batch,
      rows: { trips: 1, a: 0, y: 0, residual: 0 },
      cols: { trips: joined * m, a: k, y: n, residual: 0 },
      columns: n,
      columnSource: 1,
      exact: true,
      hasBias: false,
      reduction: k > 0 ? [{ a: 0, source: 0, loops: [{ stem: "c", trips: k, a: 1, source: n }] }] : [],
      ...(!b.constant && k > 0 && n % lanes === 0 && (n * ELEM_BYTES[elem] <= DIRECT_ROW_BYTES || joined * m <= DIRECT_ROWS)
        ? { direct: { size: elementCount(bShape), base: 0 } }
        : {}),
      activation: NO_ACTIVATION,
      overlapping: false,
    };
    runContraction(context, c, { x: a.buffer, weights: b, bias: undefined, residual: undefined, y: y.buffer });
  },
};

/** Rows of b this short are read where they lie: several share a page. Longer ones cost a page a step, so few rows of a may walk over them. */
const DIRECT_ROW_BYTES = 1024;
const DIRECT_ROWS = 8;

/** Broadcast batch axes; neighbours that both operands walk through alike are joined. */
function batchAxes(aBatch: readonly number[], bBatch: readonly number[], aSize: number, bSize: number, ySize: number): OuterAxis[] {
  const rank = Math.max(aBatch.length, bBatch.length);
  const [aDims, bDims] = [aBatch, bBatch].map((dims) => [...new Array<number>(rank - dims.length).fill(1), ...dims]) as [number[], number[]];
  const shape = aDims.map((dim, i) => (dim === 1 ? bDims[i]! : dim));
  const strides = (dims: readonly number[], size: number): number[] => denseStrides(dims).map((s, i) => (dims[i] === 1 ? 0 : s * size));
  const [aSteps, bSteps, ySteps] = [strides(aDims, aSize), strides(bDims, bSize), strides(shape, ySize)];
  const axes: OuterAxis[] = [];
  shape.forEach((trips, i) => {
    if (trips === 1) return;
    const axis: OuterAxis = { stem: "n", trips, a: aSteps[i]!, y: ySteps[i]!, residual: 0, source: bSteps[i]!, bias: 0 };
    const outer = axes.at(-1);
    if (outer && (["a", "y", "source"] as const).every((key) => outer[key] === axis[key] * trips))
      axes[axes.length - 1] = { ...axis, trips: outer.trips * trips };
    else axes.push(axis);
  });
  return axes;
}
