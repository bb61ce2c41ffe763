import type { Op } from "../../ir/graph.ts";
import { dequantise, quantise } from "../../ir/ops/conversion.ts";
import { elementCount, integerRange, isWide, type DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import { castRegister } from "./cast-expressions.ts";
import { elementwiseKernel, type LoopOperand } from "./elementwise-kernel.ts";
import { normalAxes } from "./movement.ts";
import { constantElement, hasVectors, registerType } from "./storage.ts";
import { wholeView, type View } from "./view.ts";

/** A scale or zero point seen from the elements it belongs to: one for all, along `axis`, or one for each `block` along it. */
function parameterView(layout: Layout, shape: readonly number[], axis: number, block: number): View {
  const nowhere = { axis: -1, start: 0, step: 0 };
  if (elementCount(layout.shape) === 1 && layout.shape.length <= 1) return { layout, axes: shape.map(() => nowhere) };
  if (block === 0) return { layout, axes: shape.map((_, a) => (a === axis ? { axis: 0, start: 0, step: 1 } : nowhere)) };
  const repeated: Layout = {
    ...layout,
    shape,
    strides: layout.strides.map((stride, a) => (a === axis ? 0 : stride)),
    block: { axis, size: block, stride: layout.strides[axis]! },
  };
  return wholeView(repeated);
}

type Formula = (b: KernelBuilder, x: Term, scale: Term, zeroPoint: Term | undefined, lanes: number) => Term;

function lowerParameters(op: Op, context: LowerContext, scalarOnly: boolean, formula: Formula): void {
  const [x, y] = [context.operand(op, "x")!, context.result(op)];
  const { shape } = y.layout;
  if (elementCount(shape) === 0) return;
  const [axis] = normalAxes([op.attrs["axis"] as number], shape.length);
  const block = op.attrs["block"] as number;
  const [scale, zeroPoint] = [context.operand(op, "scale")!, context.operand(op, "zeroPoint")];
  const single = (place: Place | undefined): number | bigint | undefined =>
    place?.constant?.length === 1 ? (place.constant[0] as number | bigint) : undefined;
  const loads = [
    ["scale", scale],
    ["zero", zeroPoint],
  ] as const;
  const loaded = loads.flatMap(([param, place]) => (place && single(place) === undefined ? [{ param, place }] : []));
  const operands: LoopOperand[] = [
    { param: "x", dtype: x.dtype, view: wholeView(x.layout) },
    ...loaded.map(({ param, place }) => ({ param, dtype: place.dtype, view: parameterView(place.layout, shape, axis!, block) })),
  ];
  const kernel = elementwiseKernel({
    name: `${op.name}_${x.dtype}_${y.dtype}_${shape.join("x") || "scalar"}${block > 0 ? `_block${block}` : ""}`,
    loc: op.loc,
    lanes: lanesOf(context.target),
    shape,
    operands,
    result: { param: "y", dtype: y.dtype, view: wholeView(y.layout) },
    scalarOnly: scalarOnly || ![...operands.map((o) => o.dtype), y.dtype].every(hasVectors),
    exact: true,
    unroll: 2,
    compute(b, args, lanes) {
      const part = (param: string, place: Place | undefined): Term | undefined => {
        const at = operands.findIndex((operand) => operand.param === param);
        return at >= 0 ? args[at] : place && constantElement(b, place.dtype, lanes, single(place)!);
      };
      return formula(b, args[0]!, part("scale", scale)!, part("zero", zeroPoint), lanes);
    },
  });
  context.call(kernel, { x: x.buffer, y: y.buffer, ...Object.fromEntries(loaded.map(({ param, place }) => [param, place.buffer])) });
}

/** Narrow results come from f32 exactly; wider ones, whose zero point an f32 may not hold, from f64. */
export const quantiseSchedule: Schedule = {
  ops: [quantise],
  wishes: () => ({ operands: [{ kind: "any" }], results: [{ kind: "any" }] }),
  lower(op, context) {
    const [from, to] = [op.operands[0]!.type.dtype, op.result.type.dtype];
    const [scaleType, zeroType] = [op.operands[1]!.type.dtype, op.operands[2]?.type.dtype];
    const isNarrow =
      !isWide(to) && to !== "i32" && to !== "u32" && from !== "f64" && !isWide(from) && scaleType !== "f64" && (zeroType === undefined || hasVectors(zeroType));
    const [low, high] = integerRange(to);
    lowerParameters(op, context, !isNarrow, (b, x, scale, zeroPoint, lanes) => {
      const divided = from === "f64" ? "f64" : "f32";
      const [a, d] = [
        castRegister(b, x, from, divided, registerType(divided, lanes)),
        castRegister(b, scale, scaleType, divided, registerType(divided, lanes)),
      ];
      const held: DType = isNarrow ? "f32" : "f64";
      const type = registerType(held, lanes);
      const quotient = b.let("q", castRegister(b, b.let("q", b.div(a, d)), divided, held, type));
      const whole = b.let("q", b.op("nearest", type, [quotient]));
      const moved = zeroPoint ? b.let("q", b.add(whole, castRegister(b, zeroPoint, zeroType!, held, type))) : whole;
      const c = (value: number): Term => b.constant(type, value);
      if (!isNarrow) return castRegister(b, moved, held, to, registerType(to, lanes));
      const bounded = b.let("q", b.pmin(b.pmax(c(low), moved), c(high)));
      const word = registerType(to, lanes);
      return b.select(b.compare("eq", moved, moved), b.op("truncToInt", word, [bounded]), b.constant(word, 0));
    });
  },
};

export const dequantiseSchedule: Schedule = {
  ops: [dequantise],
  wishes: () => ({ operands: [{ kind: "any" }], results: [{ kind: "any" }] }),
  lower(op, context) {
    const [from, to] = [op.operands[0]!.type.dtype, op.result.type.dtype];
    const [scaleType, zeroType] = [op.operands[1]!.type.dtype, op.operands[2]?.type.dtype];
    const fits = (dtype: DType | undefined): boolean => dtype === undefined || ["i16", "i8", "i4", "u16", "u8", "u4"].includes(dtype);
    lowerParameters(op, context, !fits(from), (b, x, scale, zeroPoint, lanes) => {
      const held: DType = to === "f64" ? "f64" : "f32";
      const type = registerType(held, lanes);
      const factor = castRegister(b, scale, scaleType, held, type);
      if (fits(from) && fits(zeroType)) {
        const difference = zeroPoint ? b.let("d", b.sub(x, zeroPoint)) : x;
        return b.mul(castRegister(b, difference, "i32", held, type), factor);
      }
      // The difference is rounded once, which f64 leaves to the end.
      const [a, z] = [
        castRegister(b, x, from, "f64", registerType("f64", 1)),
        zeroPoint && castRegister(b, zeroPoint, zeroType!, "f64", registerType("f64", 1)),
      ];
      const difference = z ? b.let("d", b.sub(a, z)) : a;
      return b.mul(castRegister(b, difference, "f64", held, type), factor);
    });
  },
};
