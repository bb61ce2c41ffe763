import { describe, expect, test } from "vitest";
import { dtypeProblem, givenOf, loadElements, storeElements, type InputData } from "../../src/session/tensors.ts";

const roundTrip = (dtype: string, data: InputData, width: number): ArrayLike<number | bigint | string> => {
  const stored = new Uint8Array(data.length * width);
  expect(dtypeProblem(givenOf(data)!, dtype)).toBeUndefined();
  storeElements(stored, dtype, data);
  return loadElements(stored, dtype);
};

test.each([
  ["f64", Float64Array.of(0.1, -2), 8],
  ["f32", Float32Array.of(0.1, -2), 4],
  ["f16", Float32Array.of(0.5, -2, 65504, Infinity), 2],
  ["bf16", Float32Array.of(0.5, -2, 2 ** 100), 2],
  ["i64", BigInt64Array.of(-(2n ** 60n), 1n), 8],
  ["u64", BigUint64Array.of(2n ** 63n, 1n), 8],
  ["i32", Int32Array.of(-1, 2 ** 30), 4],
  ["u32", Uint32Array.of(2 ** 31, 5), 4],
  ["i16", Int16Array.of(-300, 7), 2],
  ["u16", Uint16Array.of(60000, 7), 2],
  ["i8", Int8Array.of(-128, 7), 1],
  ["u8", Uint8Array.of(255, 7), 1],
  ["i4", Int8Array.of(-8, 7), 1],
  ["u4", Uint8Array.of(15, 0), 1],
  ["bool", Uint8Array.of(1, 0), 1],
] as const)("%s crosses the border unchanged, as array and as list", (dtype, data, width) => {
  expect(roundTrip(dtype, data, width)).toEqual(data);
  expect(roundTrip(dtype, [...(data as Iterable<number>)], width)).toEqual(data);
});

test("a view of a larger buffer gives its own elements only", () => {
  const data = new Float32Array(Float32Array.of(9, 1, 2, 9).buffer, 4, 2);
  expect(roundTrip("f32", data, 4)).toEqual(Float32Array.of(1, 2));
});

test("bits of 16-bit floats are taken as they are", () => {
  expect(roundTrip("f16", Uint16Array.of(0x3c00, 0xc000), 2)).toEqual(Float32Array.of(1, -2));
  expect(roundTrip("bf16", Uint16Array.of(0x3f80), 2)).toEqual(Float32Array.of(1));
});

test("booleans are a list of bool", () => {
  expect(roundTrip("bool", [true, false], 1)).toEqual(Uint8Array.of(1, 0));
});

test("clamped bytes, as canvases give them, are u8", () => {
  expect(roundTrip("u8", Uint8ClampedArray.of(300, 7), 1)).toEqual(Uint8Array.of(255, 7));
});

test("a tensor of the compiler's library is an input", () => {
  expect(givenOf({ type: { dtype: "f16", shape: [1, 2] }, data: Float32Array.of(1, 2) })).toEqual({
    dtypes: ["f16"],
    shape: [1, 2],
    data: Float32Array.of(1, 2),
  });
});

describe("values that a dtype can't hold", () => {
  test.each([
    ["u8", [1, 256], "element 1 is 256, which u8 can't hold"],
    ["i4", [8], "element 0 is 8, which i4 can't hold"],
    ["i32", [1.5], "element 0 is 1.5, which i32 can't hold"],
    ["i64", [2 ** 60], `element 0 is ${2 ** 60}, which i64 can't hold`],
    ["bool", [2], "element 0 is 2, which bool can't hold"],
    ["f32", ["1"], "element 0 is 1, which f32 can't hold"],
  ])("%s %j", (dtype, data, text) => {
    expect(dtypeProblem(givenOf(data)!, dtype)).toBe(text);
  });

  test("an array of another class", () => {
    expect(dtypeProblem(givenOf(new Float64Array(1))!, "f32")).toBe("found f64, wanted f32");
    expect(dtypeProblem(givenOf({ dtype: "i32", data: new Float32Array(1) })!, "i32")).toBe("found Float32Array as i32, wanted Int32Array");
  });
});

test.each([
  [null],
  [undefined],
  [5],
  ["x"],
  [{}],
  [{ data: "x" }],
  [{ data: [1], shape: "1" }],
  [{ data: [1], shape: [1.5] }],
  [new DataView(new ArrayBuffer(4))],
])("%j is no tensor", (value) => {
  expect(givenOf(value)).toBeUndefined();
});
