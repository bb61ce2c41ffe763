import { plainLayout, SLACK, type Layout } from "../layout.ts";
import type { Buffer, LowerContext, Place } from "../schedule.ts";
import type { Cell } from "./recurrent-cells.ts";
import { productTile, type Panel, type RecurrentProblem } from "./recurrent-kernel.ts";
import { cutEvenly } from "./tile.ts";

interface RecurrentWeights {
  readonly cell: Cell;
  readonly elem: "f32" | "f64";
  readonly lanes: number;
  readonly hidden: number;
  readonly pitch: number;
  readonly direction: number;
  readonly batch: number;
}

/** Recurrent weights with the columns of a product side by side: in panels where they are constant, else whole rows of all gates. */
export function packRecurrentWeights(
  context: LowerContext,
  r: Place,
  w: RecurrentWeights,
): { readonly buffer: Buffer; readonly shape: RecurrentProblem["weights"] } {
  const { cell, elem, lanes, hidden, pitch, direction } = w;
  const row = cell.gates * pitch;
  const cuts = columnCuts(w, productTile(w.batch, context.target).vectors);
  if (!r.constant) {
    const layout = { ...pitchedLayout(elem, r.layout.shape, hidden, pitch), strides: [hidden * row, 1, row], size: r.layout.shape[0]! * hidden * row + SLACK };
    const panels = cuts.map((cut): Panel => ({ ...cut, at: cut.unit * lanes, kStep: row }));
    return { buffer: context.relayout(r, layout).buffer, shape: { size: layout.size, base: direction * hidden * row, panels } };
  }
  const data = r.constant as Float32Array;
  const packed = elem === "f64" ? new Float64Array(hidden * row) : new Float32Array(hidden * row);
  let at = 0;
  const panels = cuts.map((cut): Panel => {
    const width = cut.vectors * lanes;
    const panel = { ...cut, at, kStep: width };
    for (let k = 0; k < hidden; k++) {
      for (let i = 0; i < width; i++, at++) {
        const column = cut.unit * lanes + i;
        const [gate, unit] = [Math.floor(column / pitch), column % pitch];
        if (unit < hidden) packed[at] = data[((direction * cell.gates + gate) * hidden + unit) * hidden + k]!;
      }
    }
    return panel;
  });
  return { buffer: context.weights(elem, packed), shape: { size: packed.length, base: 0, panels } };
}

/** Columns that a product holds in registers; no cut crosses from the gates of one product to those of another. */
function columnCuts({ cell, pitch, lanes }: RecurrentWeights, most: number): { readonly unit: number; readonly vectors: number }[] {
  const spans = [cell.first, ...(cell.reset ? [[2, 3] as const] : [])];
  return spans.flatMap(([from, to]) =>
    cutEvenly(((to - from) * pitch) / lanes, most).flatMap((cut) =>
      Array.from({ length: cut.count }, (_, i) => ({ unit: (from * pitch) / lanes + cut.start + i * cut.size, vectors: cut.size })),
    ),
  );
}

/** Axis 1 in runs of `hidden` elements that lie a pitch apart. */
export function pitchedLayout(elem: "f32" | "f64", shape: readonly number[], hidden: number, pitch: number): Layout {
  return { ...plainLayout(elem, shape), block: { axis: 1, size: hidden, stride: pitch } };
}
