import type { Op, Value } from "../../ir/graph.ts";
import { div } from "../../ir/ops/arithmetic.ts";
import { constant } from "../../ir/ops/control.ts";
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
      if (mode === "wrap" || (mode === "reflect" && isBehind)) throw new Unbounded(`pads it by mode ${mode}, which reads from its end; use constant or edge`);
      const { dtype } = x.type;
      const fill = dtype === "i64" || dtype === "u64" ? BigInt(value) : value;
      const source = mode === "constant" ? graph.masked(x, axes, fill) : isBehind ? graph.edged(x, axes) : graph.at(x);
      graph.set(op.result, graph.b.create(pad, { x: source }, { low, high, mode: mode as "edge", value }));
    },
  },
};

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
