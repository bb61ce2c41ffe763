import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { compile, generateKeys, load, NeoError, type LoadOptions } from "../src/index.ts";
import { nativeTest } from "./backends/host-compilers.ts";
import { goodModel, strangeModel } from "./cli/models.ts";

const X = [0.1, -0.2, 0.3, -0.4];
const Y = X.map((x, i) => Math.tanh(x * (i + 1) + [0.5, 0, -0.5, 1][i]!));

/** The error that was thrown, which is of the exported class. */
async function errorOf(promise: Promise<unknown>): Promise<NeoError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NeoError);
  return error as NeoError;
}

describe("compile, sign, load, run", () => {
  let keys: Awaited<ReturnType<typeof generateKeys>>;
  let signed: Uint8Array;

  beforeAll(async () => {
    keys = await generateKeys();
    signed = (await compile(goodModel(), { fileName: "bend.onnx", targets: ["wasm"], sign: keys.secretKey })).bundle;
  });

  test("a trusted key opens the bundle", async () => {
    const session = await load(signed, { trust: [keys.publicKey] });
    const { y } = await session.run({ x: X });
    expect(session.name).toBe("bend");
    expect(session.kind).toBe("wasm");
    expect(y!.shape).toEqual([1, 4]);
    Y.forEach((wanted, i) => expect(Number(y!.data[i])).toBeCloseTo(wanted, 5));
    expect((await session.selfTest()).ok).toBe(true);
    session.close();
    expect((await errorOf(session.run({ x: X }))).code).toBe("NEO1055");
  });

  test("another key does not", async () => {
    const { publicKey } = await generateKeys();
    expect((await errorOf(load(signed, { trust: [publicKey] }))).code).toBe("NEO5003");
  });

  test("nobody is trusted by default", async () => {
    expect((await errorOf(load(signed, {} as LoadOptions))).code).toBe("NEO5004");
    expect((await errorOf(load(signed, { trust: [] }))).code).toBe("NEO5004");
  });

  test("an unsigned bundle opens only where that is said", async () => {
    const { bundle } = await compile(goodModel(), { fileName: "bend.onnx", targets: ["wasm"] });
    expect((await errorOf(load(bundle, { trust: [keys.publicKey] }))).code).toBe("NEO5002");
    expect((await load(bundle, { trust: "unsigned" })).kind).toBe("wasm");
  });

  test("wrong inputs, models and keys are NeoErrors", async () => {
    const session = await load(signed, { trust: [keys.publicKey] });
    expect((await errorOf(session.run({ z: X }))).code).toBe("NEO1050");
    expect((await errorOf(compile(strangeModel(), { fileName: "strange.onnx", targets: ["wasm"] }))).notes[0]!.where).toBe("foo_0");
    expect((await errorOf(compile(goodModel(), { fileName: "bend.onnx", targets: ["wasm"], sign: keys.publicKey }))).code).toBe("NEO5005");
  });
});

describe("targets by name", () => {
  nativeTest("the default is this machine", async () => {
    const { bundle, report } = await compile(goodModel(), { fileName: "bend.onnx" });
    expect(report.artifacts).toHaveLength(1);
    const session = await load(bundle, { trust: "unsigned" });
    const { y } = await session.run({ x: X });
    expect(session.kind).toBe("native");
    Y.forEach((wanted, i) => expect(Number(y!.data[i])).toBeCloseTo(wanted, 5));
    session.close();
  });

  nativeTest("one artifact each, in their order", async () => {
    const { bundle } = await compile(goodModel(), { fileName: "bend.onnx", targets: ["wasm", "host"] });
    const session = await load(bundle, { trust: "unsigned" });
    expect(session.manifest.artifacts.map(({ kind }) => kind)).toEqual(["wasm", "native"]);
    expect(session.kind).toBe("wasm");
    const native = await load(bundle, { trust: "unsigned", prefer: ["native", "wasm"] });
    expect(native.kind).toBe("native");
    native.close();
  });

  test("an unknown name is a NeoError", async () => {
    const error = await errorOf(compile(goodModel(), { fileName: "bend.onnx", targets: ["wasn"] }));
    expect(error.code).toBe("NEO3000");
    expect(error.notes[0]!.text).toContain("wasm");
  });
});

describe("the package", () => {
  const root = new URL("../", import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
    readonly files: readonly string[];
  };
  const exported = Object.values(manifest.exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  const named = [...Object.values(manifest.bin), ...exported.map((path) => path.replace(/\*$/, "")), ...manifest.files];

  beforeAll(() => {
    execFileSync(process.execPath, [fileURLToPath(new URL("scripts/setup.mjs", root)), "--build-only"], { stdio: "inherit" });
  }, 300_000);

  test.each([...new Set(named)])("has %s", (path) => {
    expect(existsSync(new URL(path, root))).toBe(true);
  });

  test("what it exports is what the sources export", async () => {
    const script =
      'const all = await import("@neo-edge/neo"); const session = await import("@neo-edge/neo/session"); console.log(JSON.stringify([Object.keys(all), Object.keys(session)]))';
    const found = execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd: fileURLToPath(root), encoding: "utf8" });
    const [index, session] = await Promise.all([import("../src/index.ts"), import("../src/session/index.ts")]);
    expect(JSON.parse(found)).toEqual([Object.keys(index).sort(), Object.keys(session).sort()]);
  });
});
