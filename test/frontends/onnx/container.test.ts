import { expect, test } from "vitest";
import { importOnnx, type OnnxOptions } from "../../../src/frontends/onnx/import.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import type { DType } from "../../../src/ir/types.ts";
import { NeoError } from "../../../src/support/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../../src/support/limits.ts";
import { ELEMENT_TYPE, node, value, writeOnnx, type ModelSpec, type TensorMessage } from "../../fixtures/onnx-writer.ts";
import { elements, f32, i64 } from "./one-node.ts";
import { expectRefused, noteTexts, refusal } from "./refused.ts";

const load = (bytes: Uint8Array, options: Partial<OnnxOptions> = {}) => importOnnx(bytes, { fileName: "m.onnx", ...options });
const constant = (w: TensorMessage | ReturnType<typeof tensor>, dtype: DType, more: Partial<ModelSpec> = {}): Uint8Array =>
  writeOnnx({ nodes: [node("Identity", ["w"], ["y"])], outputs: [value("y", dtype)], initializers: { w }, ...more });
const read = (bytes: Uint8Array, options: Partial<OnnxOptions> = {}): number[] => elements(interpret(load(bytes, options), [])[0]);
const exp: ModelSpec = { nodes: [node("Exp", ["x"], ["y"])], inputs: [value("x", "f32", [2])], outputs: [value("y", "f32")] };

const VALUES: Readonly<Record<string, readonly number[]>> = {
  f32: [1.5, -2, 0.1],
  f64: [1.5, -2, 0.1],
  f16: [1.5, -2, 0.0999755859375],
  bf16: [1.5, -2, 0.10009765625],
  i64: [1, -2, 2 ** 40],
  i32: [1, -2, 7],
  i16: [1, -2, 7],
  i8: [1, -2, 7],
  u64: [1, 2, 2 ** 40],
  u32: [1, 2, 4e9],
  u16: [1, 2, 60000],
  u8: [1, 2, 200],
  bool: [1, 0, 1],
  i4: [1, -2, 7],
  u4: [1, 15, 7],
};

for (const [dtype, values] of Object.entries(VALUES)) {
  test(`${dtype} constants are read from raw bytes and from typed fields`, () => {
    const w = tensor(dtype as DType, [3], values);
    const wanted = Array.from(w.data as ArrayLike<number>, Number);
    expect(read(constant(w, dtype as DType))).toEqual(wanted);
    expect(read(constant(w, dtype as DType, { typedData: true }))).toEqual(wanted);
  });
}

test("64-bit integers are exact", () => {
  const graph = load(constant(tensor("i64", [2], [9007199254740993n, -9223372036854775808n]), "i64"));
  expect(interpret(graph, [])[0]!.data).toEqual(new BigInt64Array([9007199254740993n, -9223372036854775808n]));
});

test("repeated numbers come packed and unpacked", () => {
  // float_data (field 4) as two single floats and one packed block of one; dims (field 1) packed.
  const floatBytes = [...new Uint8Array(new Float32Array([1, 2, 3]).buffer)];
  const proto = [0x0a, 1, 3, 0x10, 1, 0x25, ...floatBytes.slice(0, 4), 0x25, ...floatBytes.slice(4, 8), 0x22, 4, ...floatBytes.slice(8), 0x42, 1, 0x77];
  const bytes = writeOnnx({ nodes: [node("Identity", ["w"], ["y"])], outputs: [value("y", "f32")] });
  // A second `graph` field is merged into the first.
  const merged = new Uint8Array([...bytes, 0x3a, proto.length + 2, 0x2a, proto.length, ...proto]);
  expect(read(merged)).toEqual([1, 2, 3]);
});

test("a file cut short anywhere is refused", () => {
  const whole = writeOnnx({ ...exp, nodes: [node("Add", ["x", "w"], ["y"])], initializers: { w: f32([2], 1, 2) } });
  for (let length = 0; length < whole.length; length++)
    expect(
      refusal(() => load(whole.subarray(0, length))),
      `${length} bytes`,
    ).toBeInstanceOf(NeoError);
  expect(expectRefused("NEO2001", () => load(whole.subarray(0, whole.length - 1))).notes[0]!.where).toMatch(/^graph|^opsetImport/);
});

const limited = (limits: Partial<Limits>): Partial<OnnxOptions> => ({ limits: { ...DEFAULT_LIMITS, ...limits } });

test("limits are checked first", () => {
  const bytes = writeOnnx(exp);
  expectRefused("NEO7000", () => load(bytes, limited({ fileBytes: bytes.length - 1 })));
  expectRefused("NEO7001", () => load(bytes, limited({ nodes: 0 })));
  expectRefused("NEO7004", () => load(bytes, limited({ nameBytes: 3 })));
  expectRefused("NEO7006", () => load(bytes, limited({ parts: 5 })));
  expectRefused("NEO7003", () => load(bytes, limited({ tensorBytes: 7 })));
  expectRefused("NEO7005", () => load(constant(f32([3], 1, 2, 3), "f32"), limited({ totalBytes: 11 })));
  expectRefused("NEO7009", () => load(constant(f32([1, 1, 1], 1), "f32"), limited({ rank: 2 })));
});

