import { describe, expect, test } from "vitest";
import { readTargetFile, targetNames } from "../../src/support/node/target-files.ts";
import { NeoError } from "../../src/support/errors.ts";
import { loadTarget, type LoadTargetOptions } from "../../src/target/load.ts";
import type { MachineProbe } from "../../src/support/machine.ts";

const options: LoadTargetOptions = { read: readTargetFile, names: targetNames() };

const zen3: MachineProbe = {
  os: "linux",
  arch: "x86_64",
  model: "Zen 3",
  cores: 2,
  l1Bytes: 32768,
  l2Bytes: 524288,
  cpuFeatures: ["avx", "avx2", "bmi1", "bmi2", "cx16", "f16c", "fma", "lahf", "lzcnt", "movbe", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"],
};

function failure(run: () => unknown): NeoError {
  try {
    run();
  } catch (error) {
    if (error instanceof NeoError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("profiles of this package", () => {
  test("are the ones documented", () => {
    expect(targetNames()).toEqual(["arm64", "armv7", "riscv64", "wasm", "x86-64-v2", "x86-64-v3", "x86-64-v4"]);
  });

  test.each(targetNames())("%s is valid and named after its file", (name) => {
    expect(loadTarget(name, options).name).toBe(name);
  });
});

describe("host", () => {
  test("is the highest level whose features the machine has", () => {
    const host = loadTarget("host", { ...options, probe: zen3 });
    expect(host).toMatchObject({ name: "host", vectorBytes: 32, l2Bytes: 524288, cores: 2, summary: "Zen 3, as x86-64-v3" });
    expect(loadTarget("host", { ...options, probe: { ...zen3, cpuFeatures: zen3.cpuFeatures.filter((f) => f !== "fma") } }).vectorBytes).toBe(16);
  });

  test("links for the machine's own system", () => {
    const mac = loadTarget("host", { ...options, probe: { os: "macos", arch: "aarch64", model: "M1", cores: 8, cpuFeatures: ["neon"] } });
    expect(mac).toMatchObject({ os: "macos", toolchain: { triple: "arm64-apple-macos12", extension: "dylib" } });
    const windows = loadTarget("host", { ...options, probe: { ...zen3, os: "windows" } });
    expect(windows).toMatchObject({ os: "windows", toolchain: { triple: "x86_64-pc-windows-msvc", extension: "dll", flags: ["-march=x86-64-v3"] } });
  });

  test("a machine that no profile fits is told what is lacking", () => {
    const error = failure(() => loadTarget("host", { ...options, probe: { ...zen3, cpuFeatures: ["sse3"] } }));
    expect(error.code).toBe("NEO3003");
    expect(error.notes.at(-1)).toEqual({ where: "x86-64-v2", text: "lacks cx16, lahf, popcnt, sse4.1, sse4.2, ssse3" });
  });
});

describe("profiles of the user", () => {
  test("extend others, toolchains field by field", () => {
    const text = JSON.stringify({ extends: "arm64", name: "phone", os: "android", cores: 8, toolchain: { triple: "aarch64-linux-android24" } });
    const phone = loadTarget(text, options);
    expect(phone).toMatchObject({ name: "phone", os: "android", cores: 8, vectorBytes: 16 });
    expect(phone.toolchain).toEqual({ triple: "aarch64-linux-android24", flags: ["-march=armv8-a"], extension: "so" });
  });

  test("may extend host", () => {
    expect(loadTarget('{"extends": "host", "name": "mine", "l2Bytes": 1048576}', { ...options, probe: zen3 })).toMatchObject({
      name: "mine",
      vectorBytes: 32,
      l2Bytes: 1048576,
    });
  });

  test("every wrong field is named at once", () => {
    const text = JSON.stringify({ extends: "x86-64-v3", registers: 0, vektorBytes: 32, fma: "maybe", tiles: [], toolchain: { extension: "exe" } });
    const error = failure(() => loadTarget(text, { ...options, file: "board.json" }));
    expect(error.code).toBe("NEO3001");
    expect(error.file).toBe("board.json");
    expect(error.notes.map((n) => n.where)).toEqual(["$.registers", "$.fma", "$.tiles", "$.vektorBytes", "$.toolchain.extension"]);
    expect(error.notes[1]!.text).toBe('found "maybe", wanted one of yes, lane, no');
  });

  test("fields that contradict each other are named", () => {
    const text = JSON.stringify({
      extends: "x86-64-v3",
      imageBlock: 4,
      tiles: [
        [4, 3],
        [6, 3],
      ],
      cpuFeatures: ["avx3"],
    });
    expect(failure(() => loadTarget(text, options)).notes).toMatchObject([
      { where: "$.imageBlock", text: "found 4, wanted 0 or a multiple of the 8 lanes" },
      { where: "$.tiles[1]", text: "6x3 keeps 22 vectors alive, there are 16 registers" },
      { where: "$.cpuFeatures[0]" },
    ]);
  });

  test.each([
    ["{", "NEO3001"],
    ['{"extends": 3}', "NEO3001"],
    ['{"extends": "nowhere"}', "NEO3000"],
  ])("%s is refused", (text, code) => {
    expect(failure(() => loadTarget(text, options)).code).toBe(code);
  });

  test("a circle of profiles is named", () => {
    const read = (name: string): string => JSON.stringify({ extends: name === "a" ? "b" : "a" });
    expect(failure(() => loadTarget("a", { read })).message).toBe("profile a extends itself: a -> b -> a");
    expect(failure(() => loadTarget("a", { read })).code).toBe("NEO3002");
  });
});

test("a mistyped name gets the nearest one; names never reach outside the folder", () => {
  const error = failure(() => loadTarget("x86-64-v33", options));
  expect(error.code).toBe("NEO3000");
  expect(error.notes[0]!.text).toBe("did you mean x86-64-v3?");
  expect(failure(() => loadTarget("../package", options)).code).toBe("NEO3000");
});
