import { gridSample } from "../../ir/ops/window.ts";
import type { GridAttrs } from "../../ir/ops/grid-sample.ts";
import { elementCount, integerRange, isFloat, type DType } from "../../ir/types.ts";
import { I32, KernelBuilder, type Term } from "../../kernel/build.ts";
import { lanesOf } from "../../target/profile.ts";
import { denseStrides } from "../layout.ts";
import type { Schedule } from "../schedule.ts";
import { castRegister } from "./cast-expressions.ts";
import { declare } from "./gather.ts";
import { loadElement, registerType, storeCursor, storeElement } from "./storage.ts";

/** What one coordinate reads along its axis: addresses, and weights that are 0 where there is no pixel. */
interface Tap {
  readonly at: Term;
  readonly weight: Term;
}

/** Place by place: addresses and weights of the pixels around it first, then all channels. Exact, because halves decide. */
export const gridSampleSchedule: Schedule = {
  ops: [gridSample],
  lower(op, context) {
    const [x, grid, y] = [context.operand(op, "x")!, context.operand(op, "grid")!, context.result(op)];
    if (elementCount(y.layout.shape) === 0) return;
    const attrs = op.attrs as unknown as GridAttrs;
    const [batch, channels, ...space] = x.layout.shape as [number, number, ...number[]];
    const [plane, places] = [elementCount(space), elementCount(y.layout.shape.slice(2))];
    const strides = denseStrides(space);
    const b = new KernelBuilder(
      `gridSample_${attrs.mode}_${attrs.padding}_${x.dtype}_${x.layout.shape.join("x")}_at_${places}${attrs.alignCorners ? "_corners" : ""}`,
      { lanes: lanesOf(context.target), mode: "exact", loc: op.loc },
    );
    declare(b, { x, grid, y });
    const held: DType = isFloat(x.dtype) && x.dtype !== "f64" && grid.dtype !== "f64" ? "f32" : "f64";
    const type = registerType(held, 1);
    const [from, at, to] = [b.cursor("x", "x"), b.cursor("g", "grid"), storeCursor(b, "y", "y", 0, y.dtype)];
    b.loop("n", batch, { [from]: channels * plane, [at]: places * space.length, [to]: channels * places }, () =>
      b.loop("p", places, { [at]: space.length, [to]: 1 }, () => {
        const sampler = new Sampler(b, attrs, held);
        const axes = space.map((count, axis) =>
          sampler.taps(b.let("g", castRegister(b, loadElement(b, grid.dtype, 1, at, space.length - 1 - axis), grid.dtype, held, type)), count, strides[axis]!),
        );
        const pixels = axes.reduce<Tap[]>(
          (all, taps) => all.flatMap((a) => taps.map((tap): Tap => ({ at: b.let("a", b.add(a.at, tap.at)), weight: b.let("w", b.mul(a.weight, tap.weight)) }))),
          [{ at: b.constant(I32, 0), weight: b.constant(type, 1) }],
        );
        b.loop("c", channels, { [from]: plane, [to]: places }, () => {
          const sum = b.let("s", b.constant(type, 0));
          for (const { at: index, weight } of pixels) {
            const value = b.let("v", castRegister(b, b.let("v", loadElement(b, x.dtype, 1, from, 0, { index })), x.dtype, held, type));
            // A pixel that is not there weighs nothing, even if what lies in its stead is infinite.
            b.set(sum, b.select(b.compare("eq", weight, b.constant(type, 0)), sum, b.let("v", b.add(sum, b.mul(weight, value)))));
          }
          storeElement(b, y.dtype, 1, to, 0, finished(b, sum, held, y.dtype));
        });
      }),
    );
    context.call(b.finish(), { x: x.buffer, grid: grid.buffer, y: y.buffer });
  },
};

/** Integers are cut off and wrap, as any number does that is written to them. */
function finished(b: KernelBuilder, sum: Term, held: DType, to: DType): Term {
  if (isFloat(to)) return castRegister(b, sum, held, to, registerType(to, 1));
  const wide = integerRange(to)[1] > 2 ** 31 ? "i64" : "i32";
  return castRegister(b, sum, held, to === "u64" || to === "u32" ? to : wide, registerType(to, 1));
}

class Sampler {
  private readonly b: KernelBuilder;
  private readonly attrs: GridAttrs;
  private readonly held: DType;

  constructor(b: KernelBuilder, attrs: GridAttrs, held: DType) {
    this.b = b;
    this.attrs = attrs;
    this.held = held;
  }

  private c(value: number): Term {
    return this.b.constant(registerType(this.held, 1), value);
  }

  private clamp(x: Term, count: number): Term {
    const { b } = this;
    return b.let("x", b.pmin(b.pmax(this.c(0), x), this.c(count - 1)));
  }

