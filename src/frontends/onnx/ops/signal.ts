import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { Importer, NodeContext } from "../context.ts";
import { since, type OperatorTable } from "./table.ts";

/** Window functions: their size is known here, so they are constants. */
export const SIGNAL: OperatorTable = {
  BlackmanWindow: since(17, cosineSum(0.42, -0.5, 0.08)),
  HammingWindow: since(17, cosineSum(25 / 46, -21 / 46)),
  HannWindow: since(17, cosineSum(0.5, -0.5)),
};

/** Element i is the sum of weights[k] * cos(2 * pi * k * i / n); n is the size, or one less where the window is symmetric. */
function cosineSum(...weights: readonly number[]): Importer {
  return (c) => windowOf(c, weights);
}

function windowOf(c: NodeContext, weights: readonly number[]): Value {
  const size = c.constantInts(0, "size")?.[0] ?? c.fail("has no input size");
  const dtype = c.dtype("output_datatype") ?? "f32";
  const period = c.flag("periodic", true) ? size : size - 1;
  c.budget(c.sizes([size])[0]!);
  const values = Array.from({ length: size }, (_, i) => weights.reduce((sum, weight, k) => sum + weight * Math.cos((2 * Math.PI * k * i) / period), 0));
  return c.value(tensor(dtype, [size], values));
}
