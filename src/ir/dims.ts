/**
 * Arithmetic on extents. Numbers fold, so an expression that is left holds at least one symbol; numbers stand right.
 */
import { constantPart, divided, plus, polynomialOf, times as product, written, type Polynomial } from "./polynomial.ts";
import { equalShapes, type Dim, type DimExpr, type DimOperator, type DimSymbol, type TensorType } from "./types.ts";

export function dimSymbol(name: string, low = 0, high = Infinity): DimSymbol {
  return { kind: "symbol", name, low, high };
}

export function equalDims(a: Dim, b: Dim): boolean {
  return a === b || equalShapes([a], [b]);
}

/**
 * `left operator right`, folded where the laws of the operator allow it. Sums and products have one form: equal polynomials in the
 * same symbols are equal extents. Division by zero gives 0.
 */
export function dimOf(operator: DimOperator, left: Dim, right: Dim): Dim {
  if (typeof left === "number" && typeof right === "number") return compute(operator, left, right);
  const folded = combined(operator, left, right);
  if (folded !== undefined) return folded;
  const swap = COMMUTATIVE.has(operator) && typeof left === "number";
  const [a, b] = swap ? [right, left] : [left, right];
  return neutral(operator, a, b) ?? decided(operator, a, b) ?? { kind: "expr", operator, left: a, right: b };
}

/** Product of extents; 1 for rank 0. */
export function countOf(shape: readonly Dim[]): Dim {
  return shape.reduce<Dim>((product, dim) => dimOf("mul", product, dim), 1);
}

/** The smallest and largest number `dim` can be: exactly, where it hangs on one symbol of few values, else by intervals, a sound estimate. */
export function boundsOf(dim: Dim): readonly [number, number] {
  if (typeof dim === "number") return [dim, dim];
  if (dim.kind === "symbol") return [dim.low, dim.high];
  let bounds = BOUNDS.get(dim);
  if (!bounds) BOUNDS.set(dim, (bounds = exactBounds(dim) ?? intervalOf(dim)));
  return bounds;
}

const BOUNDS = new WeakMap<DimExpr, readonly [number, number]>();
const FEW_VALUES = 1024;

function exactBounds(dim: DimExpr): readonly [number, number] | undefined {
  const [first, ...others] = symbolsOf(dim);
  if (
    !first ||
    first.high - first.low >= FEW_VALUES ||
    !others.every((other) => other.name === first.name && other.low === first.low && other.high === first.high)
  )
    return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (let value = first.low; value <= first.high; value++) {
    const found = valueOf(dim, value);
    low = Math.min(low, found);
    high = Math.max(high, found);
  }
  return [low, high];
}

/** With the one symbol at `value`. */
function valueOf(dim: Dim, value: number): number {
  if (typeof dim === "number") return dim;
  return dim.kind === "symbol" ? value : compute(dim.operator, valueOf(dim.left, value), valueOf(dim.right, value));
}

function intervalOf(dim: DimExpr): readonly [number, number] {
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

/** `dim` with the named symbols replaced. */
export function bindDim(dim: Dim, bindings: Readonly<Record<string, Dim>>): Dim {
  if (typeof dim === "number") return dim;
  if (dim.kind === "symbol") return (Object.hasOwn(bindings, dim.name) ? bindings[dim.name] : undefined) ?? dim;
  return dimOf(dim.operator, bindDim(dim.left, bindings), bindDim(dim.right, bindings));
}

export function bindType(type: TensorType, bindings: Readonly<Record<string, Dim>>): TensorType {
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

/** What the laws of polynomials make of it; undefined where they say nothing, or where it would get long. */
function combined(operator: DimOperator, left: Dim, right: Dim): Dim | undefined {
  const [a, b] = [polynomialOf(left), polynomialOf(right)];
  const result = a && b && arithmetic(operator, a, b);
  return result && written(result);
}

function arithmetic(operator: DimOperator, a: Polynomial, b: Polynomial): Polynomial | undefined {
  switch (operator) {
    case "add":
      return plus(a, b, 1);
    case "sub":
      return plus(a, b, -1);
    case "mul":
      return product(a, b);
    case "floorDiv":
      return divided(a, b, Math.floor);
    case "ceilDiv":
      return divided(a, b, Math.ceil);
    case "mod": {
      // (8n + 3) mod 4 is 3: what is left where the rest divides.
      const divisor = constantPart(b);
      const quotient = divisor === undefined || divisor === 0 ? undefined : divided(a, b, Math.floor);
      return quotient && plus(a, product(quotient, b) ?? quotient, -1);
    }
    case "min":
    case "max":
      return undefined;
  }
}

/** min and max whose bounds don't overlap. */
function decided(operator: DimOperator, a: Dim, b: Dim): Dim | undefined {
  if (operator !== "min" && operator !== "max") return undefined;
  const [lowA, highA] = boundsOf(a);
  const [lowB, highB] = boundsOf(b);
  const [least, most] = boundsOf(combined("sub", a, b) ?? { kind: "expr", operator: "sub", left: a, right: b });
  if (highA <= lowB || most <= 0) return operator === "min" ? a : b;
  if (highB <= lowA || least >= 0) return operator === "min" ? b : a;
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
