import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import nacl from "tweetnacl";
import { describe, expect, test } from "vitest";
import { portableCrypto } from "../../src/package/portable-crypto.ts";
import { sha256 } from "../../src/package/sha256.ts";
import { isStrictPublicKey } from "../../src/package/strict-ed25519.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { encodePoint } from "./ed25519-reference.ts";
import { signatureVectors, smallOrderPoints } from "./signature-vectors.ts";

const ENGINES = { node: nodeCrypto, portable: portableCrypto };
const WYCHEPROOF = join(process.env["NEO_CORPUS"] ?? "../shared/corpus", "conformance/wycheproof/ed25519_test.json");
const CLASSES = [
  "CompressedSignature",
  "InvalidEncoding",
  "InvalidKtv",
  "InvalidSignature",
  "Ktv",
  "SignatureMalleability",
  "SignatureWithGarbage",
  "TinkOverflow",
  "TruncatedSignature",
  "Valid",
];

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
      readonly flags: readonly string[];
    }[];
  }[];
}

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

const VECTORS = signatureVectors();
const GROUPS = [...new Set(VECTORS.map((v) => v.group))];

describe.each(Object.entries(ENGINES))("Ed25519 by the %s engine", (_name, engine) => {
  test.each(GROUPS)("own vectors of class %s", (group) => {
    const wrong = VECTORS.filter((v) => v.group === group && engine.verify(v.publicKey, v.message, v.signature) !== v.valid);
    expect(wrong.map((v) => v.comment)).toEqual([]);
  });

  // The corpus stands beside the repository where it is worked on; the vectors above have every class of it.
  test.skipIf(!existsSync(WYCHEPROOF))("Wycheproof: 151 of 151", () => {
    const { testGroups } = JSON.parse(readFileSync(WYCHEPROOF, "utf8")) as WycheproofFile;
    const cases = testGroups.flatMap((group) => group.tests.map((t) => ({ ...t, publicKey: bytesOf(group.publicKey.pk) })));
    expect(cases).toHaveLength(151);
    expect(cases.filter((t) => engine.verify(t.publicKey, bytesOf(t.msg), bytesOf(t.sig)) !== (t.result === "valid")).map((t) => t.tcId)).toEqual([]);
    expect([...new Set(cases.flatMap((t) => t.flags))].sort()).toEqual(CLASSES);
  });

  test("signs as RFC 8032 says", () => {
    const secret = bytesOf("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    expect(engine.publicKeyOf(secret)).toEqual(bytesOf("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    expect(engine.sign(secret, new Uint8Array(0))).toEqual(
      bytesOf("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    );
  });

  test("any 32 bytes as a key and 64 as a signature are a plain no", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        (key, signature) => !engine.verify(key, new Uint8Array(3), signature),
      ),
      { numRuns: 50, seed: 1 },
    );
  });
});

test("own vectors have every class of Wycheproof's", () => {
  expect(CLASSES.filter((name) => !GROUPS.includes(name))).toEqual([]);
});

test("without the wrapper tweetnacl takes signatures that it must not", () => {
  const taken = VECTORS.filter((v) => !v.valid && v.signature.length === 64 && nacl.sign.detached.verify(v.message, v.signature, v.publicKey));
  expect(new Set(taken.map((v) => v.group))).toEqual(new Set(["InvalidKtv", "SignatureMalleability", "SmallOrder"]));
});

test("no point of small order is a public key", () => {
  const points = smallOrderPoints();
  expect(new Set(points.map((p) => `${p.x} ${p.y}`)).size).toBe(8);
  for (const point of points) expect(isStrictPublicKey(encodePoint(point))).toBe(false);
});

describe("SHA-256", () => {
  test("agrees with OpenSSL at every length around a block", () => {
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);
      expect(sha256(bytes)).toEqual(new Uint8Array(createHash("sha256").update(bytes).digest()));
    }
  });

  test("agrees with OpenSSL on a view of a large buffer", () => {
    const bytes = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * i) & 255).subarray(1);
    expect(portableCrypto.sha256(bytes)).toEqual(nodeCrypto.sha256(bytes));
  });
});
