import type { Op } from "../../ir/graph.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { expFast, logFast } from "../../kernel/expand.ts";
import type { WindowAxis } from "./conv-geometry.ts";
import { shapeOf } from "../assign-layouts.ts";

/** What a pool does with the elements of a window. */
export interface PoolMath {
  /** Value that stands outside the image and changes nothing. */
  readonly outside: number;
  /** What an accumulator begins with. */
  readonly first: number;
  step(b: KernelBuilder, x: Term, acc: Term): Term;
  /** True: the sum is divided by the number of elements. */
  readonly averaged: boolean;
  last(b: KernelBuilder, acc: Term): Term;
}

export function poolMath(op: Op, lowest = -Infinity): PoolMath {
  const kind = op.attrs["kind"] as "max" | "average" | "lp";
  const none = (_: KernelBuilder, acc: Term): Term => acc;
  if (kind === "max") return { outside: lowest, first: lowest, step: greater, averaged: false, last: none };
  if (kind === "average") return { outside: 0, first: 0, step: (b, x, acc) => b.add(acc, x), averaged: true, last: none };
  const p = op.attrs["p"] as number;
  const power = (b: KernelBuilder, size: Term): Term => {
    const x = b.let("x", size);
    let product = x;
    for (let i = 1; i < p; i++) product = b.mul(product, x);
    return product;
  };
  return {
    outside: 0,
    first: 0,
    step: (b, x, acc) => (p === 2 ? b.madd(x, x, acc) : b.add(acc, power(b, b.op("abs", x.type, [x])))),
    averaged: false,
    last: (b, acc) => (p === 1 ? acc : p === 2 ? b.op("sqrt", acc.type, [acc]) : expFast(b, b.mul(logFast(b, acc), b.constant(acc.type, 1 / p)))),
  };
}

/** NaN wins: as x it is taken, as what is held it is not smaller than x. */
function greater(b: KernelBuilder, x: Term, held: Term): Term {
  const { type } = x;
  if (!("elem" in type) || !type.elem.startsWith("f")) return b.pmax(x, held);
  const value = b.let("x", x);
  return b.select(b.compare("ne", value, value), value, b.pmax(held, value));
}

/**
 * Elements that each output averages over: one number where all are alike, else one a pixel, row-major. Padding counts where the
 * op says so; what a last, incomplete window (ceilMode) reads behind the padding never does.
 */
export function divisors(op: Op, axes: readonly WindowAxis[]): number | number[] {
  const pads = op.attrs["pads"] as readonly number[];
  const include = op.attrs["countIncludePad"] as boolean;
  const counts = axes.map((axis, i) => {
    const low = include ? -axis.before : 0;
    const high = shapeOf(op.operands[0]!)[i + 2]! + (include && pads.length ? pads[axes.length + i]! : 0);
    return Array.from({ length: axis.out }, (_, o) => {
      const taps = Array.from({ length: axis.kernel }, (_, k) => o * axis.stride + k * axis.dilation - axis.before);
      return Math.max(1, taps.filter((at) => at >= low && at < high).length);
    });
  });
  const table = counts.reduce((outer, inner) => outer.flatMap((a) => inner.map((n) => a * n)), [1]);
  return table.every((count) => count === table[0]) ? table[0]! : table;
}
