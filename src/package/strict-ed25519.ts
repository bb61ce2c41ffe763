import { PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES, type CryptoEngine } from "./crypto.ts";
import { InternalError } from "../support/errors.ts";

/** What an Ed25519 library gives; it may be lax. */
export type Ed25519 = Pick<CryptoEngine, "verify" | "sign" | "publicKeyOf">;

/**
 * Ed25519 whose signatures exist in one form only: 64 bytes, S below the group's order (RFC 8032, 5.1.7), R and the public key
 * canonical encodings of points that are not of small order. Libraries differ in these; behind this wrapper they agree.
 */
export function strictEd25519(engine: Ed25519): Ed25519 {
  return {
    verify(publicKey, message, signature) {
      if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
      if (!isStrictPoint(publicKey) || !isStrictPoint(signature.subarray(0, 32)) || !isBelow(signature.subarray(32), ORDER)) return false;
      return engine.verify(publicKey, message, signature);
    },
    sign(secretKey, message) {
      checkSecretKey(secretKey);
      return engine.sign(secretKey, message);
    },
    publicKeyOf(secretKey) {
      checkSecretKey(secretKey);
      return engine.publicKeyOf(secretKey);
    },
  };
}

/** Whether 32 bytes may be a public key at all. */
export function isStrictPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_KEY_BYTES && isStrictPoint(bytes);
}

function checkSecretKey(secretKey: Uint8Array): void {
  if (secretKey.length !== SECRET_KEY_BYTES) throw new InternalError("ed25519", `a secret key has ${SECRET_KEY_BYTES} bytes, not ${secretKey.length}`);
}

/** 2^252 + 27742317777372353535851937790883648493, little-endian. */
const ORDER = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
/** 2^255 - 19. */
const PRIME = fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");

/** The y of all eight points whose order divides 8; a point and its negative share one. */
const SMALL_ORDER_Y = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(fromHex);

function isStrictPoint(encoded: Uint8Array): boolean {
  const y = encoded.slice();
  y[31]! &= 0x7f;
  return isBelow(y, PRIME) && !SMALL_ORDER_Y.some((small) => small.every((byte, i) => byte === y[i]));
}

/** a < b, both 32 bytes little-endian. Not constant-time: signatures and public keys are no secrets. */
function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
