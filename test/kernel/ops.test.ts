import { describe, expect, test } from "vitest";
import { OPS, type OpName } from "../../src/kernel/kernel.ts";
import { OP_SPECS } from "../../src/kernel/ops.ts";
import { typeOf } from "../../src/kernel/text/words.ts";
import { opCases } from "../backends/op-cases.ts";

/** `op` with operand types, result type and immediates as words. */
function problem(op: OpName, args: string, type: string, imm: readonly number[] = []): string | undefined {
  return OP_SPECS[op].check({ type: typeOf(type), args: args.split(" ").filter(Boolean).map(typeOf), imm });
}

test("every op has a use that passes its rule", () => {
  const used = new Set<string>(opCases(4, "exact").map((c) => c.name.split(" ")[0]!));
  expect(OPS.filter((op) => !used.has(op))).toEqual([]);
});

describe("rules say what is wrong", () => {
  test.each<[OpName, string, string, readonly number[], string]>([
    ["add", "f32x4", "f32x4", [], "has 1 operands, wants 2"],
    ["add", "f32x4 i32x4", "f32x4", [], "operand of type i32x4 differs from result type f32x4"],
    ["add", "mask4 mask4", "mask4", [], "mask4 is a mask, wants u8 i8 u16 i16 i32 i64 f32 f64"],
    ["add", "u8 u8", "u8", [], "u8 scalars live in i32 registers"],
    ["mul", "u8x16 u8x16", "u8x16", [], "u8x16 is not of u16 i16 i32 i64 f32 f64"],
    ["div", "i32x4 i32x4", "i32x4", [], "is for scalars, not i32x4"],
    ["sqrt", "i32", "i32", [], "i32 is not of f32 f64"],
    ["roundToInt", "f32x4", "i32", [], "changes lanes from f32x4 to i32"],
    ["narrow", "i32x4", "i32x4", [], "cannot make i32x4 of i32x4"],
    ["narrow", "i32", "i16", [], "cannot make i16 of i32"],
    ["convert", "i32", "i32", [], "changes nothing: i32"],
    ["convert", "f32x4", "f64x4", [], "is for scalars, not f32x4"],
    ["bitcast", "f32", "i64", [], "f32 and i64 differ in bytes"],
    ["bitcast", "mask4", "i32x4", [], "masks have no bits: select makes numbers of them"],
    ["shl", "i32", "i32", [32], "shifts i32 by 32"],
    ["shl", "i32x4 i32", "i32x4", [], "vectors are shifted by a constant in imm"],
    ["shrU", "u8x16", "u8x16", [1], "u8x16 is not of u16 i16 i32 i64"],
    ["lt", "f32x4 f32x4", "mask8", [], "gives mask4, not mask8"],
    ["lt", "f32x4 f32", "mask4", [], "compares f32x4 with f32"],
    ["select", "i32x4 f32x4 f32x4", "f32x4", [], "operand 0 is i32x4, wants a mask"],
    ["select", "mask8 f32x4 f32x4", "f32x4", [], "mask8 cannot choose lanes of f32x4"],
    ["bitmask", "mask16 mask16 mask16 mask16 mask16", "i64", [], "has 80 lanes, at most 64 fit"],
    ["expand", "i32", "mask64", [], "i32 has too few bits for mask64"],
    ["spread8", "i64", "i64", [], "operand 0 is i64, wants i32"],
    ["shuffle", "f32x4", "f32x4", [0, 1, 2, 4], "wants 4 lane numbers below 4"],
    ["splatScalar", "f32", "i32x4", [], "cannot fill i32x4 with f32"],
    ["laneSplat", "f32x4", "f32x4", [4], "wants one lane number inside the vector"],
    ["extract", "u8x16", "u8", [0], "gives i32, not u8"],
    ["lookup8", "u8x16 u8x16", "u8x16", [17], "17 entries in 16 lanes"],
    ["lookup32", "f32x4 u8x16", "f32x4", [], "indices are u8x16, want i32 of as many lanes"],
    ["dot2", "i32x4 i16x4 i16x4", "i32x4", [], "multiplies i16x4 and i16x4"],
    ["dot4", "f32x4 u8x16 i8x16", "f32x4", [], "adds to f32x4, wants i32 lanes"],
  ])("%s (%s) to %s %j", (op, args, type, imm, text) => {
    expect(problem(op, args, type, imm)).toBe(text);
  });
});
