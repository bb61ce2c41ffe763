import { shapeText } from "../../ir/broadcast.ts";
import type { Value } from "../../ir/graph.ts";
import { TypeMismatch } from "../../ir/op-def.ts";

/** The shape of a value for an importer that wants numbers: behind the binding of inputs all are, but what data decide. */
export function shapeOf(value: Value): readonly number[] {
  const { shape } = value.type;
  if (!shape.every((dim) => typeof dim === "number"))
    throw new TypeMismatch(
      `${value.name || "an input"} is ${shapeText(shape)}, as long as its data say; this operator wants it known: make the input that decides it a constant with --set`,
    );
  return shape;
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
