import type { Op } from "../../ir/graph.ts";
import { pool } from "../../ir/ops/window.ts";
import { KernelBuilder, vector, type Term } from "../../kernel/build.ts";
import type { Kernel, Type } from "../../kernel/kernel.ts";
import type { TargetProfile } from "../../target/profile.ts";
import { elemOf, shapeOf } from "../assign-layouts.ts";
import type { Layout } from "../layout.ts";
import type { LowerContext, Schedule, Wish } from "../schedule.ts";
import { columnarResult } from "./columnar-result.ts";
import { convName, haloOf, SINGLE_ROW, windowAxes, type WindowAxis } from "./conv-geometry.ts";
import { channelVectors, emitImageNest, imageCursor, type NestCursor } from "./image-nest.ts";
import { lowerPlainPool } from "./pool-plain.ts";
import { divisors, poolMath, type PoolMath } from "./pool-math.ts";
import { cutEvenly } from "./tile.ts";

/** Windows over images; a vector holds channels, so each output is a chain of loads. Other ranks and dtypes go element by element. */
export const poolSchedule: Schedule = {
  ops: [pool],
  wishes(op) {
    if (!isImagePool(op)) return { operands: [], results: [] };
    const x: Wish = { kind: "image", halo: haloOf(axesOf(op)), fill: poolMath(op).outside };
    return { operands: [x], results: [{ kind: "image", halo: [0, 0, 0, 0], fill: 0 }] };
  },
  lower(op, context) {
    if (isImagePool(op)) lowerImagePool(op, context);
    else lowerPlainPool(op, context, axesOf(op));
  },
};

function isImagePool(op: Op): boolean {
  return shapeOf(op.operands[0]!).length <= 4 && elemOf(op.operands[0]!) === "f32";
}

function axesOf(op: Op): WindowAxis[] {
  return windowAxes(op, op.attrs["kernel"] as readonly number[]);
}

function lowerImagePool(op: Op, context: LowerContext): void {
  const axes = axesOf(op);
  const x = context.operand(op, "x")!;
  const result = columnarResult(context, context.result(op), op.loc, true);
  const counts = divisors(op, axes);
  const table = Array.isArray(counts) ? Float32Array.from(counts) : undefined;
  const kernel = poolKernel({
    name: convName(`pool_${op.attrs["kind"] as string}`, op, axes),
    loc: op.loc,
    target: context.target,
    x: x.layout,
    y: result.place.layout,
    rows: axes.length === 2 ? axes[0]! : SINGLE_ROW,
    cols: axes.at(-1)!,
    math: poolMath(op),
    divisor: Array.isArray(counts) ? counts.length : counts,
    perPixel: table !== undefined,
  });
  context.call(kernel, { x: x.buffer, y: result.place.buffer, ...(table ? { count: context.weights("f32", table) } : {}) });
  result.finish();
}

interface PoolProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly target: TargetProfile;
  readonly x: Layout;
  readonly y: Layout;
  readonly rows: WindowAxis;
  readonly cols: WindowAxis;
  readonly math: PoolMath;
  /** What sums are divided by; where it differs by pixel, the size of the table of them. */
  readonly divisor: number;
  readonly perPixel: boolean;
}

interface PoolTile {
  readonly cursors: readonly NestCursor[];
  readonly x: string;
  readonly y: string;
  readonly count: string | undefined;
  readonly pixels: number;
}

function poolKernel(p: PoolProblem): Kernel {
  const { lanes, blocks, parts } = channelVectors(p.y, p.target);
  const type: Type = vector("f32", lanes);
  const { rows, cols, math } = p;
  const b = new KernelBuilder(p.name, { lanes, mode: "fast", loc: p.loc });
  b.param("x", "f32", p.x.size, "in");
  if (p.perPixel) b.param("count", "f32", p.divisor, "in");
  b.param("y", "f32", p.y.size, "out");
  const hasRows = p.x.shape.length >= 4;
  const rowPitch = hasRows ? p.x.strides.at(-2)! : 0;
  const pixel = p.x.strides.at(-1)!;
  const start = -rows.before * rowPitch - cols.before * pixel;
  const accs: Term[] = [];

  emitImageNest<PoolTile>(b, p.y, {
    blocks,
    parts,
    batch: p.y.shape[0]!,
    rows: cutEvenly(rows.out, 1),
    cols: cutEvenly(cols.out, pixelsOf(p)),
    tile(row, col) {
      const x = imageCursor(b, "i", "x", p.x, lanes, { row, col, strides: [rows.stride, cols.stride], start });
      const y = imageCursor(b, "o", "y", p.y, lanes, { row, col });
      const count: NestCursor | undefined = p.perPixel
        ? { name: b.cursor("c", "count", row.start * cols.out + col.start), block: 0, part: 0, batch: 0, row: cols.out, pixel: 1 }
        : undefined;
      return { cursors: count ? [x, y, count] : [x, y], x: x.name, y: y.name, count: count?.name, pixels: col.size };
    },
    body(tile) {
      for (let i = 0; i < tile.pixels; i++) {
        accs[i] ??= b.register(`a${i}`, type);
        b.set(accs[i]!, b.constant(type, math.first));
      }
      const taps = (): void => {
        for (let kw = 0; kw < cols.kernel; kw++) {
          for (let i = 0; i < tile.pixels; i++)
            b.set(accs[i]!, math.step(b, b.load(type, tile.x, i * cols.stride * pixel + kw * cols.dilation * pixel), accs[i]!));
        }
      };
      if (rows.kernel === 1) taps();
      else b.loop("kh", rows.kernel, { [tile.x]: rows.dilation * rowPitch }, taps);
      for (let i = 0; i < tile.pixels; i++) {
        const mean = math.averaged ? meanOf(b, accs[i]!, tile.count ? b.splat(type, tile.count, i) : p.divisor) : accs[i]!;
        b.store(tile.y, i * p.y.strides.at(-1)!, math.last(b, mean));
      }
    },
  });
  return b.finish();
}

/** Rounded once: half of a sum, a quarter of it and so on are products with the same bits. */
function meanOf(b: KernelBuilder, sum: Term, count: number | Term): Term {
  if (typeof count !== "number") return b.div(sum, count);
  const inverse = 1 / count;
  return Number.isInteger(Math.log2(count)) ? b.mul(sum, b.constant(sum.type, inverse)) : b.div(sum, b.constant(sum.type, count));
}

/** As many outputs at a time as hide the latency of a step, and fit into registers. */
function pixelsOf({ cols, target }: PoolProblem): number {
  const alive = target.pressure === "hoist" ? 1 + cols.kernel : 2;
  return Math.max(1, Math.min(6, Math.floor((target.registers - 2) / alive)));
}
