import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { broadcastShapes, forEachRow } from "../../src/ir/broadcast.ts";
import { dimOf, dimSymbol } from "../../src/ir/dims.ts";
import { elementCount } from "../../src/ir/types.ts";

describe("shapes", () => {
  const n = dimSymbol("N");
  test.each([
    [
      "equal ones",
      [
        [2, 3],
        [2, 3],
      ],
      [2, 3],
    ],
    [
      "ones repeat",
      [
        [2, 1, 3],
        [5, 1],
      ],
      [2, 5, 3],
    ],
    ["a scalar", [[], [4]], [4]],
    ["three", [[2, 1], [3], [1, 1, 1]], [1, 2, 3]],
    ["none", [], []],
    ["zero and one", [[0], [1]], [0]],
    ["a symbol and one", [[n], [1]], [n]],
    [
      "a symbol and itself",
      [
        [n, 2],
        [n, 1],
      ],
      [n, 2],
    ],
    ["a symbol and a number, which it must be", [[n], [4]], [4]],
    ["two symbols, one of which may be 1", [[n], [dimSymbol("M")]], [dimOf("max", n, dimSymbol("M"))]],
  ])("%s", (_what, shapes, wanted) => expect(broadcastShapes(...shapes)).toEqual(wanted));

  test("that don't fit are named", () => {
    expect(() => broadcastShapes([2, 3], [2])).toThrow("shapes 2x3 and 2 don't broadcast");
    expect(() => broadcastShapes([dimSymbol("N", 5, 9)], [4])).toThrow("shapes N and 4 don't broadcast");
  });
});

test("rows visit each element of the result once, in order, with the right elements of the operands", () => {
  const extent = fc.integer({ min: 0, max: 4 });
  const cases = fc.tuple(
    fc.array(extent, { maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(4), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })), { minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(cases, ([shape, cuts]) => {
      const operands = cuts.map(([drop, ones]) => shape.slice(Math.min(drop, shape.length)).map((d, i) => (ones[i] ? 1 : d)));
      const seen: (readonly number[])[] = [];
      forEachRow(shape, operands, (start, count, offsets, steps) => {
        for (let k = 0; k < count; k++) seen.push([start + k, ...Array.from(offsets, (offset, i) => offset + k * steps[i]!)]);
      });
      expect(seen).toEqual(Array.from({ length: elementCount(shape) }, (_, i) => [i, ...operands.map((operand) => plainIndex(i, shape, operand))]));
    }),
  );
});

test("equal shapes are one row, and so are scalars", () => {
  let rows = 0;
  forEachRow([4, 5, 6], [[4, 5, 6], [], [1, 1]], () => rows++);
  expect(rows).toBe(1);
});

function plainIndex(flat: number, shape: readonly number[], operand: readonly number[]): number {
  let [rest, index, stride] = [flat, 0, 1];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const own = operand[axis - (shape.length - operand.length)];
    if (own !== undefined && own !== 1) index += (rest % shape[axis]!) * stride;
    stride *= own ?? 1;
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}
