import fc from "fast-check";
import { expect, test } from "vitest";
import { bindDim, bindType, boundsOf, countOf, dimOf, dimSymbol, equalDims, symbolsOf } from "../../src/ir/dims.ts";
import type { Dim, DimOperator } from "../../src/ir/types.ts";

const OPERATORS: readonly DimOperator[] = ["add", "sub", "mul", "floorDiv", "ceilDiv", "mod", "min", "max"];

/** An expression as it is written, before any law is applied. */
type Plain = number | string | readonly [DimOperator, Plain, Plain];

const plain: fc.Arbitrary<Plain> = fc.letrec<{ plain: Plain }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 4 },
    fc.integer({ min: 0, max: 9 }),
    fc.constantFrom("N", "M"),
    fc.tuple(fc.constantFrom(...OPERATORS), tie("plain"), tie("plain")),
  ),
})).plain;

function build(e: Plain): Dim {
  if (typeof e === "number") return e;
  return typeof e === "string" ? dimSymbol(e, 1, 20) : dimOf(e[0], build(e[1]), build(e[2]));
}

function evaluate(e: Plain, bindings: Readonly<Record<string, number>>): number {
  if (typeof e === "number") return e;
  if (typeof e === "string") return bindings[e]!;
  const [a, b] = [evaluate(e[1], bindings), evaluate(e[2], bindings)];
  switch (e[0]) {
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

const bindings = fc.record({ N: fc.integer({ min: 1, max: 20 }), M: fc.integer({ min: 1, max: 20 }) });

test("the laws keep the value", () => {
  fc.assert(
    fc.property(plain, bindings, (e, bound) => {
      expect(bindDim(build(e), bound) === evaluate(e, bound) || Object.is(bindDim(build(e), bound), -0)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("values lie within the bounds, where divisors are at least 1", () => {
  const positive = (e: Plain): boolean =>
    typeof e !== "object" || ((!["floorDiv", "ceilDiv", "mod"].includes(e[0]) || boundsOf(build(e[2]))[0] >= 1) && positive(e[1]) && positive(e[2]));
  fc.assert(
    fc.property(plain.filter(positive), bindings, (e, bound) => {
      const [low, high] = boundsOf(build(e));
      expect(evaluate(e, bound)).toBeGreaterThanOrEqual(low);
      expect(evaluate(e, bound)).toBeLessThanOrEqual(high);
    }),
    { numRuns: 2000 },
  );
});

test("expressions get small", () => {
  const n = dimSymbol("N");
  expect(dimOf("sub", dimOf("add", n, 3), 3)).toBe(n);
  expect(dimOf("add", 2, dimOf("add", n, 1))).toEqual(dimOf("add", n, 3));
  expect(dimOf("floorDiv", dimOf("mul", n, 6), 3)).toEqual(dimOf("mul", n, 2));
  expect(dimOf("sub", n, n)).toBe(0);
  expect(dimOf("max", dimSymbol("N", 5, 9), 3)).toEqual(dimSymbol("N", 5, 9));
  expect(countOf([2, n, 3])).toEqual(dimOf("mul", n, 6));
  expect(countOf([])).toBe(1);
});

test("an unbounded symbol has an unbounded product, and none times zero", () => {
  const n = dimSymbol("N");
  expect(boundsOf(dimOf("mul", n, 3))).toEqual([0, Infinity]);
  expect(boundsOf(dimOf("floorDiv", n, dimSymbol("M", 1)))).toEqual([0, Infinity]);
});

test("symbols are found and bound by name", () => {
  const e = dimOf("add", dimSymbol("N", 1, 4), dimSymbol("toString"));
  expect(symbolsOf(e).map((symbol) => symbol.name)).toEqual(["N", "toString"]);
  expect(bindType({ dtype: "f32", shape: [e, 2] }, { N: 3 }).shape).toEqual([dimOf("add", dimSymbol("toString"), 3), 2]);
  expect(equalDims(e, dimOf("add", dimSymbol("N", 1, 4), dimSymbol("toString")))).toBe(true);
});
