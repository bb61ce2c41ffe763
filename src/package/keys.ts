import { NeoError } from "../support/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, sha256Hex, toHex, type CryptoEngine } from "./crypto.ts";
import { isStrictPublicKey } from "./strict-ed25519.ts";

/**
 * Keys as text: PEM, so that `openssl pkey` reads them. A secret key is PKCS #8 (RFC 8410) over the 32-byte seed, a public key a
 * SubjectPublicKeyInfo over the 32-byte point. Both DER forms have constant beginnings.
 */
export const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
export const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** Whose signatures count: public keys, as 32 bytes or as the text of a `.pub` file. `"unsigned"` takes every bundle and checks digests only. */
export type Trust = "unsigned" | readonly (Uint8Array | string)[];

export function printSecretKey(secretKey: Uint8Array): string {
  return pem("PRIVATE KEY", PKCS8_PREFIX, secretKey);
}

export function printPublicKey(publicKey: Uint8Array): string {
  return pem("PUBLIC KEY", SPKI_PREFIX, publicKey);
}

/** The seed in the text of a `.key` file. */
export function parseSecretKey(text: string, file = "the key"): Uint8Array {
  const found = blocks(text, "PRIVATE KEY", PKCS8_PREFIX, SECRET_KEY_BYTES);
  if (found?.length === 1) return found[0]!;
  throw badKey(file, text.includes("PUBLIC KEY") ? "found a public key" : "found something else", "wanted one Ed25519 secret key in PEM (PKCS #8)");
}

/** All public keys in the text of a `.pub` file: one, or several one after another. */
export function parsePublicKeys(text: string, file = "the key"): Uint8Array[] {
  const found = blocks(text, "PUBLIC KEY", SPKI_PREFIX, PUBLIC_KEY_BYTES);
  if (!found || found.length === 0) {
    throw badKey(
      file,
      text.includes("PRIVATE KEY") ? "found a secret key" : "found something else",
      "wanted Ed25519 public keys in PEM (SubjectPublicKeyInfo)",
    );
  }
  for (const key of found) if (!isStrictPublicKey(key)) throw badKey(file, `found the point ${toHex(key)}`, "wanted a canonical point of full order");
  return found;
}

/** The name of a key: SHA-256 of its 32 bytes, in hex. */
export function keyId(crypto: CryptoEngine, publicKey: Uint8Array): string {
  return sha256Hex(crypto, publicKey);
}

function pem(label: string, prefix: Uint8Array, key: Uint8Array): string {
  const der = new Uint8Array(prefix.length + key.length);
  der.set(prefix);
  der.set(key, prefix.length);
  return `-----BEGIN ${label}-----\n${encodeBase64(der)}\n-----END ${label}-----\n`;
}

/** The keys of all PEM blocks; undefined where the text holds anything but blocks of this label and form. */
function blocks(text: string, label: string, prefix: Uint8Array, keyBytes: number): Uint8Array[] | undefined {
  const keys: Uint8Array[] = [];
  const form = new RegExp(`^-----BEGIN ${label}-----\\r?\\n([A-Za-z0-9+/=\\r\\n]{1,200})\\r?\\n-----END ${label}-----\\s*`);
  for (let rest = text.trim(); rest !== "";) {
    const block = form.exec(rest);
    const der = block && decodeBase64(block[1]!.replace(/[\r\n]/g, ""));
    if (!der || der.length !== prefix.length + keyBytes || !prefix.every((byte, i) => der[i] === byte)) return undefined;
    keys.push(der.slice(prefix.length));
    rest = rest.slice(block[0].length);
  }
  return keys;
}

function badKey(file: string, found: string, wanted: string): NeoError {
  return new NeoError({
    code: "NEO5005",
    message: `${file} is no key that can be used`,
    notes: [{ where: file, text: `${found}, ${wanted}` }],
    hint: "`neo keygen -o NAME` makes a pair: NAME.key and NAME.pub",
    file,
  });
}
