import { shapeText } from "../../ir/broadcast.ts";
import type { Value } from "../../ir/graph.ts";
import { TypeMismatch } from "../../ir/op-def.ts";

/** The shape of a value for an importer that wants numbers: behind the binding of inputs all are, but ranges and what data decide. */
export function shapeOf(value: Value): readonly number[] {
  const { shape } = value.type;
  if (!shape.every((dim) => typeof dim === "number")) throw isOpen(value);
  return shape;
}

/** One extent of a value for an importer that wants it as a number; undefined where there is no such axis. */
export function extentAt(value: Value, axis: number): number | undefined {
  const dim = value.type.shape.at(axis);
  if (dim !== undefined && typeof dim !== "number") throw isOpen(value);
  return dim;
}

function isOpen(value: Value): TypeMismatch {
  return new TypeMismatch(
    `${value.name || "an input"} is ${shapeText(value.type.shape)}, as long as a run says; this operator wants it known: give it one size with --shape, or make the input that decides it a constant with --set`,
  );
}

export function rankOf(value: Value): number {
  return value.type.shape.length;
}
