import type { Op } from "../../ir/graph.ts";
import { batchNorm, groupNorm, l2Normalise, layerNorm, rmsNorm } from "../../ir/ops/normalisation.ts";
import { elementCount, type DType } from "../../ir/types.ts";
import { KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Type } from "../../kernel/kernel.ts";
import { lanesOf } from "../../target/profile.ts";
import { shapeOf } from "../assign-layouts.ts";
import { plainLayout, type Layout } from "../layout.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import { elementwiseKernel } from "./elementwise-kernel.ts";
import type { Line } from "./line-emitter.ts";
import type { LineOperand } from "./line-space.ts";
import { emitLines } from "./lines.ts";
import { normalAxes } from "./movement.ts";
import { constantElement, hasVectors, registerType } from "./storage.ts";
import { wholeView, type View } from "./view.ts";

/** x as lines that are normalised one by one, with what scales and shifts each element. */
interface Normalisation {
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  readonly view: (layout: Layout) => View;
  readonly affine: (layout: Layout) => View;
}

/** Emits what turns a line into its normal form: a function of one element. */
type Normal = (b: KernelBuilder, line: Line, type: Type) => (x: Term) => Term;

function lowerLines(op: Op, context: LowerContext, space: Normalisation, normal: Normal): void {
  const [x, y] = [context.operand(op, "x")!, context.result(op)];
  if (elementCount(y.layout.shape) === 0) return;
  const [scale, bias] = ["scale", "bias"].map((name) => (op.def.operands.includes(`${name}?`) ? context.operand(op, name) : undefined));
  const operand = (param: string, place: Place, view: View, access: "in" | "out"): LineOperand => ({ param, dtype: place.dtype, view, access });
  const b = new KernelBuilder(`${op.name}_${x.dtype}_${x.layout.shape.join("x")}${scale ? "_scale" : ""}${bias ? "_bias" : ""}`, {
    lanes: lanesOf(context.target),
    mode: "fast",
    loc: op.loc,
  });
  const operands = [operand("x", x, space.view(x.layout), "in"), operand("y", y, space.view(y.layout), "out")];
  if (scale) operands.push(operand("scale", scale, space.affine(scale.layout), "in"));
  if (bias) operands.push(operand("bias", bias, space.affine(bias.layout), "in"));
  emitLines(b, { shape: space.shape, axes: space.axes, lanes: b.lanes, scalarOnly: !hasVectors(x.dtype), operands }, (line) => {
    const normalised = normal(b, line, registerType(x.dtype, line.lanes));
    line.map((at) => {
      const value = normalised(at.load(0));
      const [factor, shift] = [scale && at.load(2), bias && at.load(scale ? 3 : 2)];
      at.store(1, factor && shift ? b.madd(value, factor, shift) : factor ? b.mul(value, factor) : shift ? b.add(value, shift) : value);
    });
  });
  context.call(b.finish(), { x: x.buffer, y: y.buffer, ...(scale ? { scale: scale.buffer } : {}), ...(bias ? { bias: bias.buffer } : {}) });
}

const sum = (b: KernelBuilder, line: Line, zero: Term, term: (x: Term) => Term): Term =>
  line.fold(
    [zero],
    ([total], at) => [b.add(total!, term(at.load(0)))],
    (_, a, d) => b.add(a, d),
    { unroll: 4, touches: [0] },
  )[0]!;

const sumOfSquares = (b: KernelBuilder, line: Line, zero: Term, centre?: Term): Term =>
  line.fold(
    [zero],
    ([total], at) => {
      const x = centre ? b.let("d", b.sub(at.load(0), centre)) : at.load(0);
      return [b.madd(x, x, total!)];
    },
    (_, a, d) => b.add(a, d),
    { unroll: 4, touches: [0] },
  )[0]!;

