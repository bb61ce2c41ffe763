import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/frontends/formats/npy.ts";
import { readNpz, writeNpz } from "../../src/frontends/formats/npz.ts";
import { readZip, writeZip } from "../../src/frontends/formats/zip.ts";
import { tensor } from "../../src/ir/tensor.ts";
import type { DType } from "../../src/ir/types.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { mutate, random } from "./onnx/mutate.ts";
import { expectRefused } from "./onnx/refused.ts";
import { NeoError } from "../../src/support/errors.ts";

/** A file as numpy writes it: header text and data. */
function npy(header: string, data: readonly number[], version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...data]);
}

const dict = (descr: string, shape: string, fortran = "False"): string => `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

const SAMPLES: Readonly<Partial<Record<DType, readonly (number | string)[]>>> = {
  f64: [1.5, -2, 0.1],
  f32: [1.5, -2, NaN],
  f16: [1.5, -2, 65504],
  bf16: [1.5, -2, 256],
  i64: [1, -2, 3],
  i32: [1, -2, 3],
  i16: [1, -2, 3],
  i8: [1, -2, 3],
  u64: [1, 2, 3],
  u32: [1, 2, 4e9],
  u16: [1, 2, 60000],
  u8: [1, 2, 255],
  bool: [1, 0, 1],
  string: ["a", "", "grün"],
};

for (const [dtype, values] of Object.entries(SAMPLES)) {
  test(`${dtype} arrays come back as they were written`, () => {
    for (const shape of [[3], [1, 3], [3, 1, 1]]) {
      const written = tensor(dtype as DType, shape, values);
      expect(readNpy(writeNpy(written), "a.npy")).toEqual(written);
    }
  });
}

test("scalars and empty arrays", () => {
  for (const t of [tensor("f32", [], [7]), tensor("i64", [0, 3], [])]) expect(readNpy(writeNpy(t), "a.npy")).toEqual(t);
});

test("4-bit integers are written as bytes", () => {
  expect(readNpy(writeNpy(tensor("i4", [2], [-8, 7])), "a.npy")).toEqual(tensor("i8", [2], [-8, 7]));
});

test("data begin at a multiple of 64 bytes, as numpy has it", () => {
  const bytes = writeNpy(tensor("f32", [2], [1, 2]));
  expect((bytes.length - 8) % 64).toBe(0);
  expect(new TextDecoder("latin1").decode(bytes.subarray(10, 70))).toContain("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }");
});

test("big-endian and column-major arrays", () => {
  expect(readNpy(npy(dict(">i4", "(2,)"), [0, 0, 1, 0, 255, 255, 255, 254]), "a.npy")).toEqual(tensor("i32", [2], [256, -2]));
  expect(readNpy(npy(dict(">f2", "(1,)"), [0x3e, 0x00]), "a.npy")).toEqual(tensor("f16", [1], [1.5]));
  expect(readNpy(npy(dict("|u1", "(2, 3)", "True"), [1, 4, 2, 5, 3, 6]), "a.npy")).toEqual(tensor("u8", [2, 3], [1, 2, 3, 4, 5, 6]));
  expect(readNpy(npy(dict("|u1", "(2, 1, 2)", "True"), [1, 3, 2, 4]), "a.npy")).toEqual(tensor("u8", [2, 1, 2], [1, 2, 3, 4]));
});

test("versions 2 and 3, entries in any order, dims as Python 2 wrote them", () => {
  expect(readNpy(npy("{'shape': (2L,), 'descr': \"|i1\", 'fortran_order': False}", [1, 255], 2), "a.npy")).toEqual(tensor("i8", [2], [1, -1]));
  expect(readNpy(npy(dict("<U2", "(1,)"), [0x61, 0, 0, 0, 0, 0, 0, 0], 3), "a.npy")).toEqual(tensor("string", [1], ["a"]));
  expect(readNpy(npy(dict("|S3", "(1,)"), [0x61, 0x62, 0]), "a.npy")).toEqual(tensor("string", [1], ["ab"]));
});

test("what is not such a file is refused with what was found", () => {
  for (const [bytes, said] of [
    [new Uint8Array(3), "does not begin"],
    [npy(dict("<f4", "(2,)"), [0, 0]), "has 2 bytes of data, its shape (2) of <f4 wants 8"],
    [npy(dict("|O", "(2,)"), []), 'has elements "|O"'],
    [npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", []), "plain array"],
    [npy(dict("<f4", "(99999999999999, 99999999999999)"), []), "has the shape"],
    [npy(dict("<f4", "(1,)"), [0, 0, 0, 0], 9), "has version 9"],
    [npy("x".repeat(9), []).subarray(0, 12), "has a header of 10 bytes"],
  ] as const)
    expect(expectRefused("NEO2012", () => readNpy(bytes, "a.npy")).message).toContain(said);
});

test("arrays beyond the limit are refused before they are read", () => {
  expectRefused("NEO7003", () => readNpy(npy(dict("<f4", "(4000000000,)"), []), "a.npy"));
  expectRefused("NEO7009", () => readNpy(npy(dict("<f4", `(${"1,".repeat(65)})`), [0, 0, 0, 0]), "a.npy"));
});

describe("npz and zip", () => {
  const arrays = [
    ["x", tensor("f32", [2], [1, 2])],
    ["__proto__", tensor("i64", [1], [7])],
  ] as const;

  test("arrays come back by name", () => {
    expect(readNpz(writeNpz([arrays[0]]), "a.npz")).toEqual(new Map([arrays[0]]));
  });

  test("a name is only a key", () => {
    const members = readZip(zipSync({ "../../evil.npy": writeNpy(arrays[0][1]) }), "a.npz", DEFAULT_LIMITS);
    expect([...members.keys()]).toEqual(["../../evil.npy"]);
  });

  test("the same arrays give the same bytes", () => {
    expect(writeNpz([arrays[0]])).toEqual(writeNpz([arrays[0]]));
  });

  test("deflated members", () => {
    expect(readNpz(zipSync({ "x.npy": writeNpy(arrays[0][1]) }, { level: 9 }), "a.npz").get("x")).toEqual(arrays[0][1]);
  });

  test("bombs are refused before they go off", () => {
    const zeros = zipSync({ "x.npy": new Uint8Array(64 << 20) }, { level: 9 });
    expectRefused("NEO7007", () => readNpz(zeros, "a.npz"));
    expectRefused("NEO7007", () =>
      readZip(
        writeZip([
          ["a", new Uint8Array(1)],
          ["b", new Uint8Array(1)],
        ]),
        "a.zip",
        { ...DEFAULT_LIMITS, archiveMembers: 1 },
      ),
    );
    expectRefused("NEO7005", () => readZip(writeZip([["a", new Uint8Array(9)]]), "a.zip", { ...DEFAULT_LIMITS, totalBytes: 8 }));
  });

  test("a member that is shorter than its entry says", () => {
    const zip = zipSync({ "x.npy": new Uint8Array(500).map((_, i) => i * 7) }, { level: 9 });
    const entry = zip.findLastIndex((_, i) => zip[i] === 0x50 && zip[i + 1] === 0x4b && zip[i + 2] === 1 && zip[i + 3] === 2);
    zip[entry + 25] = 2;
    expectRefused("NEO2013", () => readZip(zip, "a.zip", DEFAULT_LIMITS));
  });

  test("whatever is done to an archive, it is read or refused", () => {
    const seeds = [writeNpz([arrays[0]]), zipSync({ "x.npy": writeNpy(arrays[0][1]), b: new Uint8Array(900) }, { level: 9 }), writeNpy(arrays[0][1])];
    for (let seed = 1; seed <= 3000; seed++) {
      const next = random(seed);
      const bytes = mutate(seeds[seed % seeds.length]!, seeds, next);
      for (const read of [() => readNpz(bytes, "a.npz"), () => readNpy(bytes, "a.npy")]) {
        try {
          read();
        } catch (error) {
          if (!(error instanceof NeoError)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
        }
      }
    }
  });
});
