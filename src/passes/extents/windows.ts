import type { Op, Value } from "../../ir/graph.ts";
import { add, div, max, min, sub } from "../../ir/ops/arithmetic.ts";
import { less, lessEqual } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { select } from "../../ir/ops/logic.ts";
import { pad } from "../../ir/ops/movement.ts";
import { longest } from "../../ir/ops/padded.ts";
import { resize } from "../../ir/ops/resize.ts";
import { pool } from "../../ir/ops/window.ts";
import { tensor } from "../../ir/tensor.ts";
import { integerRange, isFloat } from "../../ir/types.ts";
import { openAxes, Unbounded, type Bounding, type Reader } from "./bounding.ts";

const ofX: Reader["along"] = (_op, operand) => operand === 0;
const overSpace: Reader["along"] = (_op, operand, axis) => operand === 0 && axis > 1;

/** Zeros outside: what a window takes from there, or an element spreads to its neighbours. */
const withZeros: Reader = {
  along: overSpace,
  handle(op, graph) {
    wantNumbers(op);
    const [x, ...others] = op.operands as [Value, ...(Value | undefined)[]];
    graph.set(op.result, graph.copy(op, [graph.masked(x, spaceOf(x), 0), ...others.map((value) => value && graph.at(value))])[0]!);
  },
};

/** Ops that read neighbours: what lies behind the end of an axis is what the op takes for the outside. */
export const WINDOWS: Readonly<Record<string, Reader>> = {
  conv: withZeros,
  convTranspose: withZeros,

  pool: {
    along: overSpace,
    handle(op, graph) {
      const x = op.operands[0]!;
      const { kind } = op.attrs;
      if (kind === "max") return graph.set(op.result, graph.copy(op, [graph.masked(x, spaceOf(x), least(x))])[0]!);
      wantNumbers(op);
      if (op.attrs["ceilMode"] === true) throw new Unbounded("rounds the number of its windows up; pad instead");
      const overAll = (source: Value): Value => graph.b.create(pool, { x: source }, { ...op.attrs, countIncludePad: true });
      const mean = overAll(graph.masked(x, spaceOf(x), 0));
      // The mean over all taps, over the share of the taps that are there.
      const isWhole = kind === "lp" || op.attrs["countIncludePad"] === true;
      graph.set(op.result, isWhole ? mean : graph.b.create(div, { a: mean, b: overAll(presence(graph, x)) }));
    },
  },

  resize: {
    along: ofX,
    handle(op, graph) {
      const x = op.operands[0]!;
      const { coordinates, antialias, excludeOutside } = op.attrs;
      const scales = op.attrs["scales"] as readonly number[];
      const shape = longest(op.result.type).shape as readonly number[];
      // Along an axis that stays as long as it is no neighbours are read.
      const axes = openAxes(x.type).filter((axis) => scales[axis] !== 1);
      if (axes.length === 0) return graph.set(op.result, graph.b.create(resize, { x: graph.at(x) }, { ...op.attrs, shape }));
      if (coordinates === "alignCorners" || coordinates === "tfCropAndResize" || coordinates === "halfPixelSymmetric")
        throw new Unbounded(`samples it by ${coordinates as string}, which hangs on how long it is; use half_pixel or asymmetric`);
      if (antialias === true || excludeOutside === true) throw new Unbounded("weighs it by what lies inside; switch antialias and exclude_outside off");
      graph.set(op.result, graph.b.create(resize, { x: graph.edged(x, axes) }, { ...op.attrs, shape }));
    },
  },

  pad: {
    along: ofX,
    handle(op, graph) {
      const x = op.operands[0]!;
      const { mode, high, low, value } = op.attrs as { mode: string; high: readonly number[]; low: readonly number[]; value: number };
      const axes = openAxes(x.type);
      const isBehind = axes.some((axis) => high[axis] !== 0);
      if (mode === "wrap" || (mode === "reflect" && isBehind)) return graph.set(op.result, mirrored(op, graph, axes));
      const { dtype } = x.type;
      const fill = dtype === "i64" || dtype === "u64" ? BigInt(value) : value;
      const source = mode === "constant" ? graph.masked(x, axes, fill) : isBehind ? graph.edged(x, axes) : graph.at(x);
      graph.set(op.result, graph.b.create(pad, { x: source }, { low, high, mode: mode as "edge", value }));
    },
  },
};

/** Places in front of the beginning and behind the true end are others inside: mirrored at the edge, or from the other end on. */
function mirrored(op: Op, graph: Bounding, axes: readonly number[]): Value {
  const { b } = graph;
  const x = op.operands[0]!;
  const { mode, high, low, value } = op.attrs as { mode: "reflect" | "wrap"; high: readonly number[]; low: readonly number[]; value: number };
  const rest = (list: readonly number[]): number[] => list.map((n, axis) => (axes.includes(axis) ? 0 : n));
  const others = [...rest(low), ...rest(high)].some((n) => n !== 0);
  const start = others ? b.create(pad, { x: graph.at(x) }, { low: rest(low), high: rest(high), mode, value }) : graph.at(x);
  return axes.reduce((y, axis) => {
    const size = y.type.shape[axis] as number;
    const length = graph.extent(x.type.shape[axis]!);
    const count = size + low[axis]! + high[axis]!;
    const at = b.create(sub, { a: graph.places(count, 0, 1), b: graph.word(low[axis]!) });
    const last = b.create(sub, { a: length, b: graph.word(1) });
    const isBefore = b.create(less, { a: at, b: graph.word(0) });
    const before = mode === "wrap" ? b.create(add, { a: at, b: length }) : b.create(sub, { a: graph.word(0), b: at });
    const behind = mode === "wrap" ? b.create(sub, { a: at, b: length }) : b.create(sub, { a: b.create(add, { a: last, b: last }), b: at });
    const isInside = b.create(lessEqual, { a: at, b: last });
    const place = b.create(select, { condition: isBefore, a: before, b: b.create(select, { condition: isInside, a: at, b: behind }) });
    const indices = b.create(max, { a: b.create(min, { a: place, b: graph.word(size - 1) }), b: graph.word(0) });
    return b.create(gather, { x: y, indices }, { axis });
  }, start);
}

/** Whether a window over a spatial axis reads behind the end of x, seen from a result that counts. */
export function readsBehind(op: Op, axis: number): boolean {
  const pads = op.attrs["pads"] as readonly number[];
  const after = pads.length === 0 ? 0 : pads[axis - 2 + pads.length / 2]!;
  return after > 0 || op.attrs["ceilMode"] === true;
}

/** 1 where elements of x are, 0 behind the end, for one image and channel. */
function presence(graph: Bounding, x: Value): Value {
  const whole = graph.at(x).type.shape as readonly number[];
  const shape = [1, 1, ...whole.slice(2)];
  const ones = tensor(x.type.dtype, shape, new Array<number>(shape.reduce((n, dim) => n * dim, 1)).fill(1));
  return graph.maskedFrom(graph.b.create(constant, {}, { value: ones }), x.type, spaceOf(x), 0);
}

function spaceOf(x: Value): readonly number[] {
  return openAxes(x.type).filter((axis) => axis > 1);
}

function least(x: Value): number {
  return isFloat(x.type.dtype) ? -Infinity : integerRange(x.type.dtype)[0];
}

function wantNumbers(op: Op): void {
  if (op.operands.some((value) => value?.type.quant)) throw new Unbounded("computes with stored integers along it; dequantise first");
}
