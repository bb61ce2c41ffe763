import { shapeText } from "../broadcast.ts";
import { TypeMismatch, type MismatchReason } from "../op-def.ts";
import { equalShapes, isFloat, type Dim, type TensorType } from "../types.ts";

/** Checks that `infer` makes of operands and attributes; each throws `TypeMismatch` saying what was found and what is wanted. */
export function expect(condition: boolean, found: () => string, reason?: MismatchReason, nearest?: () => string): asserts condition {
  if (!condition) throw new TypeMismatch(found(), reason, nearest?.());
}

/** The shape of an operand whose extents must all be numbers. */
export function knownShape(op: string, name: string, type: TensorType): readonly number[] {
  expect(
    type.shape.every((dim) => typeof dim === "number"),
    () => `${name} is ${shapeText(type.shape)}, ${op} wants extents that are numbers`,
    "length",
  );
  return type.shape as readonly number[];
}

/** One extent that must be a number. */
export function knownExtent(op: string, name: string, dim: Dim | undefined): number {
  expect(typeof dim === "number", () => `an extent of ${name} is not a number, ${op} wants one`, "length");
  return dim;
}

export function expectRank(op: string, name: string, type: TensorType, low: number, high = low): void {
  const wanted = low === high ? `${low}` : high === Infinity ? `${low} or more` : `${low} to ${high}`;
  expect(
    type.shape.length >= low && type.shape.length <= high,
    () => `${name} has rank ${type.shape.length}, ${op} wants ${wanted}`,
    "rank",
    () => `${name} of rank ${wanted}`,
  );
}

export function expectShape(op: string, name: string, type: TensorType, shape: readonly Dim[]): void {
  expect(equalShapes(type.shape, shape), () => `${name} is ${shapeText(type.shape)}, ${op} wants ${shapeText(shape)}`);
}

export function expectDtype(op: string, name: string, type: TensorType, ...dtypes: readonly string[]): void {
  expect(
    dtypes.includes(type.dtype),
    () => `${name} is ${type.dtype}, ${op} wants ${dtypes.join(" or ")}`,
    "dtype",
    () => `${name} as ${dtypes.join(" or ")}`,
  );
}

export function expectFloat(op: string, name: string, type: TensorType): void {
  expect(
    isFloat(type.dtype),
    () => `${name} is ${type.dtype}, ${op} wants a float`,
    "dtype",
    () => `${name} as f32`,
  );
}

/** Numbers as they are: no strings, nothing quantised. */
export function expectNumbers(op: string, name: string, type: TensorType): void {
  expect(
    type.dtype !== "string",
    () => `${name} is string, ${op} wants numbers`,
    "dtype",
    () => `${name} as numbers`,
  );
  expect(type.quant === undefined, () => `${name} is quantised, ${op} wants plain numbers`, "dtype");
}

export function expectIndices(op: string, name: string, type: TensorType): void {
  expectDtype(op, name, type, "i64", "i32");
}

/** `attr` has one entry an axis. */
export function expectLength(op: string, attr: string, values: readonly unknown[], length: number): void {
  expect(values.length === length, () => `${attr} has ${values.length} entries, ${op} wants ${length}`);
}

/** An axis counted from the front; negative ones count from the end. */
export function axisIn(op: string, axis: number, rank: number): number {
  expect(axis >= -rank && axis < rank, () => `axis ${axis} is outside rank ${rank}, ${op} wants one inside`);
  return axis < 0 ? axis + rank : axis;
}

/** Axes counted from the front, ascending, each once. */
export function axesIn(op: string, axes: readonly number[], rank: number): readonly number[] {
  const normal = axes.map((axis) => axisIn(op, axis, rank)).sort((a, b) => a - b);
  expect(
    normal.every((axis, i) => axis !== normal[i - 1]),
    () => `axes ${axes.join(", ")} name one twice, ${op} wants each once`,
  );
  return normal;
}

/** Number of elements of a shape; refuses what a double can't count. */
export function safeCount(op: string, shape: readonly number[]): number {
  const count = shape.reduce((n, dim) => n * dim, 1);
  expect(Number.isSafeInteger(count), () => `a shape of ${shapeText(shape)} has ${count} elements, ${op} wants fewer than 2^53`);
  return count;
}

/** Extents of an attribute: whole numbers from `low` on, few enough to count. */
export function expectExtents(op: string, attr: string, extents: readonly number[], low = 0): void {
  expect(
    extents.every((n) => Number.isSafeInteger(n) && n >= low),
    () => `${attr} is ${extents.join(", ")}, ${op} wants integers from ${low} on`,
  );
  safeCount(op, extents);
}

/** Operands of an op that multiplies and adds: floats or i32, all of x's dtype, none quantised. */
export function expectParts(op: string, x: TensorType, w: TensorType, ...others: readonly (TensorType | undefined)[]): void {
  if (x.dtype !== "i32") expectFloat(op, "x", x);
  [w, ...others].forEach(
    (type, i) =>
      type && expect(type.dtype === x.dtype && !type.quant, () => `${["w", "bias", "residual"][i]!} is ${type.dtype}, ${op} wants ${x.dtype} like x`, "dtype"),
  );
  expectNumbers(op, "x", x);
}

/** Matrices of floats whose last two extents are one number. */
export function squareMatrix(op: string, x: TensorType): void {
  expectFloat(op, "x", x);
  expectRank(op, "x", x, 2, Infinity);
  const [rows, columns] = knownShape(op, "x", { dtype: x.dtype, shape: x.shape.slice(-2) });
  expect(rows === columns, () => `x is ${shapeText(x.shape)}, ${op} wants square matrices`);
}
