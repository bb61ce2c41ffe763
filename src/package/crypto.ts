/**
 * The few cryptographic operations that bundles need, as a port: `support/node/crypto.ts` gives them by OpenSSL,
 * `portable-crypto.ts` in plain TypeScript for browsers. All are deterministic; randomness comes in as a seed.
 */
export interface CryptoEngine {
  sha256(bytes: Uint8Array): Uint8Array;
  /** Ed25519. True only for canonical signatures by keys of full order: see `strictEd25519`. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** Ed25519 with the 32-byte seed that a secret key is made of. */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** The 32-byte public key of a secret key. */
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
}

export const SECRET_KEY_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

export function sha256Hex(crypto: CryptoEngine, bytes: Uint8Array): string {
  return toHex(crypto.sha256(bytes));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