  /** From -1..1 to pixels, and from there to what the mode reads. */
  taps(value: Term, count: number, stride: number): Tap[] {
    const { b, attrs } = this;
    const { mode, padding, alignCorners } = attrs;
    const shifted = b.let("x", b.add(value, this.c(1)));
    const pixel = alignCorners ? b.mul(b.mul(shifted, this.c(0.5)), this.c(count - 1)) : b.mul(b.sub(b.mul(shifted, this.c(count)), this.c(1)), this.c(0.5));
    const [low, high] = alignCorners ? [0, count - 1] : [-0.5, count - 0.5];
    const rounded = b.let("x", mode === "nearest" ? b.op("nearest", pixel.type, [pixel]) : pixel);
    const isOut = b.op("or", { mask: 1 }, [b.compare("lt", rounded, this.c(low)), b.compare("gt", rounded, this.c(high))]);
    const moved = padding === "border" ? this.clamp(rounded, count) : padding === "reflection" ? this.reflect(rounded, low, high) : rounded;
    const at = b.let("x", padding === "zeros" ? rounded : b.select(isOut, moved, rounded));
    const first = b.let("x", b.op("floor", at.type, [at]));
    const ratio = b.let("x", b.sub(at, first));
    const weights = mode === "nearest" ? [this.c(1)] : mode === "linear" ? [b.let("w", b.sub(this.c(1), ratio)), ratio] : this.cubic(ratio);
    return weights.map((weight, i) => this.tap(b.let("x", b.add(first, this.c(i - (mode === "cubic" ? 1 : 0)))), weight, count, stride, low, high));
  }

  private tap(pixel: Term, weight: Term, count: number, stride: number, low: number, high: number): Tap {
    const { b, attrs } = this;
    const isInside = b.let("m", b.op("and", { mask: 1 }, [b.compare("ge", pixel, this.c(0)), b.compare("lt", pixel, this.c(count))]));
    const isThere = attrs.padding === "zeros" ? isInside : b.let("m", b.compare("lt", b.op("abs", pixel.type, [pixel]), this.c(Infinity)));
    const reflected =
      attrs.padding === "reflection" ? b.let("x", b.select(isInside, pixel, b.let("x", b.op("trunc", pixel.type, [this.reflect(pixel, low, high)])))) : pixel;
    const inside = this.clamp(reflected, count);
    const index = this.held === "f64" ? b.op("convert", I32, [inside]) : b.op("truncToInt", I32, [inside]);
    const bounded = b.let("i", b.pmin(b.pmax(index, b.constant(I32, 0)), b.constant(I32, count - 1)));
    return { at: b.let("i", b.mul(bounded, b.constant(I32, stride))), weight: b.let("w", b.select(isThere, weight, this.c(0))) };
  }

  /** Keys' cubic convolution with a = -0.75, for pixels -1, 0, 1 and 2 away. */
  private cubic(ratio: Term): Term[] {
    const { b } = this;
    const a = -0.75;
    const polynomial = (x: Term, factors: readonly number[]): Term =>
      b.let(
        "w",
        factors.slice(1).reduce((sum, factor) => b.add(b.mul(sum, x), this.c(factor)), this.c(factors[0]!)),
      );
    const near = [a + 2, -(a + 3), 0, 1];
    const far = [a, -5 * a, 8 * a, -4 * a];
    const distance = (offset: number, sign: number): Term => b.let("d", sign > 0 ? b.add(ratio, this.c(offset)) : b.sub(this.c(offset), ratio));
    return [polynomial(distance(1, 1), far), polynomial(ratio, near), polynomial(distance(1, -1), near), polynomial(distance(2, -1), far)];
  }

  /** Mirrored at both ends until inside. */
  private reflect(at: Term, low: number, high: number): Term {
    const { b } = this;
    const range = high - low;
    if (range === 0) return this.c(low);
    const c = (value: number): Term => this.c(value);
    const below = b.let("m", b.compare("lt", at, c(low)));
    const above = b.compare("gt", at, c(high));
    const distance = b.let("d", b.select(below, b.sub(c(low), at), b.select(above, b.sub(at, c(high)), c(0))));
    const turns = b.let("t", b.op("floor", at.type, [b.div(distance, c(range))]));
    const rest = b.let("r", b.sub(distance, b.mul(turns, c(range))));
    const half = b.mul(turns, c(0.5));
    const isEven = b.compare("eq", b.op("floor", at.type, [half]), half);
    const fromLow = b.let("m", b.op("not", { mask: 1 }, [b.op("xor", { mask: 1 }, [below, isEven])]));
    const mirrored = b.select(fromLow, b.add(c(low), rest), b.sub(c(high), rest));
    return b.let("x", b.select(b.compare("eq", distance, c(0)), at, mirrored));
  }
}
