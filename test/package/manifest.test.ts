import { describe, expect, test } from "vitest";
import { buildBundle } from "../../src/package/build.ts";
import { checkManifest } from "../../src/package/manifest-schema.ts";
import { isMemberName } from "../../src/package/ustar.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { smallInput } from "./small-bundle.ts";

type Loose = { [key: string]: Loose } & Loose[] & unknown;

const { manifest } = buildBundle(smallInput(), nodeCrypto);

/** Findings after `edit`, as "path: text". */
const after = (edit: (manifest: Loose) => void): string[] => {
  const copy = structuredClone(manifest) as unknown as Loose;
  edit(copy);
  const checked = checkManifest(copy);
  return "findings" in checked ? checked.findings.map(({ where, text }) => `${where}: ${text}`) : [];
};

const set = (path: string, value: unknown) => (root: Loose) => {
  const keys = path.split(".");
  const last = keys.pop()!;
  (keys.reduce((node, key) => node[key]!, root) as Record<string, unknown>)[last] = value;
};

test("what the writer makes has no findings, and reads as it was", () => {
  expect(checkManifest(structuredClone(manifest))).toEqual({ manifest });
});

describe("each field of the wrong kind is named by its path", () => {
  test.each([
    ["format", 0],
    ["name", 5],
    ["version", null],
    ["release", -1],
    ["compiler", {}],
    ["programs", {}],
    ["programs.0.id", "A B"],
    ["programs.0.binding", []],
    ["programs.0.binding.N", 1.5],
    ["programs.0.inputs", 1],
    ["programs.0.inputs.0.name", 1],
    ["programs.0.inputs.0.dtype", "f33"],
    ["programs.0.inputs.0.shape", [1, "4"]],
    ["programs.0.inputs.0.shape", [2 ** 30, 2 ** 30]],
    ["programs.0.inputs.0.bytes", 15],
    ["artifacts.0.kind", "vm"],
    ["artifacts.0.target.digest", "00"],
    ["artifacts.0.needs.os", 1],
    ["artifacts.0.needs.cpuFeatures", [1]],
    ["artifacts.0.needs.abi", 0],
    ["artifacts.0.weights.bytes", 97],
    ["artifacts.0.weights.offset", 2 ** 60],
    ["artifacts.0.programs", []],
    ["artifacts.0.programs.0.file", "weights.bin"],
    ["artifacts.0.programs.0.file", "code/none"],
    ["artifacts.0.programs.0.arenaBytes", 2 ** 41],
    ["artifacts.0.programs.0.stateBytes", 65],
    ["artifacts.1.programs.0.memory", undefined],
    ["artifacts.1.programs.0.memory.pages", 0],
    ["artifacts.1.programs.0.memory.weights", 65_500],
    ["artifacts.1.programs.0.memory.inputs", []],
    ["artifacts.1.programs.0.memory.inputs", [130]],
    ["artifacts.1.programs.0.memory.inputTable", 2],
    ["files.0.name", "../x"],
    ["files.0.name", "pad.bin"],
    ["files.0.sha256", "x"],
    ["files.0.bytes", 8 ** 11],
    ["weights", undefined],
    ["weights.leafBytes", 4096],
    ["weights.leaves", []],
    ["weights.root", 1],
    ["preprocess", 1],
    ["preprocess.x", {}],
    ["selfTest.0.program", "n3"],
    ["selfTest.0.inputs", []],
    ["selfTest.0.inputs.0", { offset: 0, bytes: 12 }],
    ["selfTest.0.inputs.0.seed", -1],
    ["selfTest.0.outputs.0.stride", 0],
    ["selfTest.0.outputs.0.bytes", 17],
    ["selfTest.0.tolerance.abs", -1],
  ])("%s = %j", (path, value) => {
    const findings = after(set(path, value));
    expect(findings.length).toBeGreaterThan(0);
    const root = `$.${path.split(".")[0]!}`;
    // A field that others refer to is also found from there.
    expect(findings.some((text) => text.startsWith(root) || /^\$\.(artifacts|selfTest|weights)/.test(text))).toBe(true);
  });

  test("all at once", () => {
    const findings = after((root) => [set("name", 1), set("release", "x"), set("artifacts.1.kind", 3)].forEach((edit) => edit(root)));
    expect(findings).toEqual([
      "$.name: wanted a text",
      "$.release: found string, wanted an integer from 0 to 9007199254740991",
      "$.artifacts[1].kind: wanted one of native, wasm",
    ]);
  });
});

