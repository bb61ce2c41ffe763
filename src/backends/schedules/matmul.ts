import { matmul } from "../../ir/ops/linear.ts";
import { elementCount } from "../../ir/types.ts";
import { shapeOf } from "../assign-layouts.ts";
import { denseStrides } from "../layout.ts";
import { ELEM_BYTES } from "../../kernel/kernel.ts";
import type { Op } from "../../ir/graph.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import { columnLanes, type Contraction, type OuterAxis } from "./contraction.ts";
import { NO_ACTIVATION } from "./epilogue.ts";
import { hasRows, integerForm, integerRows, joined, type PerWord } from "./integer-elements.ts";
import { runContraction } from "./run-contraction.ts";

/** numpy's matmul. Columns of b are read where they lie when they fill vectors and packing them first would cost more than it gains. */
export const matmulSchedule: Schedule = {
  ops: [matmul],
  lower(op, context) {
    const integer = integerForm(op, context.target);
    const y = context.result(op);
    // A vector is a matrix of one row, or of one column.
    const [aGiven, bGiven] = [shapeOf(op.operands[0]!), shapeOf(op.operands[1]!)];
    const aShape = aGiven.length === 1 ? [1, ...aGiven] : aGiven;
    const bShape = bGiven.length === 1 ? [...bGiven, 1] : bGiven;
    const [m, depth] = aShape.slice(-2) as [number, number];
    const n = bShape.at(-1)!;
    const k = integer ? Math.ceil(depth / integer.per) : depth;
    const [a, b] = operandsOf(op, context, integer?.per, { depth, n, k });
    const { elem } = a.layout;
    const lanes = columnLanes(elem, context.target);
    const batch = batchAxes(aShape.slice(0, -2), bShape.slice(0, -2), m * k, k * n, m * n);
    // Batches that share b are further rows of a.
    const shared = batch.length === 1 && batch[0]!.source === 0 && batch[0]!.a === m * k ? batch.shift()!.trips : 1;
    const c: Contraction = {
      name: `matmul_${y.layout.elem}_${[...batch.map((axis) => axis.trips), shared * m, depth, n].join("x")}`,
      loc: op.loc,
      elem,
      pairs: integer?.per === 2,
      requantise: integer?.requantise,
      lanes,
      a: { size: elementCount(aShape.slice(0, -1)) * k, base: 0 },
      y: { size: elementCount(shapeOf(op.results[0]!)), base: 0, block: Infinity, stride: 0 },
      outer: batch,
      rows: { trips: 1, a: 0, y: 0, residual: 0 },
      cols: { trips: shared * m, a: k, y: n, residual: 0 },
      columns: n,
      columnSource: 1,
      exact: true,
      hasBias: hasRows(integer),
      reduction: k > 0 ? [{ a: 0, source: 0, loops: [{ stem: "c", trips: k, a: 1, source: n }] }] : [],
      ...(!b.constant && !hasRows(integer) && k > 0 && n % lanes === 0 && (n * ELEM_BYTES[elem] <= DIRECT_ROW_BYTES || shared * m <= DIRECT_ROWS)
        ? { direct: { size: elementCount(bShape.slice(0, -2)) * k * n, base: 0 } }
        : {}),
      activation: NO_ACTIVATION,
      overlapping: false,
    };
    runContraction(context, c, { x: a.buffer, weights: b, bias: undefined, residual: undefined, y: y.buffer });
  },
};

type Size = Readonly<Record<"depth" | "n" | "k", number>>;

/** a and b as they lie, or as words of so many stored integers along the reduction. */
function operandsOf(op: Op, context: LowerContext, per: PerWord | undefined, { depth, n, k }: Size): readonly [Place, Place] {
  const [a, b] = [context.operand(op, "a")!, context.operand(op, "b")!];
  if (!per) return [a, b];
  const [aType, bType] = [op.operands[0]!.type, op.operands[1]!.type];
  const batch = elementCount(shapeOf(op.operands[1]!).slice(0, -2));
  const words = joined(context, b, bType.quant!, per, { outer: batch, reduced: depth, inner: n }, "inner", [batch, k, n]);
  return [integerRows(context, a, aType, per), words];
}

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
