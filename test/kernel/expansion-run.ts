import { KernelBuilder, vector, type Term } from "../../src/kernel/build.ts";
import { interpretKernel } from "../../src/kernel/interpret-kernel.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";

/** A kernel that applies `f` to `size` elements of each operand x0, x1 …; size is a multiple of lanes. */
export function mapKernel(
  name: string,
  lanes: number,
  size: number,
  operands: number,
  f: (k: KernelBuilder, ...xs: Term[]) => Term,
  mode: "fast" | "exact" = "fast",
): Kernel {
  const k = new KernelBuilder(name, { lanes, mode });
  const params = Array.from({ length: operands }, (_, i) => k.param(`x${i}`, "f32", size, "in"));
  k.param("y", "f32", size, "out");
  const inputs = params.map((param) => k.cursor("i", param));
  const output = k.cursor("o", "y");
  const advance = Object.fromEntries([...inputs, output].map((cursor) => [cursor, lanes]));
  k.loop("at", size / lanes, advance, () => {
    const xs = inputs.map((cursor) => k.let("v", k.load(vector("f32", lanes), cursor)));
    k.store(output, 0, f(k, ...xs));
  });
  return k.finish();
}

/** `f` of every element, by the interpreter. */
export function evaluateMap(
  f: (k: KernelBuilder, ...xs: Term[]) => Term,
  operands: readonly (readonly number[])[],
  options: { lanes?: number; fused?: boolean } = {},
): Float32Array {
  const lanes = options.lanes ?? 4;
  const size = Math.ceil(operands[0]!.length / lanes) * lanes;
  const kernel = mapKernel("map", lanes, size, operands.length, f);
  const buffers = Object.fromEntries(operands.map((x, i) => [`x${i}`, Float32Array.from({ length: size }, (_, at) => x[at] ?? 0)]));
  const y = new Float32Array(size);
  interpretKernel(kernel, { ...buffers, y }, { fused: options.fused ?? false });
  return y.subarray(0, operands[0]!.length);
}
