import nacl from "tweetnacl";
import type { CryptoEngine } from "./crypto.ts";
import { sha256 } from "./sha256.ts";
import { strictEd25519 } from "./strict-ed25519.ts";

/** Crypto without a host: for browsers and wherever `node:crypto` is not. A verification takes about 8 ms. */
export const portableCrypto: CryptoEngine = {
  sha256,
  ...strictEd25519({
    verify: (publicKey, message, signature) => nacl.sign.detached.verify(message, signature, publicKey),
    sign: (secretKey, message) => nacl.sign.detached(message, nacl.sign.keyPair.fromSeed(secretKey).secretKey),
    publicKeyOf: (secretKey) => nacl.sign.keyPair.fromSeed(secretKey).publicKey,
  }),
};
