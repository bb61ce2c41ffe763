import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import type { DType } from "../../../src/ir/types.ts";
import { node, value, writeOnnx, type NodeSpec } from "../../fixtures/onnx-writer.ts";
import { elements, f32, runModel } from "./one-node.ts";

/** Tensors of types that graphs have not: float8, float4 and two-bit integers are their codes. */

const E4M3FN = 17;
const E4M3FNUZ = 18;
const E5M2 = 19;
const E5M2FNUZ = 20;
const E2M1 = 23;
const E8M0 = 24;
const UINT2 = 25;
const INT2 = 26;
const FLOAT = 1;

/** Nodes over initializers `codes` (packed bytes of a type) and `x`; the result of the last node, y. */
function run(nodes: readonly NodeSpec[], given: { codes?: { type: number; dims: number[]; bytes: number[] }; x?: Tensor }, dtype: DType = "u8"): Tensor {
  const codes = given.codes && { message: { dims: given.codes.dims, data_type: given.codes.type, raw_data: Uint8Array.from(given.codes.bytes) } };
  const initializers = { ...(codes ? { codes } : {}), ...(given.x ? { x: given.x } : {}) };
  return runModel(writeOnnx({ nodes, initializers, outputs: [value("y", dtype)], opset: 25 }), {})[0]!;
}

const cast = (to: number, from = "x", y = "y", attrs = {}): NodeSpec => node("Cast", [from], [y], { to, ...attrs });
const codesOf = (type: number, x: readonly number[], attrs = {}): number[] => elements(run([cast(type, "x", "y", attrs)], { x: f32([x.length], ...x) }));
const valuesOf = (type: number, codes: number[]): number[] =>
  elements(run([cast(FLOAT, "codes")], { codes: { type, dims: [codes.length], bytes: codes } }, "f32"));

describe("codes of floats", () => {
  test.each([
    ["E4M3FN", E4M3FN],
    ["E4M3FNUZ", E4M3FNUZ],
    ["E5M2", E5M2],
    ["E5M2FNUZ", E5M2FNUZ],
    ["E8M0", E8M0],
  ])("%s: every number has its code", (_name, type) => {
    const codes = Array.from({ length: 256 }, (_, i) => i);
    const values = valuesOf(type, codes);
    const numbers = codes.filter((code) => Number.isFinite(values[code]!));
    expect(numbers.length).toBeGreaterThan(240);
    expect(
      codesOf(
        type,
        numbers.map((code) => values[code]!),
      ),
    ).toEqual(numbers);
  });

  test("what they stand for", () => {
    expect(valuesOf(E4M3FN, [0x38, 0x7e, 0x7f, 0x01, 0x88])).toEqual([1, 448, NaN, 2 ** -9, -(2 ** -6)]);
    expect(valuesOf(E4M3FNUZ, [0x40, 0x7f, 0x80])).toEqual([1, 240, NaN]);
    expect(valuesOf(E5M2, [0x3c, 0x7b, 0x7c, 0xfc, 0x7d, 0x01])).toEqual([1, 57344, Infinity, -Infinity, NaN, 2 ** -16]);
    expect(valuesOf(E5M2FNUZ, [0x40, 0x7f, 0x80])).toEqual([1, 57344, NaN]);
    expect(valuesOf(E8M0, [0, 127, 254, 255])).toEqual([2 ** -127, 1, 2 ** 127, NaN]);
    // Two a byte, the first in the low bits.
    expect(elements(run([cast(FLOAT, "codes")], { codes: { type: E2M1, dims: [4], bytes: [0x7f, 0x10] } }, "f32"))).toEqual([-6, 6, 0, 0.5]);
  });

  test("ties go to even; what is too large becomes the largest, or infinity, or NaN", () => {
    expect(codesOf(E4M3FN, [1.0625, 1.1875, 2 ** -10, 3 * 2 ** -10, 1000, -Infinity, NaN])).toEqual([0x38, 0x3a, 0, 2, 0x7e, 0xfe, 0x7f]);
    expect(codesOf(E4M3FN, [464, 465, -1000], { saturate: 0 })).toEqual([0x7e, 0x7f, 0xff]);
    expect(codesOf(E5M2, [61440, -1e9], { saturate: 0 })).toEqual([0x7c, 0xfc]);
    expect(codesOf(E5M2FNUZ, [-1e-9, -1e9, NaN])).toEqual([0, 0xff, 0x80]);
    expect(codesOf(E4M3FNUZ, [1e9, -1e9], { saturate: 0 })).toEqual([0x80, 0x80]);
    expect(codesOf(E2M1, [0.25, 0.75, -2.5, 9, NaN])).toEqual([0, 2, 0xc, 7, 8]);
  });

  test("doubles are rounded once: what f32 has no room for still breaks a tie", () => {
    const x = [1.0625, 1.0625 + 2 ** -40, 1.0625 - 2 ** -40, 1.1875 - 2 ** -40, -1.0625 - 2 ** -40, 1e300, -Infinity, NaN];
    const doubles = { type: { dtype: "f64" as const, shape: [x.length] }, data: Float64Array.from(x) };
    expect(elements(run([cast(E4M3FN)], { x: doubles }))).toEqual([0x38, 0x39, 0x38, 0x39, 0xb9, 0x7e, 0xfe, 0x7f]);
  });

  test("powers of two are rounded up, down or to the nearest", () => {
    const x = [1, 1.1, 1.5, 3e38, Infinity, NaN];
    expect(codesOf(E8M0, x)).toEqual([127, 128, 128, 254, 254, 255]);
    expect(codesOf(E8M0, x, { round_mode: "down" })).toEqual([127, 127, 127, 254, 254, 255]);
    expect(codesOf(E8M0, x, { round_mode: "nearest", saturate: 0 })).toEqual([127, 127, 128, 255, 255, 255]);
  });
});

