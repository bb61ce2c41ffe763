import type { Layout } from "../layout.ts";
import type { LowerContext, Place } from "../schedule.ts";
import { channelLanes, columnarLayout, isColumnar, isPadded } from "./columnar.ts";
import { copyKernel } from "./copy.ts";

/** A place to write channels into, whole vectors of them if `padded`; `finish` copies it to the result where the result itself can't take them. */
export function columnarResult(context: LowerContext, result: Place, loc: readonly string[], padded: boolean): { readonly place: Place; finish(): void } {
  if (isColumnar(result.layout) && (!padded || isPadded(result.layout, channelLanes(result.layout, context.target))))
    return { place: result, finish: () => {} };
  const layout = columnarLayout(result.layout.elem, result.layout.shape, context.target);
  const place: Place = { buffer: context.scratch(layout.elem, layout.size), layout, dtype: result.dtype };
  return {
    place,
    finish() {
      const kernel = copyKernel(layout, result.layout, context.target, loc);
      context.call(kernel, { [kernel.params[0]!.name]: place.buffer, [kernel.params[1]!.name]: result.buffer });
    },
  };
}

/** `place` with channels where `like` has them: blocks of one size. Halos may differ. */
export function columnarLike(context: LowerContext, place: Place, like: Layout): Place {
  if (isColumnar(place.layout) && place.layout.block?.size === like.block?.size) return place;
  return context.relayout(place, columnarLayout(like.elem, like.shape, context.target));
}
