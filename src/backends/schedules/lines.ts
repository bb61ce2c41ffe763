import type { KernelBuilder } from "../../kernel/build.ts";
import { LineEmitter, type Line } from "./line-emitter.ts";
import { loopsOf, orderOf, splitSpace, withLocalLanes, withPadding, type LineSpace, type Segment } from "./line-space.ts";
import { emitNest } from "./nest.ts";
import { memoryElem } from "./storage.ts";
import { mergeDims, sortDims, type Dim } from "./view.ts";

/** Declares the operands' parameters and emits `body` for every line: in vectors along the lines, or across them, or one by one. */
export function emitLines(b: KernelBuilder, space: LineSpace, body: (line: Line) => void): void {
  for (const { param, dtype, view, access } of space.operands) b.param(param, memoryElem(dtype), view.layout.size, access);
  const { kept, segments } = splitSpace(withPadding(space));
  for (const box of kept) emitBox(b, space, box.bases, mergeDims(sortDims(box.dims, orderOf(space, box.dims))), segments, body);
}

const isUnit = (dim: Dim | undefined): boolean => dim !== undefined && dim.steps.every((step) => step === 0 || step === 1) && dim.steps.includes(1);

function emitBox(
  b: KernelBuilder,
  space: LineSpace,
  bases: readonly number[],
  kept: readonly Dim[],
  segments: readonly Segment[],
  body: (line: Line) => void,
): void {
  const { lanes } = space;
  const vectors = lanes > 1 && !space.scalarOnly;
  const across = kept.at(-1);
  const alongFits = segments.every((segment) => {
    const inner = loopsOf(segment).at(-1);
    return isUnit(inner) && inner!.trips >= lanes;
  });
  if (vectors && space.along !== false && alongFits) {
    const cursors = cursorsOf(b, space, bases);
    return emitNest(b, kept, cursors, () => body(new LineEmitter(b, space, segments, cursors, lanes, true)));
  }
  if (vectors && isUnit(across) && across!.trips >= lanes) {
    const outer = kept.slice(0, -1);
    const whole = Math.floor(across!.trips / lanes);
    const cursors = cursorsOf(b, space, bases);
    const starts = across!.steps.map((step) => step * (across!.trips - lanes));
    const last =
      across!.trips % lanes > 0
        ? cursorsOf(
            b,
            space,
            bases.map((base, k) => base + starts[k]!),
          )
        : [];
    return emitNest(
      b,
      outer.map((dim) => ({ trips: dim.trips, steps: [...dim.steps, ...(last.length > 0 ? dim.steps : [])] })),
      [...cursors, ...last],
      () => {
        const apart = segments.map((segment) => withLocalLanes(space, segment, lanes));
        emitNest(b, [{ trips: whole, steps: across!.steps.map((step) => step * lanes) }], cursors, () =>
          body(new LineEmitter(b, space, apart, cursors, lanes, false, across)),
        );
        if (last.length > 0) body(new LineEmitter(b, space, apart, last, lanes, false, across));
      },
    );
  }
  const cursors = cursorsOf(b, space, bases);
  emitNest(b, kept, cursors, () => body(new LineEmitter(b, space, segments, cursors, 1, false)));
}

/** Stored elements go through unsigned views, which read narrow signed ones wrongly: those are not read back. */
function cursorsOf(b: KernelBuilder, space: LineSpace, bases: readonly number[]): string[] {
  return space.operands.map(({ param, dtype, access }, k) => {
    const elem = memoryElem(dtype);
    const unsigned = access === "in" ? elem : elem === "i8" ? "u8" : elem === "i16" ? "u16" : elem;
    return b.cursor(access === "in" ? "i" : "o", param, bases[k]!, unsigned);
  });
}