describe("parts that don't fit together", () => {
  test("files out of order, or twice", () => {
    expect(after((root) => (root["files"] as unknown as unknown[]).reverse())).toContain("$.files[0]: files are out of order");
    expect(after((root) => (root["files"] as unknown as unknown[]).push(structuredClone(manifest.files.at(-1))))).toContain("$.files: two have one name");
  });

  test("programs or ports of one name", () => {
    expect(after(set("programs.1.id", "n1"))).toContain("$.programs: two have one id");
    expect(after((root) => (root["programs"]![0]!["inputs"] as unknown as unknown[]).push(structuredClone(manifest.programs[0]!.inputs[0])))).toContain(
      "$.programs[0].inputs: two have one name",
    );
  });

  test("ranges of linear memory that meet", () => {
    expect(after(set("artifacts.1.programs.0.memory.arena", 200))).toEqual(["$.artifacts[1].programs[0].memory: two ranges meet at 200"]);
  });

  test("steps and extents beyond what they name", () => {
    const step = (tensor: object) => set("artifacts.0.programs.0.steps", [{ kind: "host", name: "h", inputs: [tensor], outputs: [] }]);
    expect(after(step({ space: "arena", index: 0, offset: 60, bytes: 8 }))).toEqual(["$.artifacts[0].programs[0].steps[0]: bytes 60 to 68 of 64"]);
    expect(after(step({ space: "input", index: 1, offset: 0, bytes: 4 }))).toEqual(["$.artifacts[0].programs[0].steps[0]: bytes 0 to 4 of 0"]);
    expect(after(set("artifacts.0.programs.0.steps", [{ kind: "code", first: 1, last: 1 }]))).toEqual(["$.artifacts[0].programs[0].steps[0]: runs nothing"]);
    const extent = (at: number, axis: number) => set("artifacts.0.programs.0.extents", [{ name: "n", max: 4, at, dims: [{ port: "input", index: 0, axis }] }]);
    expect(after(extent(0, 1))).toEqual([]);
    expect(after(extent(62, 1))).toEqual([
      "$.artifacts[0].programs[0].extents[0].at: bytes 62 to 66 of 64",
      "$.artifacts[0].programs[0].extents[0].at: wanted a multiple of 4",
    ]);
    expect(after(extent(0, 0))).toEqual(["$.artifacts[0].programs[0].extents[0].dims: axis 0 of input 0 is 1, wanted the maximum 4"]);
  });

  test("pictures for inputs that take none", () => {
    const spec = { channels: "rgb", layout: "nchw", mean: [0], scale: [1] };
    expect(after(set("preprocess", { x: spec, z: spec }))).toEqual(
      expect.arrayContaining(['$.preprocess["z"]: there is no such input', '$.preprocess["x"]: found f32 [1, 4], wanted one picture: [1, 3, H, W]']),
    );
    expect(after(set("preprocess", { x: { ...spec, scale: [0] } }))).toContain('$.preprocess["x"].scale: wanted values other than 0');
  });
});

test.each([[null], [5], ["x"], [[]], [{}]])("%j is no manifest", (value) => {
  expect(checkManifest(value)).toHaveProperty("findings");
});

test("names of members are safe in any folder", () => {
  for (const name of ["a", "weights.bin", "code/linux-x86-64/x86-64-v3/main.so", "a..b", ".a", "a".repeat(100)]) expect(isMemberName(name)).toBe(true);
  for (const name of ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a/.", "A", "a b", "a\\b", "a\0", "a\n", "c:", "\u00e9", "a".repeat(101)])
    expect(isMemberName(name)).toBe(false);
});
