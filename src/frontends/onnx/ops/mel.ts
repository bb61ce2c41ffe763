import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { range } from "../rearrange.ts";
import { since, type OperatorTable } from "./table.ts";

export const MEL: OperatorTable = {
  MelWeightMatrix: since(17, importMelWeightMatrix),
};

/** Triangles over the bins of a spectrum, evenly spaced on the mel scale: a constant, as all that it hangs on are sizes. */
function importMelWeightMatrix(c: NodeContext): Value {
  const number = (index: number, what: string): number => c.constantFloats(index, what)?.[0] ?? c.fail(`has no input ${what}`);
  const [bins, length, rate] = [number(0, "num_mel_bins"), number(1, "dft_length"), number(2, "sample_rate")];
  const [low, high] = [number(3, "lower_edge_hertz"), number(4, "upper_edge_hertz")].map((hertz) => 2595 * Math.log10(1 + hertz / 700)) as [number, number];
  const rows = Math.floor(length / 2) + 1;
  const [, columns] = c.sizes([rows, bins]) as [number, number];
  c.budget(rows * columns);
  const step = (high - low) / (columns + 2);
  const edges = range(columns + 2).map((i) => Math.floor(((length + 1) * 700 * (10 ** ((i * step + low) / 2595) - 1)) / rate));
  if (edges.some((edge) => !(edge >= 0 && edge < rows))) c.fail("has edges that lie outside the spectrum");
  const weights = new Float64Array(rows * columns);
  for (let i = 0; i < columns; i++) {
    const [from, top, to] = [edges[i]!, edges[i + 1]!, edges[i + 2]!];
    if (from === top) weights[top * columns + i] = 1;
    for (let row = from; from < top && row <= top; row++) weights[row * columns + i] = (row - from) / (top - from);
    for (let row = top; row < to; row++) weights[row * columns + i] = (to - row) / (to - top);
  }
  return c.value(tensor(c.dtype("output_datatype") ?? "f32", [rows, columns], weights));
}
