import { ELEM_BYTES, type Kernel } from "../kernel.ts";
import { accessesOf, lanesIn, walkStatements } from "../walk.ts";

interface Place {
  readonly order: number;
  /** Loops round it, first byte, and bytes moved by each of them. */
  readonly key: string;
}

/**
 * True if parameters `read` and `written` may be the same memory: every load of the one is of bytes that are stored through the other
 * later in the same iteration of the same loops, and by nothing before.
 */
export function isInPlace(kernel: Kernel, read: string, written: string): boolean {
  const loads: Place[] = [];
  const stores = new Map<string, number>();
  let order = 0;
  walkStatements(kernel.body, (stmt, loops) => {
    for (const access of accessesOf(stmt)) {
      const cursor = kernel.cursors[access.at.cursor]!;
      if (!access.type || access.what === "prefetch") continue;
      order++;
      const size = ELEM_BYTES[cursor.elem];
      const bytes = size * (access.what === "splat" ? 1 : lanesIn(access.type));
      const moves = loops.map((loop) => `${loop.name}:${(cursor.steps[loop.name] ?? 0) * size}`);
      const key = access.at.index ? `data ${order}` : `${(cursor.base + access.at.offset) * size}+${bytes} ${moves.join(" ")}`;
      if (cursor.param === written && access.what === "store") stores.set(key, Math.min(stores.get(key) ?? Infinity, order));
      else if (cursor.param === read || cursor.param === written) loads.push({ order, key });
    }
  });
  return loads.every((load) => (stores.get(load.key) ?? -1) > load.order);
}