/** Mean 0 and variance 1 over `count` elements. */
const standard =
  (count: number, epsilon: number): Normal =>
  (b, line, type) => {
    const c = (value: number): Term => b.constant(type, value);
    const mean = b.let(
      "m",
      b.mul(
        sum(b, line, c(0), (x) => x),
        c(1 / count),
      ),
    );
    const variance = b.mul(sumOfSquares(b, line, c(0), mean), c(1 / count));
    const factor = b.let("f", b.div(c(1), b.op("sqrt", type, [b.add(variance, c(epsilon))])));
    return (x) => b.mul(b.sub(x, mean), factor);
  };

/** The axes from `axis` on form a line. */
function trailing(op: Op, shape: readonly number[]): Normalisation {
  const [first] = normalAxes([op.attrs["axis"] as number], shape.length);
  const axes = [...shape.keys()].filter((axis) => axis >= first!);
  return {
    shape,
    axes,
    view: wholeView,
    affine: (layout) => ({
      layout,
      axes: shape.map((_, axis) => (axis < first! ? { axis: -1, start: 0, step: 0 } : { axis: axis - first!, start: 0, step: 1 })),
    }),
  };
}

export const layerNormSchedule: Schedule = {
  ops: [layerNorm],
  lower(op, context) {
    const { shape } = context.operand(op, "x")!.layout;
    const space = trailing(op, shape);
    lowerLines(op, context, space, standard(elementCount(space.axes.map((axis) => shape[axis]!)), op.attrs["epsilon"] as number));
  },
};

export const rmsNormSchedule: Schedule = {
  ops: [rmsNorm],
  lower(op, context) {
    const { shape } = context.operand(op, "x")!.layout;
    const space = trailing(op, shape);
    const count = elementCount(space.axes.map((axis) => shape[axis]!));
    lowerLines(op, context, space, (b, line, type) => {
      const c = (value: number): Term => b.constant(type, value);
      const mean = b.mul(sumOfSquares(b, line, c(0)), c(1 / count));
      const factor = b.let("f", b.div(c(1), b.op("sqrt", type, [b.add(mean, c(op.attrs["epsilon"] as number))])));
      return (x) => b.mul(x, factor);
    });
  },
};

export const l2NormaliseSchedule: Schedule = {
  ops: [l2Normalise],
  lower(op, context) {
    const { shape } = context.operand(op, "x")!.layout;
    const axes = normalAxes(op.attrs["axes"] as readonly number[], shape.length);
    lowerLines(op, context, { shape, axes, view: wholeView, affine: wholeView }, (b, line, type) => {
      const c = (value: number): Term => b.constant(type, value);
      const norm = b.let("n", b.op("sqrt", type, [sumOfSquares(b, line, c(0))]));
      const factor = b.let("f", b.div(c(1), b.pmax(norm, c(op.attrs["epsilon"] as number))));
      return (x) => b.mul(x, factor);
    });
  },
};

/** Groups that are single channels, or whole blocks of them, are normalised where they lie in images. */
export const groupNormSchedule: Schedule = {
  ops: [groupNorm],
  wishes(op, target) {
    const shape = shapeOf(op.operands[0]!);
    const groups = op.attrs["groups"] as number;
    const channels = shape[1]! / groups;
    const flows = { kind: "any", loose: true } as const;
    const isWhole = groups === shape[1] || target.imageBlock === 0 || channels % target.imageBlock === 0;
    return shape.length > 2 && isWhole ? { operands: [flows], results: [flows] } : { operands: [], results: [] };
  },
  lower(op, context) {
    const { shape } = context.operand(op, "x")!.layout;
    const [n, channels, ...rest] = shape as [number, number, ...number[]];
    const groups = op.attrs["groups"] as number;
    const nowhere = { axis: -1, start: 0, step: 0 };
    const spatial = rest.map((_, i) => ({ axis: i + 2, start: 0, step: 1 }));
    const each = channels / groups;
    const inGroup = each === 1 ? [] : [{ axis: 1, start: 0, step: 1 }];
    const space: Normalisation = {
      shape: [n, groups, ...(each === 1 ? [] : [each]), ...rest],
      axes: Array.from({ length: rest.length + inGroup.length }, (_, i) => i + 2),
      view: (layout) => ({ layout, axes: [{ axis: 0, start: 0, step: 1 }, { axis: 1, start: 0, step: each }, ...inGroup, ...spatial] }),
      affine: (layout) => ({
        layout,
        axes: [nowhere, { axis: 0, start: 0, step: each }, ...inGroup.map(() => ({ axis: 0, start: 0, step: 1 })), ...rest.map(() => nowhere)],
      }),
    };
    lowerLines(op, context, space, standard(each * elementCount(rest), op.attrs["epsilon"] as number));
  },
};

