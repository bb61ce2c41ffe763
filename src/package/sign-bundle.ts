import { NeoError } from "../support/errors.ts";
import type { CryptoEngine } from "./crypto.ts";
import { MAX_SIGNATURES, preAuthEncoding, writeEnvelope } from "./dsse.ts";
import { keyId } from "./keys.ts";
import { readBundle } from "./read-bundle.ts";
import { assemble } from "./write-bundle.ts";

/** The same bundle with a signature by `secretKey` beside those it has. Digests are checked first: nobody signs a damaged bundle. */
export function signBundle(bytes: Uint8Array, secretKey: Uint8Array, crypto: CryptoEngine, file = "the bundle"): Uint8Array {
  const bundle = readBundle(bytes, { trust: "unsigned", crypto, file });
  const mine = { keyId: keyId(crypto, crypto.publicKeyOf(secretKey)), signature: crypto.sign(secretKey, preAuthEncoding(bundle.manifestBytes)) };
  const signatures = [...(bundle.envelope?.signatures ?? []).filter((s) => s.keyId !== mine.keyId), mine];
  if (signatures.length > MAX_SIGNATURES) {
    throw new NeoError({ code: "NEO5006", message: `${file} has ${MAX_SIGNATURES} signatures, no more fit`, hint: "sign the bundle as it was compiled", file });
  }
  const envelope = writeEnvelope({ payload: bundle.manifestBytes, signatures });
  return assemble(bundle.manifestBytes, envelope, bundle.manifest.files, (name) => bundle.file(name)!);
}
