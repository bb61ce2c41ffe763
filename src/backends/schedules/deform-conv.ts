import type { Op } from "../../ir/graph.ts";
import { deformConv } from "../../ir/ops/convolution.ts";
import { slidingAxes, type Sliding, type SlidingAttrs } from "../../ir/ops/window-geometry.ts";
import { elementCount } from "../../ir/types.ts";
import { KernelBuilder, scalar, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { lanesOf } from "../../target/profile.ts";
import { plainLayout } from "../layout.ts";
import type { Buffer, LowerContext, Place, Schedule } from "../schedule.ts";
import { cornersOf } from "./bilinear.ts";
import { castPlace } from "./cast-place.ts";
import { elementwiseKernel } from "./elementwise-kernel.ts";
import { columnLanes } from "./contraction.ts";
import { NO_ACTIVATION } from "./epilogue.ts";
import { runContraction } from "./run-contraction.ts";
import { hasVectors, registerElem } from "./storage.ts";
import { wholeView } from "./view.ts";

interface DeformProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly lanes: number;
  readonly elem: "f32" | "f64";
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly offsetGroups: number;
  readonly axes: readonly [Sliding, Sliding];
}

/** Displaced taps of all channels are laid out as columns first; then every output is a sum of columns. */
export const deformConvSchedule: Schedule = {
  ops: [deformConv],
  lower(op, context) {
    const y = context.result(op);
    if (elementCount(y.layout.shape) === 0) return;
    const elem = registerElem(y.dtype) === "f64" ? "f64" : "f32";
    const inHeld = (name: string): Place | undefined => heldPlace(context, context.operand(op, name), elem);
    const [x, w, offset, mask, bias] = [inHeld("x")!, inHeld("w")!, inHeld("offset")!, inHeld("mask"), inHeld("bias")];
    const p = problemOf(op, context, elem, x, w);
    const pixels = p.axes[0].out * p.axes[1].out;
    const taps = p.axes[0].kernel * p.axes[1].kernel;
    const columns = context.scratch(elem, p.batch * p.channels * taps * pixels);
    context.call(columnKernel(p, x, offset, mask), { x: x.buffer, offset: offset.buffer, columns, ...(mask ? { mask: mask.buffer } : {}) });
    const layout = plainLayout(elem, y.layout.shape, y.layout.elem === elem ? y.layout.size - elementCount(y.layout.shape) : undefined);
    const sums: Buffer = y.dtype === elem ? y.buffer : context.scratch(elem, layout.size);
    sumColumns(p, context, w, columns, sums, layout.size);
    const place: Place = { buffer: sums, layout, dtype: elem };
    if (bias) addBias(op, context, place, bias);
    if (y.dtype !== elem) castPlace(context, place, y);
  },
};

function heldPlace(context: LowerContext, place: Place | undefined, elem: "f32" | "f64"): Place | undefined {
  if (!place || place.dtype === elem) return place;
  const layout = plainLayout(elem, place.layout.shape);
  const to: Place = { buffer: context.scratch(elem, layout.size), layout, dtype: elem };
  castPlace(context, place, to);
  return to;
}

function problemOf(op: Op, context: LowerContext, elem: "f32" | "f64", x: Place, w: Place): DeformProblem {
  const attrs = op.attrs as unknown as SlidingAttrs & { readonly groups: number; readonly offsetGroups: number };
  const kernel = w.layout.shape.slice(2);
  const axes = slidingAxes("deformConv", op.operands[0]!.type, kernel, attrs) as readonly [Sliding, Sliding];
  const [batch, channels] = x.layout.shape as [number, number];
  return {
    name: `${elem}_${x.layout.shape.join("x")}_${w.layout.shape.join("x")}s${axes.map((axis) => axis.stride).join("x")}`,
    loc: op.loc,
    lanes: lanesOf(context.target),
    elem,
    batch,
    channels,
    outputs: w.layout.shape[0]!,
    groups: attrs.groups,
    offsetGroups: attrs.offsetGroups,
    axes,
  };
}