/** One multiply-add an element; factors and shifts of constants are computed at compile time. */
export const batchNormSchedule: Schedule = {
  ops: [batchNorm],
  wishes: () => ({ operands: [{ kind: "any" }], results: [{ kind: "any" }] }),
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = y.layout;
    if (elementCount(shape) === 0) return;
    const names = ["scale", "bias", "mean", "variance"] as const;
    const given = names.map((name) => context.operand(op, name)!);
    const epsilon = op.attrs["epsilon"] as number;
    const folded = given.every((place) => place.constant && place.dtype !== "f16" && place.dtype !== "bf16") ? foldFactors(given, epsilon) : undefined;
    const channelView = (layout: Layout): View => ({
      layout,
      axes: shape.map((_, axis) => (axis === 1 ? { axis: 0, start: 0, step: 1 } : { axis: -1, start: 0, step: 0 })),
    });
    const dtype: DType = x.dtype;
    const parts = folded
      ? folded.map((data, i) => ({
          param: names[i]!,
          dtype,
          view: channelView(plainLayout(x.layout.elem, [shape[1]!])),
          buffer: context.weights(x.layout.elem, data),
        }))
      : given.map((place, i) => ({ param: names[i]!, dtype: place.dtype, view: channelView(place.layout), buffer: place.buffer }));
    const kernel = elementwiseKernel({
      name: `batchNorm_${dtype}_${shape.join("x")}${folded ? "" : "_statistics"}`,
      loc: op.loc,
      lanes: lanesOf(context.target),
      shape,
      scalarOnly: !hasVectors(dtype),
      unroll: 4,
      operands: [{ param: "x", dtype, view: wholeView(x.layout) }, ...parts],
      result: { param: "y", dtype: y.dtype, view: wholeView(y.layout) },
      compute(b, [value, ...args], lanes) {
        if (folded) return b.madd(value!, args[0]!, args[1]!);
        const [scale, bias, mean, variance] = args as [Term, Term, Term, Term];
        const root = b.op("sqrt", value!.type, [b.add(variance, constantElement(b, dtype, lanes, epsilon))]);
        return b.madd(b.sub(value!, mean), b.let("f", b.div(scale, root)), bias);
      },
    });
    context.call(kernel, { x: x.buffer, y: y.buffer, ...Object.fromEntries(parts.map((part) => [part.param, part.buffer])) });
  },
};

/** Factor and shift a channel, with the slack of any plain tensor. */
function foldFactors(given: readonly Place[], epsilon: number): (Float32Array | Float64Array)[] {
  const [scale, bias, mean, variance] = given.map((place) => place.constant as Float32Array) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const size = plainLayout("f32", [scale.length]).size;
  const make = (): Float32Array | Float64Array => (given[0]!.dtype === "f64" ? new Float64Array(size) : new Float32Array(size));
  const [factors, shifts] = [make(), make()];
  scale.forEach((value, c) => {
    const factor = value / Math.sqrt(variance[c]! + epsilon);
    factors[c] = factor;
    shifts[c] = bias[c]! - mean[c]! * factor;
  });
  return [factors, shifts];
}
