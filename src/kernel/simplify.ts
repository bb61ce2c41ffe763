import type { Kernel } from "./kernel.ts";
import { liftOffsets, removeDead } from "./simplify/dead.ts";
import { foldConstants } from "./simplify/fold.ts";
import { unrollLoops } from "./simplify/unroll.ts";

/**
 * The same kernel, bit for bit, in fewer words: unrolled loops are copies, loops of one trip and empty ones are gone, constants are
 * computed, registers and cursors that nobody uses are dropped. Printers get kernels in this form.
 */
export function simplify(kernel: Kernel): Kernel {
  return liftOffsets(removeDead(foldConstants(unrollLoops(kernel))));
}
