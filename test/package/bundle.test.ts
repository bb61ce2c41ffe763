import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildBundle } from "../../src/package/build.ts";
import { canonicalJson, type Json } from "../../src/package/canonical-json.ts";
import { writeEnvelope } from "../../src/package/dsse.ts";
import { printPublicKey } from "../../src/package/keys.ts";
import { examineBundle, readBundle } from "../../src/package/read-bundle.ts";
import { portableCrypto } from "../../src/package/portable-crypto.ts";
import { seededBytes } from "../../src/package/self-test.ts";
import { signBundle } from "../../src/package/sign-bundle.ts";
import { assemble } from "../../src/package/write-bundle.ts";
import { nodeCrypto as crypto } from "../../src/support/node/crypto.ts";
import { PUBLIC_KEY, SECRET_KEY, smallBundle, smallInput } from "./small-bundle.ts";

const signed = signBundle(smallBundle(), SECRET_KEY, crypto);
const OTHER_SECRET = new Uint8Array(32).fill(9);
const OTHER_PUBLIC = crypto.publicKeyOf(OTHER_SECRET);

describe("a bundle", () => {
  test("is the same bytes each time, by each engine", () => {
    expect(smallBundle()).toEqual(smallBundle());
    expect(buildBundle(smallInput(), portableCrypto).bytes).toEqual(smallBundle());
    expect(signBundle(smallBundle(), SECRET_KEY, portableCrypto)).toEqual(signed);
  });

  test("gives back what went in", () => {
    const bundle = readBundle(signed, { trust: [PUBLIC_KEY], crypto });
    expect(bundle.manifest.programs.map((p) => p.id)).toEqual(["n1", "n2"]);
    expect(bundle.manifest).toEqual(buildBundle(smallInput(), crypto).manifest);
    expect(new TextDecoder().decode(bundle.file("code/wasm/wasm/n2.wasm"))).toBe("wasm 2");
    expect(bundle.file("weights.bin")).toEqual(smallInput().artifacts[0]!.weights);
    expect(bundle.file("nothing")).toBeUndefined();
  });

  test("has its weights at a page, whatever stands before them", () => {
    let bytes = smallBundle();
    for (let n = 0; n < 5; n++) {
      const weights = readBundle(bytes, { trust: "unsigned", crypto }).file("weights.bin")!;
      expect((weights.byteOffset - bytes.byteOffset) % 4096).toBe(0);
      bytes = signBundle(bytes, new Uint8Array(32).fill(n), crypto);
    }
  });

  test("stores equal packings once, others at pages of their own", () => {
    const { artifacts, ...rest } = smallInput();
    const other = { ...artifacts[1]!, target: { ...artifacts[1]!.target, name: "relaxed" }, weights: Uint8Array.of(1, 2, 3) };
    const { manifest } = buildBundle({ ...rest, artifacts: [...artifacts, other] }, crypto);
    expect(manifest.artifacts.map((a) => a.weights)).toEqual([
      { offset: 0, bytes: 96 },
      { offset: 0, bytes: 96 },
      { offset: 4096, bytes: 3 },
    ]);
    expect(manifest.files.find((f) => f.name === "weights.bin")!.bytes).toBe(4099);
  });

  test("without weights has none", () => {
    const { artifacts, ...rest } = smallInput();
    const { bytes, manifest } = buildBundle({ ...rest, artifacts: artifacts.map((a) => ({ ...a, weights: new Uint8Array(0) })) }, crypto);
    expect(manifest.weights).toBeUndefined();
    expect(readBundle(signBundle(bytes, SECRET_KEY, crypto), { trust: [PUBLIC_KEY], crypto }).report.files.every((f) => f.ok)).toBe(true);
  });

  test("hashes weights by leaves of 1 MiB", () => {
    const { artifacts, ...rest } = smallInput();
    const weights = Uint8Array.from({ length: 2 * 2 ** 20 + 5 }, (_, i) => (i * 7) & 255);
    const { bytes, manifest } = buildBundle(
      {
        ...rest,
        artifacts: artifacts.map((a) => ({
          ...a,
          weights,
          programs: a.programs.map((p) => (p.memory ? { ...p, memory: { ...p.memory, pages: 64, weights: 65_536 } } : p)),
        })),
      },
      crypto,
    );
    expect(manifest.weights!.leaves).toHaveLength(3);
    const at = bytes.length - 4096 - 2 ** 20;
    bytes[at]! ^= 1;
    expect(() => readBundle(bytes, { trust: "unsigned", crypto })).toThrowError(
      expect.objectContaining({ code: "NEO5000", notes: [{ where: "weights.bin", text: "differs from its digest in the manifest" }] }),
    );
  });

  test("is an archive that tar lists", () => {
    const folder = mkdtempSync(join(tmpdir(), "bundle-"));
    writeFileSync(join(folder, "small.neo"), signed);
    const listed = execFileSync("tar", ["tf", join(folder, "small.neo")], { encoding: "utf8" })
      .trim()
      .split("\n");
    rmSync(folder, { recursive: true });
    expect(listed).toEqual([
      "manifest.json",
      "manifest.dsse",
      "selftest.bin",
      "pad.bin",
      "weights.bin",
      ...["linux-x86-64/x86-64-v3/n1.so", "linux-x86-64/x86-64-v3/n2.so", "wasm/wasm/n1.wasm", "wasm/wasm/n2.wasm"].map((name) => `code/${name}`),
    ]);
  });

  test("keeps 4,096 evenly spaced elements of a long answer", () => {
    const shape = [1, 10_000];
    const port = { name: "y", dtype: "f32", shape, bytes: 40_000 };
    const output = new Uint8Array(Float32Array.from({ length: 10_000 }, (_, i) => i).buffer);
    const input = {
      ...smallInput(),
      programs: [{ binding: {}, inputs: [], outputs: [port] }],
      artifacts: [],
      selfTest: [{ program: 0, inputs: [], outputs: [output], tolerance: { abs: 0, rel: 0 } }],
    };
    const { manifest, bytes } = buildBundle(input, crypto);
    expect(manifest.selfTest[0]!.outputs).toEqual([{ offset: 0, bytes: 4 * 3334, stride: 3 }]);
    const stored = readBundle(bytes, { trust: "unsigned", crypto }).file("selftest.bin")!;
    expect([...new Float32Array(stored.slice().buffer).subarray(0, 3)]).toEqual([0, 3, 6]);
  });
});

