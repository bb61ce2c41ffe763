import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { load } from "../../src/index.ts";
import { withCodeFile } from "../../src/session/node/code-file.ts";
import { nativeRunner } from "../../src/session/node/native-engine.ts";
import { hasWasmFeature } from "../../src/session/wasm-features.ts";
import { CPU_FEATURES, type MachineProbe } from "../../src/support/machine.ts";
import { probeMachine } from "../../src/support/node/probe.ts";
import { bundleOf, cSource, nativeArtifact, nativeCode, NO_NATIVE, wasmArtifact, wasmCode } from "./tiny-model.ts";

const board: MachineProbe = { os: "linux", arch: "aarch64", cpuFeatures: ["neon"], model: "Cortex-A53", cores: 4 };

/** An artifact that is never run: its code is no code. */
const foreign = (os: string, arch: string, cpuFeatures: readonly string[]) => ({
  target: { name: `${os}-${arch}`, kind: "native" as const, os, arch, cpuFeatures },
  weights: new Uint8Array(0),
  programs: [{ code: new Uint8Array(1), arenaBytes: 64, stateBytes: 0 }],
});

describe("code for other machines", () => {
  test("is refused with what each wants and what is there", async () => {
    const bytes = bundleOf(
      [[1]],
      [foreign("macos", "aarch64", ["neon"]), foreign("linux", "x86_64", ["avx2"]), foreign("linux", "aarch64", ["dotprod", "neon"])],
    );
    await expect(load(bytes, { trust: "unsigned", native: nativeRunner(board) })).rejects.toMatchObject({
      code: "NEO3050",
      notes: [
        { where: "macos-aarch64-macos-aarch64", text: "needs macos, this is linux" },
        { where: "linux-x86-64-linux-x86-64", text: "needs x86_64, this is aarch64" },
        { where: "linux-aarch64-linux-aarch64", text: "needs dotprod, which Cortex-A53 lacks" },
      ],
    });
  });

  test("is passed over for WebAssembly, and the session says why", async () => {
    const session = await load(bundleOf([[1]], [foreign("linux", "x86_64", []), wasmArtifact([1])]), { trust: "unsigned", native: nativeRunner(board) });
    expect(session.kind).toBe("wasm");
    expect(session.refusals).toEqual([{ artifact: "linux-x86-64-linux-x86-64", reason: "needs x86_64, this is aarch64" }]);
  });

  test("a host without native code names it", async () => {
    const { load: portable } = await import("../../src/session/index.ts");
    await expect(portable(bundleOf([[1]], [foreign("linux", "x86_64", [])]), { trust: "unsigned" })).rejects.toMatchObject({
      code: "NEO3050",
      notes: [{ text: "needs linux on x86_64, here only WebAssembly can run" }],
    });
  });

  test("features of WebAssembly are probed", async () => {
    expect(Object.keys(CPU_FEATURES.wasm32).filter(hasWasmFeature)).toEqual(expect.arrayContaining(["simd128", "threads"]));
    const artifact = { ...wasmArtifact([1]), target: { ...wasmArtifact([1]).target, cpuFeatures: ["simd128", "memory128"] } };
    await expect(load(bundleOf([[1]], [artifact]), { trust: "unsigned" })).rejects.toMatchObject({
      notes: [{ text: "needs memory128, which this host's WebAssembly lacks" }],
    });
  });

  test("only the kinds that are preferred are tried", async () => {
    const bytes = bundleOf([[1]], [wasmArtifact([1])]);
    await expect(load(bytes, { trust: "unsigned", prefer: ["native"] })).rejects.toMatchObject({ code: "NEO3050", notes: [{ text: "none is native" }] });
    expect((await load(bytes, { trust: "unsigned", prefer: ["native", "wasm"] })).kind).toBe("wasm");
  });
});

describe("code that is not what the manifest says", () => {
  const withCode = (code: Uint8Array) => bundleOf([[1]], [{ ...wasmArtifact([1]), programs: [{ ...wasmArtifact([1]).programs[0]!, code }] }]);

  test.each([
    ["no module", Uint8Array.of(1, 2, 3), "NEO3053"],
    ["no exports", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), "NEO3052"],
    ["an import", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0), "NEO3052"],
    ["another calling convention", wasmCode(1, "scale", 2), "NEO3052"],
  ])("%s", async (_name, code, error) => {
    await expect(load(withCode(code), { trust: "unsigned" })).rejects.toMatchObject({ code: error });
  });
});

describe.skipIf(NO_NATIVE)("native code", () => {
  test("without koffi is an error that names the package, or WebAssembly runs", async () => {
    const native = nativeRunner(probeMachine(), () => Promise.reject(new Error("Cannot find package 'koffi'\nimported from x")));
    await expect(load(bundleOf([[1]], [nativeArtifact([1])]), { trust: "unsigned", native })).rejects.toMatchObject({
      code: "NEO3051",
      notes: [{ where: "koffi", text: "Cannot find package 'koffi'" }],
    });
    const session = await load(bundleOf([[1]], [nativeArtifact([1]), wasmArtifact([1])]), { trust: "unsigned", native });
    expect(session.kind).toBe("wasm");
    expect(session.refusals[0]!.reason).toContain("koffi");
  });

  test("that the system does not load is refused", async () => {
    await expect(load(bundleOf([[1]], [nativeArtifact([1], "scale", { code: Uint8Array.of(1, 2, 3, 4) })]), { trust: "unsigned" })).rejects.toMatchObject({
      code: "NEO3054",
    });
  });

  test("of another calling convention, arena or export is refused", async () => {
    for (const code of [cSource(1, "scale", 2), cSource(1).replace("256", "512"), cSource(1).replace("model_run", "model_walk"), "int x(void) { return 1; }"]) {
      await expect(load(bundleOf([[1]], [nativeArtifact([1], "scale", { code: nativeCode(code) })]), { trust: "unsigned" })).rejects.toMatchObject({
        code: "NEO3052",
      });
    }
  });

  test("for more memory than there is is refused", async () => {
    await expect(load(bundleOf([[1]], [nativeArtifact([1], "scale", { arenaBytes: 2 ** 40 })]), { trust: "unsigned" })).rejects.toMatchObject({
      code: "NEO3056",
    });
  });

  test("leaves no file behind", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("neo-")).length;
    const session = await load(bundleOf([[1]], [nativeArtifact([1])]), { trust: "unsigned" });
    expect(session.runSync({ x: [1] })["y"]!.data[0]).toBe(3);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("neo-")).length).toBeLessThanOrEqual(before);
    session.close();
  });
});

describe("the file that code is loaded from", () => {
  test.skipIf(process.platform === "win32")("is private and gone afterwards", () => {
    const path = withCodeFile("main.so", Uint8Array.of(1, 2), (path) => {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
      return path;
    });
    expect(existsSync(dirname(path))).toBe(false);
  });

  test("is tried in the next folder where one can't be used", () => {
    const root = mkdtempSync(join(tmpdir(), "code-"));
    writeFileSync(join(root, "file"), "");
    const roots = [join(root, "file"), join(root, "noexec"), join(root, "good")];
    const used = withCodeFile(
      "main.so",
      new Uint8Array(1),
      (path) => {
        if (path.includes("noexec")) throw new Error("failed to map segment from shared object");
        return path;
      },
      roots,
    );
    expect(used.startsWith(join(root, "good"))).toBe(true);
    expect(readdirSync(join(root, "noexec"))).toEqual([]);
    rmSync(root, { recursive: true });
  });
});
