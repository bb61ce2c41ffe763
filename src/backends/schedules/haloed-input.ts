import { elementCount } from "../../ir/types.ts";
import { isPlain, plainLayout, type Layout } from "../layout.ts";
import type { LowerContext, Place } from "../schedule.ts";
import { planarLayout } from "./columnar.ts";
import { reads, type WindowAxis } from "./conv-geometry.ts";
import { copyKernel } from "./copy.ts";
import { fillAllKernel } from "./fill.ts";

/** Planes get the margin that the windows read, full of `fill`; images already have it. */
export function haloedInput(context: LowerContext, x: Place, axes: readonly WindowAxis[], fill = 0): Place {
  if (!isPlain(x.layout) || !reads(axes)) return x;
  const layout = planarLayout(x.layout.elem, x.layout.shape, [[0, 0], [0, 0], ...axes.map((axis) => [axis.before, axis.after] as const)], fill);
  return axes.length <= 2 ? context.relayout(x, layout) : filledFirst(context, x, layout);
}

/** Margins of volumes aren't runs round a plane: the whole buffer is filled before the copy. */
function filledFirst(context: LowerContext, x: Place, layout: Layout): Place {
  const { elem, shape, halo, size } = layout;
  const buffer = context.scratch(elem, size);
  const whole = plainLayout(
    elem,
    shape.map((dim, a) => dim + halo[a]![0] + halo[a]![1]),
  );
  if (elementCount(whole.shape) > 0) {
    const fill = fillAllKernel(whole, layout.fill, context.target);
    context.call(fill, { [fill.params[0]!.name]: buffer });
  }
  const copy = copyKernel(x.layout, layout, context.target);
  context.call(copy, { [copy.params[0]!.name]: x.buffer, [copy.params[1]!.name]: buffer });
  return { buffer, layout, dtype: x.dtype };
}