test("integers of two and four bits wrap where a number is cast to them", () => {
  const x = [-3, -2, -1, 0, 1, 2, 3.9];
  expect(codesOf(INT2, x)).toEqual([1, -2, -1, 0, 1, -2, -1]);
  expect(codesOf(UINT2, x)).toEqual([1, 2, 3, 0, 1, 2, 3]);
  expect(elements(run([cast(22)], { x: f32([4], -9, 8, 7, 15) }, "i4"))).toEqual([7, -8, 7, -1]);
  expect(elements(run([cast(6, "codes")], { codes: { type: INT2, dims: [5], bytes: [0b11100100, 0b01] } }, "i32"))).toEqual([0, 1, -2, -1, 1]);
});

test("codes are moved and quantised, and keep their type on the way", () => {
  const codes = { type: E4M3FN, dims: [2, 2], bytes: [0x38, 0x40, 0xb8, 0x7e] };
  const moved = [node("Transpose", ["codes"], ["t"]), node("DequantizeLinear", ["t", "x"], ["y"])];
  expect(elements(run(moved, { codes, x: f32([], 2) }, "f32"))).toEqual([2, -2, 4, 896]);
  const scale = tensor("f32", [2], [2, 4]);
  const quantised = [
    node("Cast", ["codes"], ["real"], { to: FLOAT }),
    node("QuantizeLinear", ["real", "x"], ["q"], { axis: 0, output_dtype: E2M1 }),
    node("Cast", ["q"], ["y"], { to: FLOAT }),
  ];
  expect(elements(run(quantised, { codes, x: scale }, "f32"))).toEqual([0.5, 1, -0, 6]);
});

test("nobody computes with codes", () => {
  const bytes = writeOnnx({
    nodes: [node("Add", ["codes", "codes"], ["y"])],
    initializers: { codes: { message: { dims: [1], data_type: E5M2, raw_data: Uint8Array.of(1) } } },
    outputs: [value("y", "u8")],
  });
  expect(() => importOnnx(bytes, { fileName: "m.onnx" })).toThrow(expect.objectContaining({ code: "NEO2008" }));
});

describe("codes behind control flow are still codes", () => {
  const codes = { message: { dims: [2, 2], data_type: E4M3FN, raw_data: Uint8Array.of(0x38, 0x40, 0xb8, 0x7e) } };
  const condition = value("c", "bool", []);
  const other = (to: number): NodeSpec => node("Cast", ["codes"], ["b"], { to });
  const branches = (to: number): NodeSpec =>
    node("If", ["c"], ["y8"], {
      then_branch: { graph: { nodes: [node("Transpose", ["codes"], ["a"])], outputs: [value("a", "u8")] } },
      else_branch: { graph: { nodes: [other(to)], outputs: [value("b", "u8")] } },
    });
  const model = (...nodes: NodeSpec[]): Uint8Array =>
    writeOnnx({ nodes, initializers: { codes, trips: tensor("i64", [], [2n]) }, inputs: [condition], outputs: [value("y", "f32")], opset: 25 });
  const yes = { c: tensor("bool", [], [1]) };

  test("of an If", () => {
    expect(elements(runModel(model(branches(E4M3FN), cast(FLOAT, "y8")), yes)[0]!)).toEqual([1, -1, 2, 448]);
  });

  test("of branches that give codes of different types there is no result", () => {
    expect(() => importOnnx(model(branches(E5M2), cast(FLOAT, "y8")), { fileName: "m.onnx" })).toThrow(
      expect.objectContaining({ notes: [expect.objectContaining({ text: expect.stringContaining("FLOAT8E4M3FN in one branch and FLOAT8E5M2") as string })] }),
    );
  });

  test("of a Loop, carried and stacked", () => {
    const body = {
      nodes: [
        node("Transpose", ["m"], ["next"]),
        node("Gather", ["m", "i"], ["row"]),
        node("Cast", ["i"], ["n"], { to: FLOAT }),
        node("Less", ["n", "n2"], ["again"]),
      ],
      inputs: [value("i", "i64", []), value("go", "bool", []), value("m", "u8", [2, 2])],
      outputs: [value("again", "bool"), value("next", "u8"), value("row", "u8")],
      initializers: { n2: f32([], 9) },
    };
    const loop = node("Loop", ["trips", "c", "codes"], ["last", "rows"], { body: { graph: body } });
    const joined = node("Concat", ["last", "rows"], ["y8"], { axis: 0 });
    expect(elements(runModel(model(loop, joined, cast(FLOAT, "y8")), yes)[0]!)).toEqual([1, 2, -1, 448, 1, 2, 2, 448]);
  });

  test("of a Scan", () => {
    const body = {
      nodes: [node("Identity", ["s"], ["next"]), node("Identity", ["r"], ["out"])],
      inputs: [value("s", "u8", [2]), value("r", "u8", [2])],
      outputs: [value("next", "u8"), value("out", "u8")],
    };
    const first = node("Gather", ["codes", "zero"], ["first"]);
    const scan = node("Scan", ["first", "codes"], ["last", "all"], { body: { graph: body }, num_scan_inputs: 1, scan_input_axes: [1] });
    const made = writeOnnx({
      nodes: [first, scan, cast(FLOAT, "all")],
      initializers: { codes, zero: tensor("i64", [], [0n]) },
      outputs: [value("y", "f32")],
      opset: 25,
    });
    expect(elements(runModel(made, {})[0]!)).toEqual([1, -1, 2, 448]);
  });
});
