import { reduce } from "../../ir/ops/reduction.ts";
import { elementCount, integerRange, isFloat, type DType } from "../../ir/types.ts";
import { KernelBuilder, type Term } from "../../kernel/build.ts";
import { expFast, logFast } from "../../kernel/expand.ts";
import { lanesOf } from "../../target/profile.ts";
import { shapeOf } from "../assign-layouts.ts";
import type { Layout } from "../layout.ts";
import type { Schedule } from "../schedule.ts";
import { castRegister } from "./cast-expressions.ts";
import { compareIntegers } from "./integer-expressions.ts";
import type { Line, LineElement } from "./line-emitter.ts";
import { emitLines } from "./lines.ts";
import { normalAxes } from "./movement.ts";
import { constantElement, hasVectors, normalise, registerType } from "./storage.ts";
import { wholeView, type View } from "./view.ts";

type Kind = "sum" | "mean" | "prod" | "min" | "max" | "l1" | "l2" | "logSum" | "logSumExp" | "sumSquare" | "any" | "all";

/** Kinds that leave whole numbers: integers are reduced as f64, or a mean as i64, element by element. */
const FRACTIONS: Readonly<Partial<Record<Kind, DType>>> = { mean: "i64", l2: "f64", logSum: "f64", logSumExp: "f64" };

export const reduceSchedule: Schedule = {
  ops: [reduce],
  wishes(op) {
    // Means over whole planes read images as they lie.
    const rank = shapeOf(op.operands[0]!).length;
    const axes = normalAxes(op.attrs["axes"] as readonly number[], rank);
    const flows = { kind: "any", loose: true } as const;
    const isPooling = rank > 2 && axes.length > 0 && axes.every((axis) => axis >= 2);
    return isPooling ? { operands: [flows], results: [op.attrs["keepDims"] ? flows : undefined] } : { operands: [], results: [] };
  },
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    const { shape } = x.layout;
    const kind = op.attrs["kind"] as Kind;
    const axes = normalAxes(op.attrs["axes"] as readonly number[], shape.length);
    const b = new KernelBuilder(`reduce_${kind}_${x.dtype}_${shape.join("x") || "scalar"}_over_${axes.join("") || "none"}`, {
      lanes: lanesOf(context.target),
      mode: "fast",
      loc: op.loc,
    });
    const held: DType = isFloat(x.dtype) ? x.dtype : (FRACTIONS[kind] ?? x.dtype);
    const count = axes.reduce((n, axis) => n * shape[axis]!, 1);
    emitLines(
      b,
      {
        shape,
        axes,
        lanes: b.lanes,
        scalarOnly: !hasVectors(x.dtype) || !hasVectors(held),
        operands: [
          { param: "x", dtype: x.dtype, view: wholeView(x.layout), access: "in" },
          { param: "y", dtype: y.dtype, view: reducedView(y.layout, shape, axes), access: "out" },
        ],
      },
      (line) => {
        const type = registerType(held, line.lanes);
        const read = (at: LineElement): Term => b.let("x", castRegister(b, at.load(0), x.dtype, held, type));
        const total = reduceLine(b, line, kind, held, count, read);
        line.store(1, normalise(b, y.dtype, b.let("r", castRegister(b, total, held, y.dtype, registerType(y.dtype, line.lanes)))));
      },
    );
    context.call(b.finish(), { x: x.buffer, y: y.buffer });
  },
};

/** A tensor with the axes of `shape` that are not in `axes`, or with extents of 1 for those. */
export function reducedView(layout: Layout, shape: readonly number[], axes: readonly number[]): View {
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const same = layout.shape.length === shape.length;
  return {
    layout,
    axes: shape.map((_, axis) => (axes.includes(axis) ? { axis: -1, start: 0, step: 0 } : { axis: same ? axis : kept.indexOf(axis), start: 0, step: 1 })),
  };
}

/** Steps of a fold that are cheap run in several sets; what they read is x. */
const FOLD = { unroll: 4, touches: [0] } as const;

function reduceLine(b: KernelBuilder, line: Line, kind: Kind, dtype: DType, count: number, read: (at: LineElement) => Term): Term {
  const c = (value: number | bigint): Term => constantElement(b, dtype, line.lanes, value);
  const fold = (first: Term, step: (held: Term, x: Term) => Term, join: (a: Term, b: Term) => Term = step): Term =>
    line.fold(
      [first],
      ([held], at) => [step(held!, read(at))],
      (_, a, d) => join(a, d),
      FOLD,
    )[0]!;
  const add = (a: Term, x: Term): Term => b.add(a, x);
  const squares = (): Term => fold(c(0), (held, x) => (isFloat(dtype) ? b.madd(x, x, held) : b.add(held, b.mul(x, x))), add);
  switch (kind) {
    case "sum":
      return fold(c(0), add);
    case "mean":
      return isFloat(dtype) ? b.div(fold(c(0), add), c(count)) : count === 0 ? c(0) : b.div(fold(c(0), add), c(count));
    case "prod":
      return fold(c(1), (held, x) => normalise(b, dtype, b.mul(held, x)));
    case "l1":
      return fold(c(0), (held, x) => b.add(held, dtype.startsWith("u") ? x : b.op("abs", x.type, [x])), add);
    case "sumSquare":
      return squares();
    case "l2":
      return b.op("sqrt", registerType(dtype, line.lanes), [squares()]);
    case "logSum":
      return logFast(b, fold(c(0), add));
    case "any":
      return fold(c(0), (held, x) => b.op("or", x.type, [held, x]));
    case "all":
      return fold(c(1), (held, x) => b.op("and", x.type, [held, x]));
    case "max":
    case "min":
      return extreme(b, line, kind, dtype, read);
    case "logSumExp": {
      const top = b.let("m", extreme(b, line, "max", dtype, read));
      const [sum] = line.fold(
        [c(0)],
        ([held], at) => [b.add(held!, expFast(b, b.sub(read(at), top)))],
        (_, a, d) => b.add(a, d),
      );
      const isFinite = b.compare("lt", b.op("abs", top.type, [top]), c(Infinity));
      return b.select(isFinite, b.let("r", b.add(top, logFast(b, sum!))), top);
    }
  }
}

/** Of nothing, the bound of the dtype. NaN wins over everything. */
export function extreme(b: KernelBuilder, line: Line, kind: "min" | "max", dtype: DType, read: (at: LineElement) => Term): Term {
  const [low, high] = isFloat(dtype) ? [-Infinity, Infinity] : wideRange(dtype);
  const first = constantElement(b, dtype, line.lanes, kind === "max" ? low : high);
  const better = (held: Term, x: Term): Term => {
    if (isFloat(dtype)) return b.select(b.compare("ne", x, x), x, kind === "max" ? b.pmax(held, x) : b.pmin(held, x));
    const moves = compareIntegers(kind === "max" ? "gt" : "lt")({ b, args: [x, held], attrs: {}, from: [dtype], to: dtype, type: x.type });
    return b.select(moves, x, held);
  };
  return line.fold(
    [first],
    ([held], at) => [better(held!, read(at))],
    (_, a, d) => better(a, d),
    FOLD,
  )[0]!;
}

function wideRange(dtype: DType): readonly [number | bigint, number | bigint] {
  if (dtype === "i64") return [-(2n ** 63n), 2n ** 63n - 1n];
  return dtype === "u64" ? [0n, 2n ** 64n - 1n] : integerRange(dtype);
}
