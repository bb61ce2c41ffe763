import type { Op } from "../../../../ir/graph.ts";

/** Attributes of an op as what its record says they are. */
type Attrs = Readonly<Record<string, unknown>>;

export const ALPHA = (attrs: Attrs): number => attrs["alpha"] as number;
export const BETA = (attrs: Attrs): number => attrs["beta"] as number;

export const intOf = (op: Op, name: string): number => op.attrs[name] as number;
export const flagOf = (op: Op, name: string): boolean => op.attrs[name] as boolean;
export const textOf = (op: Op, name: string): string => op.attrs[name] as string;
export const intsOf = (op: Op, name: string): readonly number[] => op.attrs[name] as readonly number[];

/** An axis counted from the front. */
export function axisOf(op: Op, rank: number, name = "axis"): number {
  const axis = intOf(op, name);
  return axis < 0 ? axis + rank : axis;
}

export function axesOf(op: Op, rank: number): readonly number[] {
  return intsOf(op, "axes").map((axis) => (axis < 0 ? axis + rank : axis));
}

/** The extents of a value that is known to be static. */
export function shapeOfOperand(op: Op, name: string): readonly number[] {
  return op.operand(name)!.type.shape as readonly number[];
}
