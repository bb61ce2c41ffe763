import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { keyId, parsePublicKeys, parseSecretKey, printPublicKey, printSecretKey } from "../../src/package/keys.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { PUBLIC_KEY, SECRET_KEY } from "./small-bundle.ts";

test("keys are PEM that OpenSSL reads", () => {
  const secret = createPrivateKey(printSecretKey(SECRET_KEY));
  expect(secret.asymmetricKeyType).toBe("ed25519");
  expect(createPublicKey(secret).export({ format: "pem", type: "spki" })).toBe(printPublicKey(PUBLIC_KEY));
});

test("keys that OpenSSL wrote are read", () => {
  const pair = generateKeyPairSync("ed25519", { privateKeyEncoding: { format: "pem", type: "pkcs8" }, publicKeyEncoding: { format: "pem", type: "spki" } });
  expect(nodeCrypto.publicKeyOf(parseSecretKey(pair.privateKey))).toEqual(parsePublicKeys(pair.publicKey)[0]);
});

test("texts may have other line ends, and several public keys", () => {
  const other = nodeCrypto.publicKeyOf(new Uint8Array(32));
  expect(parsePublicKeys(`\n${printPublicKey(PUBLIC_KEY).replaceAll("\n", "\r\n")}\r\n${printPublicKey(other)}`)).toEqual([PUBLIC_KEY, other]);
  expect(parseSecretKey(printSecretKey(SECRET_KEY).trim())).toEqual(SECRET_KEY);
});

test("the id of a key is the digest of its bytes", () => {
  expect(keyId(nodeCrypto, PUBLIC_KEY)).toBe("65b60673d6ed884bf01c2c222d82ada0740f29ac3355d6a925c81f17f47a27b8");
});

const rsa = generateKeyPairSync("rsa", {
  modulusLength: 1024,
  privateKeyEncoding: { format: "pem", type: "pkcs8" },
  publicKeyEncoding: { format: "pem", type: "spki" },
});

test.each([
  ["a public key", printPublicKey(PUBLIC_KEY)],
  ["two keys", printSecretKey(SECRET_KEY).repeat(2)],
  ["another algorithm", rsa.privateKey],
  ["no PEM", "hello"],
  ["nothing", ""],
  ["bytes cut off", printSecretKey(SECRET_KEY).replace(/..\n-----END/, "\n-----END")],
])("%s is no secret key, and no error shows its bytes", (_name, text) => {
  expect(() => parseSecretKey(text, "my.key")).toThrowError(expect.objectContaining({ code: "NEO5005", file: "my.key" }));
  try {
    parseSecretKey(text, "my.key");
  } catch (error) {
    expect(JSON.stringify(error)).not.toMatch(/[A-Za-z0-9+/]{24}/);
  }
});

test.each([
  ["a secret key", printSecretKey(SECRET_KEY)],
  ["another algorithm", rsa.publicKey],
  ["a point of small order", printPublicKey(Uint8Array.of(1, ...new Uint8Array(31)))],
  ["text between the keys", `${printPublicKey(PUBLIC_KEY)}hello\n${printPublicKey(PUBLIC_KEY)}`],
  ["nothing", " \n"],
])("%s is no public key", (_name, text) => {
  expect(() => parsePublicKeys(text, "my.pub")).toThrowError(expect.objectContaining({ code: "NEO5005", file: "my.pub" }));
});
