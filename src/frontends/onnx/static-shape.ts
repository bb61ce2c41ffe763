import type { Value } from "../../ir/graph.ts";

/** The shape of a value: behind the binding of inputs all are numbers. */
export function shapeOf(value: Value): readonly number[] {
  return value.type.shape as readonly number[];
}

export function rankOf(value: Value): number {
  return value.type.shape.length;
}

/** numpy's broadcast of two shapes; undefined where they don't fit. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const [m, n] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (m !== n && m !== 1 && n !== 1) return undefined;
    shape.push(m === 1 ? n : m);
  }
  return shape;
}