/** columns[n, channel, tap, pixel]: x between its pixels where the tap was moved to, times the mask. */
function columnKernel(p: DeformProblem, x: Place, offset: Place, mask: Place | undefined): Kernel {
  const [h, v] = p.axes;
  const [pixels, taps, plane] = [h.out * v.out, h.kernel * v.kernel, h.in * v.in];
  const perOffset = p.channels / p.offsetGroups;
  const b = new KernelBuilder(`deformColumns_${p.name}`, { lanes: p.lanes, mode: "fast", loc: p.loc });
  b.param("x", p.elem, x.layout.size, "in");
  b.param("offset", p.elem, offset.layout.size, "in");
  if (mask) b.param("mask", p.elem, mask.layout.size, "in");
  b.param("columns", p.elem, p.batch * p.channels * taps * pixels, "out");
  const type = scalar(p.elem);
  const [from, moved, to] = [b.cursor("x", "x"), b.cursor("d", "offset"), b.cursor("o", "columns")];
  const weight = mask && b.cursor("m", "mask");
  /** A loop whose register goes up from `start` by `step`. */
  const counted = (trips: number, start: Term, step: number, elements: number, body: (at: Term) => void): void => {
    const at = b.let("q", start);
    b.loop("q", trips, { [moved]: elements, [to]: elements, ...(weight ? { [weight]: elements } : {}) }, () => {
      body(at);
      b.set(at, b.add(at, b.constant(type, step)));
    });
  };
  const c = (value: number): Term => b.constant(type, value);
  const groups = { [from]: perOffset * plane, [moved]: 2 * taps * pixels, [to]: perOffset * taps * pixels, ...(weight ? { [weight]: taps * pixels } : {}) };
  b.loop("g", p.batch * p.offsetGroups, groups, () => {
    const rowAt = b.let("r", c(-h.before));
    b.loop("kh", h.kernel, tapAdvance(v.kernel * pixels), () => {
      const columnAt = b.let("e", c(-v.before));
      b.loop("kw", v.kernel, tapAdvance(pixels), () => {
        counted(h.out, rowAt, h.stride, v.out, (row) =>
          counted(v.out, columnAt, v.stride, 1, (column) => {
            const place = [b.let("r", b.add(row, b.load(type, moved))), b.let("e", b.add(column, b.load(type, moved, pixels)))] as const;
            const corners = cornersOf(b, place[0], place[1], { height: h.in, width: v.in }, true);
            const factor = weight && b.let("m", b.load(type, weight));
            b.loop("c", perOffset, { [from]: plane, [to]: taps * pixels }, () => {
              const sum = corners.map((corner) => b.mul(corner.weight, b.load(type, from, 0, corner.at))).reduce((total, part) => b.add(total, part));
              b.store(to, 0, factor ? b.mul(sum, factor) : sum);
            });
          }),
        );
        b.set(columnAt, b.add(columnAt, c(v.dilation)));
      });
      b.set(rowAt, b.add(rowAt, c(h.dilation)));
    });
  });
  return b.finish();

  /** The two displacements of a tap lie next to each other. */
  function tapAdvance(elements: number): Record<string, number> {
    return { [moved]: 2 * elements, [to]: elements, ...(weight ? { [weight]: elements } : {}) };
  }
}

/** y[n, output, pixel] = sum over channels and taps of the group of w times a column. */
function sumColumns(p: DeformProblem, context: LowerContext, w: Place, columns: Buffer, y: Buffer, size: number): void {
  const pixels = p.axes[0].out * p.axes[1].out;
  const k = (p.channels / p.groups) * p.axes[0].kernel * p.axes[1].kernel;
  const outputs = p.outputs / p.groups;
  const lanes = columnLanes(p.elem, context.target);
  const place: Place = { buffer: columns, layout: plainLayout(p.elem, [p.batch, p.groups, k, pixels], 0), dtype: p.elem };
  const axis = { residual: 0, bias: 0 };
  runContraction(
    context,
    {
      name: `deformConv_${p.name}`,
      loc: p.loc,
      elem: p.elem,
      lanes,
      a: { size: elementCount(w.layout.shape), base: 0 },
      y: { size, base: 0, block: Infinity, stride: 0 },
      outer: [
        { stem: "n", trips: p.batch, a: 0, y: p.outputs * pixels, source: p.groups * k * pixels, ...axis },
        { stem: "grp", trips: p.groups, a: outputs * k, y: outputs * pixels, source: k * pixels, ...axis },
      ],
      rows: { trips: 1, a: 0, y: 0, residual: 0 },
      cols: { trips: outputs, a: k, y: pixels, residual: 0 },
      columns: pixels,
      columnSource: 1,
      exact: true,
      hasBias: false,
      reduction: [{ a: 0, source: 0, loops: [{ stem: "c", trips: k, a: 1, source: pixels }] }],
      ...(pixels % lanes === 0 ? { direct: { size: p.batch * p.groups * k * pixels, base: 0 } } : {}),
      activation: NO_ACTIVATION,
      overlapping: false,
    },
    { x: w.buffer, weights: place, bias: undefined, residual: undefined, y },
  );
}

function addBias(op: Op, context: LowerContext, y: Place, bias: Place): void {
  const { shape } = y.layout;
  const nowhere = { axis: -1, start: 0, step: 0 };
  const kernel = elementwiseKernel({
    name: `addBias_${y.dtype}_${shape.join("x")}`,
    loc: op.loc,
    lanes: lanesOf(context.target),
    shape,
    scalarOnly: !hasVectors(y.dtype),
    unroll: 4,
    operands: [
      { param: "x", dtype: y.dtype, view: wholeView(y.layout) },
      {
        param: "bias",
        dtype: bias.dtype,
        view: { layout: bias.layout, axes: shape.map((_, axis) => (axis === 1 ? { axis: 0, start: 0, step: 1 } : nowhere)) },
      },
    ],
    result: { param: "y", dtype: y.dtype, view: wholeView(y.layout) },
    compute: (b, [x, d]) => b.add(x!, d!),
  });
  context.call(kernel, { x: y.buffer, bias: bias.buffer, y: y.buffer });
}