test("small files that stand for large things are refused", () => {
  const large = (shape: number[]): Uint8Array =>
    writeOnnx({ nodes: [node("ConstantOfShape", ["s"], ["y"])], outputs: [value("y", "f32")], initializers: { s: i64(...shape) } });
  expectRefused("NEO7003", () => load(large([2 ** 20, 2 ** 20])));
  expectRefused("NEO7003", () => load(large([2 ** 40, 2 ** 40])));
  const scalar = (x: number | bigint) => tensor("i64", [], [x]);
  const range = writeOnnx({
    nodes: [node("Range", ["a", "b", "c"], ["y"])],
    outputs: [value("y", "i64")],
    initializers: { a: scalar(0), b: scalar(2 ** 50), c: scalar(1) },
  });
  expectRefused("NEO7008", () => load(range));
  const folded = writeOnnx({
    nodes: [
      node("ConstantOfShape", ["s"], ["z"], { value: i64(1) }),
      node("ReduceSum", ["z"], ["n"], { keepdims: 0 }),
      node("Unsqueeze", ["n", "zero"], ["n1"]),
      node("ConstantOfShape", ["n1"], ["y"]),
    ],
    outputs: [value("y", "f32")],
    initializers: { s: i64(2 ** 25), zero: i64(0) },
  });
  expectRefused("NEO7008", () => load(folded));
});

test("deep nesting is refused before the stack is", () => {
  // graph { node { attribute { g { … } } } }, written by hand: protobufjs refuses to.
  const field = (number: number, body: readonly number[]): number[] => [(number << 3) | 2, (body.length & 127) | 128, (body.length >> 7) & 127, ...body];
  let graph: number[] = [];
  for (let i = 0; i < 80; i++) graph = field(1, field(5, field(6, graph)));
  const bytes = new Uint8Array(field(7, graph));
  expectRefused("NEO7002", () => load(bytes));
});

test("constants without data, with too much or too little, and of strange types", () => {
  const message = (more: object): TensorMessage => ({ message: { dims: [2], data_type: 1, ...more } });
  const text = (w: TensorMessage, dtype: DType = "f32") => noteTexts(refusal(() => load(constant(w, dtype))))[0];
  expect(text(message({}))).toBe("w: has a shape of 2 elements and no data");
  expect(text(message({ raw_data: new Uint8Array(7) }))).toBe("w: has 7 bytes of data, its shape wants 8");
  expect(text(message({ float_data: [1, 2, 3] }))).toBe("w: has 3 elements of data where FLOAT keeps them, its shape wants 2");
  expect(text(message({ dims: [-2], float_data: [1] }))).toBe("w: has a dim of -2");
  expect(text(message({ data_type: 23, raw_data: new Uint8Array(2) }))).toBe("w: has 2 bytes of data, its shape wants 1");
  expectRefused("NEO2007", () => load(constant(message({}), "f32")));
  expect(noteTexts(expectRefused("NEO2008", () => load(constant(message({ data_type: 14, raw_data: new Uint8Array(16) }), "f32"))))).toEqual([
    "w: is COMPLEX64",
  ]);
  expect(read(constant({ message: { dims: [0], data_type: 1 } }, "f32"))).toEqual([]);
});

const external = (entries: Record<string, string>): Uint8Array =>
  constant(
    { message: { dims: [2], data_type: 1, data_location: 1, external_data: Object.entries(entries).map(([key, entry]) => ({ key, value: entry })) } },
    "f32",
  );
const beside = { external: () => new Uint8Array(new Float32Array([9, 1, 2]).buffer) };

test("data outside of the file are read through the caller", () => {
  const asked: string[] = [];
  const reader = { external: (path: string) => (asked.push(path), beside.external()) };
  expect(read(external({ location: "sub/w.bin", offset: "4", length: "8" }), reader)).toEqual([1, 2]);
  expect(read(external({ location: "w.bin" }), reader)).toEqual([9, 1]);
  expect(asked).toEqual(["sub/w.bin", "w.bin"]);
});

test("paths that leave the folder are never asked for", () => {
  const reader = { external: () => expect.fail("was asked") };
  for (const location of ["", "/etc/passwd", "../w.bin", "a/../../w.bin", "..", "C:w.bin", "a\\b", "w\0.bin"]) {
    expectRefused("NEO2011", () => load(external({ location }), reader));
  }
  expectRefused("NEO2011", () => load(external({ location: "w.bin" })));
});

test("places behind the end of the outside file are refused", () => {
  for (const entries of [
    { offset: "8" },
    { offset: "99999999999999999999" },
    { offset: "-4" },
    { offset: "18446744073709551615" },
    { length: "4" },
    { length: "0x8" },
  ]) {
    expectRefused("NEO2011", () => load(external({ location: "w.bin", ...entries } as Record<string, string>), beside));
  }
});

test("an outside file that can't be read keeps its error and says whose it is", () => {
  const reader = {
    external: (): never => {
      throw new NeoError({ code: "NEO6000", message: "there is no w.bin" });
    },
  };
  expect(noteTexts(expectRefused("NEO6000", () => load(external({ location: "w.bin" }), reader)))).toEqual(["w: has its data in w.bin"]);
});

test("names from the file are escaped and cut in messages", () => {
  const name = `evil\u001b[31m\u202e${"n".repeat(500)}`;
  const error = refusal(() => load(writeOnnx({ ...exp, nodes: [node("Unheard", ["x"], ["y"], {}, { name })] })));
  expect(error.notes[0]!.where).toMatch(/^evil\ufffd\[31m\ufffdn+…$/);
  expect(error.notes[0]!.where.length).toBe(200);
});

test("every element type has a number", () => {
  expect(new Set(Object.values(ELEMENT_TYPE)).size).toBe(Object.keys(ELEMENT_TYPE).length);
});
