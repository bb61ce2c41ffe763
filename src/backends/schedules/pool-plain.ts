import type { Op } from "../../ir/graph.ts";
import { KernelBuilder, scalar } from "../../kernel/build.ts";
import { integerRange, isFloat } from "../../ir/types.ts";
import type { LowerContext } from "../schedule.ts";
import { convName, type WindowAxis } from "./conv-geometry.ts";
import { haloedInput } from "./haloed-input.ts";
import { divisors, poolMath } from "./pool-math.ts";
import { elementConstant, registerOf } from "./scalar-elements.ts";

/** A pool of any rank and dtype, one element after the other, over planes with a margin. */
export function lowerPlainPool(op: Op, context: LowerContext, axes: readonly WindowAxis[]): void {
  const [given, y] = [context.operand(op, "x")!, context.result(op)];
  const { elem } = y.layout;
  const math = poolMath(op, isFloat(y.dtype) ? -Infinity : integerRange(y.dtype)[0]);
  const x = haloedInput(context, given, axes, math.outside);
  const counts = divisors(op, axes);
  const memory = scalar(elem);
  const type = registerOf(elem);

  const b = new KernelBuilder(`plain_${convName(`pool_${op.attrs["kind"] as string}`, op, axes)}_${elem}`, { lanes: 1, mode: "fast", loc: op.loc });
  b.param("x", elem, x.layout.size, "in");
  const perPixel = math.averaged && Array.isArray(counts);
  if (perPixel) b.param("count", elem, counts.length, "in");
  b.param("y", elem, y.layout.size, "out");
  const first = axes.reduce((at, axis, i) => at - axis.before * x.layout.strides[i + 2]!, x.layout.offset);
  const [from, to] = [b.cursor("i", "x", first), b.cursor("o", "y", y.layout.offset)];
  const count = perPixel ? b.cursor("c", "count") : undefined;
  const acc = b.register("a", type);
  const loop = (stem: string, trips: number, advance: Readonly<Record<string, number>>, body: () => void): void =>
    trips === 1 ? body() : b.loop(stem, trips, advance, body);

  const taps = (axis: number): void => {
    const window = axes[axis];
    if (!window) return b.set(acc, math.step(b, b.load(memory, from), acc));
    loop("k", window.kernel, { [from]: window.dilation * x.layout.strides[axis + 2]! }, () => taps(axis + 1));
  };
  const outputs = (axis: number): void => {
    const window = axes[axis];
    if (window) {
      const pitch = axes.slice(axis + 1).reduce((n, a) => n * a.out, 1);
      return loop(
        "o",
        window.out,
        { [from]: window.stride * x.layout.strides[axis + 2]!, [to]: y.layout.strides[axis + 2]!, ...(count ? { [count]: pitch } : {}) },
        () => outputs(axis + 1),
      );
    }
    b.set(acc, elementConstant(b, elem, math.first));
    taps(0);
    const sum = !math.averaged ? acc : b.div(acc, count ? b.load(memory, count) : b.constant(type, counts as number));
    b.storeAs(memory, to, 0, math.last(b, sum));
  };
  const { shape, strides } = x.layout;
  loop("n", shape[0]!, { [from]: strides[0]!, [to]: y.layout.strides[0]! }, () =>
    loop("c", shape[1]!, { [from]: strides[1]!, [to]: y.layout.strides[1]! }, () => outputs(0)),
  );
  const table = (elem === "f64" ? Float64Array : Float32Array).from(perPixel ? counts : []);
  context.call(b.finish(), { x: x.buffer, y: y.buffer, ...(perPixel ? { count: context.weights(elem, table) } : {}) });
}
