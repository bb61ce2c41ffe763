import type { KernelBuilder } from "../../kernel/build.ts";
import type { Dim } from "./view.ts";

/** Loops over `dims`, outermost first; `cursors[k]` moves as operand k does. An undefined cursor stays. */
export function emitNest(b: KernelBuilder, dims: readonly Dim[], cursors: readonly (string | undefined)[], body: () => void): void {
  const [dim, ...rest] = dims;
  if (!dim) return body();
  const inside = (): void => emitNest(b, rest, cursors, body);
  if (dim.trips === 1) return inside();
  b.loop("i", dim.trips, advanceOf(dim, cursors), inside);
}

/** How far each cursor moves in `times` iterations of a loop. */
export function advanceOf(dim: Dim, cursors: readonly (string | undefined)[], times = 1): Record<string, number> {
  const advance: Record<string, number> = {};
  cursors.forEach((cursor, k) => {
    if (cursor !== undefined) advance[cursor] = (advance[cursor] ?? 0) + dim.steps[k]! * times;
  });
  return advance;
}