describe("data from a seed", () => {
  test.each([
    ["f32", 4, -1, 1],
    ["f64", 8, -1, 1],
    ["f16", 2, -1, 1],
    ["bf16", 2, -1, 1],
    ["i64", 8, 0, 9],
    ["u64", 8, 0, 9],
    ["i32", 4, -5, 5],
    ["u32", 4, 0, 9],
    ["i16", 2, -5, 5],
    ["u16", 2, 0, 9],
    ["i8", 1, -5, 5],
    ["u8", 1, 0, 255],
    ["i4", 1, -8, 7],
    ["u4", 1, 0, 15],
    ["bool", 1, 0, 1],
  ])("of %s never changes", (dtype, width, low, high) => {
    expect(Buffer.from(seededBytes({ dtype, bytes: 8 * width }, { seed: 42, low, high })).toString("hex")).toMatchSnapshot();
  });
});

describe("trust", () => {
  const code = (trust: unknown, bytes = signed): string | undefined => examineBundle(bytes, { trust: trust as "unsigned", crypto }).error?.code;

  test("is in the keys of whom signed", () => {
    expect(code([PUBLIC_KEY])).toBeUndefined();
    expect(code([OTHER_PUBLIC, printPublicKey(PUBLIC_KEY)])).toBeUndefined();
    expect(code("unsigned")).toBeUndefined();
    expect(code("unsigned", smallBundle())).toBeUndefined();
  });

  test("is refused to others, and to the unsigned", () => {
    expect(code([OTHER_PUBLIC])).toBe("NEO5003");
    expect(code([PUBLIC_KEY], smallBundle())).toBe("NEO5002");
  });

  test.each([[undefined], [[]], ["all"], [[new Uint8Array(31)]], [[new Uint8Array(32)]], [[5]]])("in %j is none", (trust) => {
    expect(code(trust)).toBe("NEO5004");
  });

  test("grows by signatures; one that is trusted suffices", () => {
    const twice = signBundle(signed, OTHER_SECRET, crypto);
    expect(code([PUBLIC_KEY], twice)).toBeUndefined();
    expect(code([OTHER_PUBLIC], twice)).toBeUndefined();
    const { signatures } = examineBundle(twice, { trust: [OTHER_PUBLIC], crypto }).report;
    expect(signatures.map((s) => s.ok).sort()).toEqual([false, true]);
    expect(signatures.find((s) => !s.ok)!.text).toBe("by a key that is not trusted");
    expect(signBundle(signed, SECRET_KEY, crypto)).toEqual(signed);
  });

  test("ends where a trusted key's signature is bad, or carries another's id, though a second one is good", () => {
    const bundle = readBundle(signBundle(signed, OTHER_SECRET, crypto), { trust: [PUBLIC_KEY, OTHER_PUBLIC], crypto });
    const again = (change: (s: { keyId: string; signature: Uint8Array }, i: number) => { keyId: string; signature: Uint8Array }): Uint8Array =>
      assemble(
        bundle.manifestBytes,
        writeEnvelope({ payload: bundle.manifestBytes, signatures: bundle.envelope!.signatures.map(change) }),
        bundle.manifest.files,
        (name) => bundle.file(name)!,
      );
    const flipped = again((s, i) => (i === 0 ? { ...s, signature: s.signature.map((b, k) => (k === 5 ? b ^ 1 : b)) } : s));
    expect(code([PUBLIC_KEY, OTHER_PUBLIC], flipped)).toBe("NEO5001");
    const renamed = again((s, i) => (i === 0 ? { ...s, keyId: "0".repeat(64) } : s));
    expect(code([PUBLIC_KEY, OTHER_PUBLIC], renamed)).toBe("NEO5001");
  });

  test("has room for sixteen signatures", () => {
    let bytes = smallBundle();
    for (let n = 0; n < 16; n++) bytes = signBundle(bytes, new Uint8Array(32).fill(n), crypto);
    expect(() => signBundle(bytes, SECRET_KEY, crypto)).toThrowError(expect.objectContaining({ code: "NEO5006" }));
  });

  test("nobody signs a damaged bundle", () => {
    const bytes = smallBundle();
    bytes[bytes.length - 1100]! ^= 1;
    expect(() => signBundle(bytes, SECRET_KEY, crypto)).toThrowError(expect.objectContaining({ code: "NEO5000" }));
  });
});

test("a later format is named, not called damaged", () => {
  const manifest = new TextEncoder().encode(canonicalJson({ format: 2, surprise: true } as Json));
  const bytes = assemble(manifest, undefined, [], () => new Uint8Array(0));
  expect(() => readBundle(bytes, { trust: "unsigned", crypto })).toThrowError(expect.objectContaining({ code: "NEO3055" }));
});

test("fields that a later writer adds are passed over", () => {
  const bundle = readBundle(smallBundle(), { trust: "unsigned", crypto });
  const manifest = new TextEncoder().encode(canonicalJson({ ...(bundle.manifest as unknown as Record<string, Json>), later: [1] }));
  const bytes = assemble(manifest, undefined, bundle.manifest.files, (name) => bundle.file(name)!);
  expect(readBundle(bytes, { trust: "unsigned", crypto }).manifest).toEqual(bundle.manifest);
});
