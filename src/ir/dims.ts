/**
 * Arithmetic on extents. Numbers fold, so an expression that is left holds at least one symbol; numbers stand right.
 */
import { equalShapes, type Dim, type DimOperator, type DimSymbol, type TensorType } from "./types.ts";

export function dimSymbol(name: string, low = 0, high = Infinity): DimSymbol {
  return { kind: "symbol", name, low, high };
}

export function equalDims(a: Dim, b: Dim): boolean {
  return a === b || equalShapes([a], [b]);
}

/** `left operator right`, folded where the laws of the operator allow it. Division by zero gives 0. */
export function dimOf(operator: DimOperator, left: Dim, right: Dim): Dim {
  if (typeof left === "number" && typeof right === "number") return compute(operator, left, right);
  const swap = COMMUTATIVE.has(operator) && typeof left === "number";
  const [a, b] = swap ? [right, left] : [left, right];
  return neutral(operator, a, b) ?? regrouped(operator, a, b) ?? decided(operator, a, b) ?? { kind: "expr", operator, left: a, right: b };
}

/** Product of extents; 1 for rank 0. */
export function countOf(shape: readonly Dim[]): Dim {
  return shape.reduce<Dim>((product, dim) => dimOf("mul", product, dim), 1);
}

/** The smallest and largest number `dim` can be, by intervals; a sound estimate. */
export function boundsOf(dim: Dim): readonly [number, number] {
  if (typeof dim === "number") return [dim, dim];
  if (dim.kind === "symbol") return [dim.low, dim.high];
  const [a, b] = boundsOf(dim.left);
  const [c, d] = boundsOf(dim.right);
  switch (dim.operator) {
    case "add":
      return [a + c, b + d];
    case "sub":
      return [a - d, b - c];
    case "min":
      return [Math.min(a, c), Math.min(b, d)];
    case "max":
      return [Math.max(a, c), Math.max(b, d)];
    case "mul":
      return hull([times(a, c), times(a, d), times(b, c), times(b, d)]);
    // A divisor or modulus of an extent is at least 1.
    case "floorDiv":
      return hull([Math.floor(over(a, c)), Math.floor(over(a, d)), Math.floor(over(b, c)), Math.floor(over(b, d))]);
    case "ceilDiv":
      return hull([Math.ceil(over(a, c)), Math.ceil(over(a, d)), Math.ceil(over(b, c)), Math.ceil(over(b, d))]);
    case "mod":
      return [0, Math.max(0, d - 1)];
  }
}

/** `dim` with the named symbols replaced by numbers. */
export function bindDim(dim: Dim, bindings: Readonly<Record<string, number>>): Dim {
  if (typeof dim === "number") return dim;
  if (dim.kind === "symbol") return (Object.hasOwn(bindings, dim.name) ? bindings[dim.name] : undefined) ?? dim;
  return dimOf(dim.operator, bindDim(dim.left, bindings), bindDim(dim.right, bindings));
}

export function bindType(type: TensorType, bindings: Readonly<Record<string, number>>): TensorType {
  return { ...type, shape: type.shape.map((dim) => bindDim(dim, bindings)) };
}

/** Symbols of an extent, in the order they are written. */
export function symbolsOf(dim: Dim): readonly DimSymbol[] {
  if (typeof dim === "number") return [];
  return dim.kind === "symbol" ? [dim] : [...symbolsOf(dim.left), ...symbolsOf(dim.right)];
}

const COMMUTATIVE: ReadonlySet<DimOperator> = new Set(["add", "mul", "min", "max"]);

function compute(operator: DimOperator, a: number, b: number): number {
  switch (operator) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "floorDiv":
      return b === 0 ? 0 : Math.floor(a / b);
    case "ceilDiv":
      return b === 0 ? 0 : Math.ceil(a / b);
    case "mod":
      return b === 0 ? 0 : a - b * Math.floor(a / b);
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
  }
}

function neutral(operator: DimOperator, a: Dim, b: Dim): Dim | undefined {
  switch (operator) {
    case "add":
      return b === 0 ? a : undefined;
    case "sub":
      return b === 0 ? a : equalDims(a, b) ? 0 : undefined;
    case "mul":
      return b === 1 ? a : b === 0 ? 0 : undefined;
    case "floorDiv":
    case "ceilDiv":
      return b === 1 ? a : b === 0 || a === 0 ? 0 : undefined;
    case "mod":
      return b === 1 || b === 0 || a === 0 ? 0 : undefined;
    case "min":
    case "max":
      return equalDims(a, b) ? a : undefined;
  }
}

/** (x + 1) + 2 == x + 3, (x * 2) * 3 == x * 6, (x * 6) / 3 == x * 2. */
function regrouped(operator: DimOperator, a: Dim, b: Dim): Dim | undefined {
  if (typeof a === "number" || a.kind !== "expr" || typeof b !== "number" || typeof a.right !== "number") return undefined;
  const inner = a.operator === "sub" ? -a.right : a.right;
  const additive = a.operator === "add" || a.operator === "sub";
  if ((operator === "add" || operator === "sub") && additive) {
    const sum = operator === "add" ? inner + b : inner - b;
    return sum < 0 ? dimOf("sub", a.left, -sum) : dimOf("add", a.left, sum);
  }
  if (operator === "mul" && a.operator === "mul") return dimOf("mul", a.left, a.right * b);
  if ((operator === "floorDiv" || operator === "ceilDiv") && a.operator === "mul" && b !== 0 && a.right % b === 0) return dimOf("mul", a.left, a.right / b);
  if (operator === "mod" && a.operator === "mul" && b !== 0 && a.right % b === 0) return 0;
  return undefined;
}

/** min and max whose bounds don't overlap. */
function decided(operator: DimOperator, a: Dim, b: Dim): Dim | undefined {
  if (operator !== "min" && operator !== "max") return undefined;
  const [lowA, highA] = boundsOf(a);
  const [lowB, highB] = boundsOf(b);
  if (highA <= lowB) return operator === "min" ? a : b;
  if (highB <= lowA) return operator === "min" ? b : a;
  return undefined;
}

function hull(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** 0 * Infinity is 0 here: an extent of zero makes any product zero. */
function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

function over(a: number, b: number): number {
  const divisor = Math.max(1, b);
  return a === Infinity && divisor === Infinity ? Infinity : a / divisor;
}
