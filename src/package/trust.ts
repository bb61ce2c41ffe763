import { NeoError, type Note } from "../support/errors.ts";
import type { CryptoEngine } from "./crypto.ts";
import { preAuthEncoding, type Envelope } from "./dsse.ts";
import { keyId, parsePublicKeys, type Trust } from "./keys.ts";
import { isStrictPublicKey } from "./strict-ed25519.ts";

/** What came of one signature. Only those of trusted keys can be checked. */
export interface SignatureReport {
  readonly kind: "dsse";
  readonly keyId: string;
  readonly ok: boolean;
  readonly text: string;
}

export interface TrustResult {
  readonly signatures: readonly SignatureReport[];
  readonly error?: NeoError;
}

/**
 * Whether a trusted key vouches for the payload: at least one good signature, and none by a trusted key that is bad or carries a
 * wrong key id. Signatures by other keys are reported and change nothing.
 */
export function checkTrust(envelope: Envelope | undefined, trust: Trust, crypto: CryptoEngine, file: string): TrustResult {
  const keys = trustedKeys(trust, crypto, file);
  if (keys === "unsigned") {
    return { signatures: (envelope?.signatures ?? []).map(({ keyId }) => ({ kind: "dsse", keyId, ok: false, text: "not checked: no key was given" })) };
  }
  if (!envelope) return { signatures: [], error: unsigned(file) };
  const message = preAuthEncoding(envelope.payload);
  const signatures = envelope.signatures.map(({ keyId, signature }): SignatureReport & { readonly bad?: boolean } => {
    const key = keys.get(keyId);
    if (key) {
      const ok = crypto.verify(key, message, signature);
      return { kind: "dsse", keyId, ok, text: ok ? "good" : "does not fit the manifest", bad: !ok };
    }
    const other = [...keys].find(([, candidate]) => crypto.verify(candidate, message, signature));
    if (other) return { kind: "dsse", keyId, ok: false, text: `is by the key ${other[0]}`, bad: true };
    return { kind: "dsse", keyId, ok: false, text: "by a key that is not trusted" };
  });
  const reports = signatures.map(({ kind, keyId, ok, text }) => ({ kind, keyId, ok, text }));
  const bad = signatures.filter((s) => s.bad);
  if (bad.length > 0) return { signatures: reports, error: forged(file, bad) };
  return signatures.some((s) => s.ok) ? { signatures: reports } : { signatures: reports, error: untrusted(file, reports, keys) };
}

function trustedKeys(trust: Trust, crypto: CryptoEngine, file: string): ReadonlyMap<string, Uint8Array> | "unsigned" {
  if (trust === "unsigned") return trust;
  // Callers in JavaScript may leave it out; there is no default.
  if (!Array.isArray(trust)) throw noTrust(file, "found no `trust`");
  const keys = (trust as readonly (Uint8Array | string)[]).flatMap((key) => (typeof key === "string" ? parsePublicKeys(key, "a trusted key") : [key]));
  if (keys.length === 0) throw noTrust(file, "the list of trusted keys is empty");
  for (const key of keys) if (!(key instanceof Uint8Array) || !isStrictPublicKey(key)) throw noTrust(file, "a trusted key is no 32-byte Ed25519 public key");
  return new Map(keys.map((key) => [keyId(crypto, key), key]));
}

function noTrust(file: string, text: string): NeoError {
  return new NeoError({
    code: "NEO5004",
    message: `${file} can't be checked: nobody is trusted`,
    notes: [{ where: "trust", text: `${text}, wanted public keys or the word "unsigned"` }],
    hint: "give the text of the signer's .pub file",
    file,
  });
}

function unsigned(file: string): NeoError {
  return new NeoError({
    code: "NEO5002",
    message: `${file} has no signature`,
    hint: "`neo sign` signs it; `--allow-unsigned` runs it as it is",
    file,
  });
}

function forged(file: string, bad: readonly SignatureReport[]): NeoError {
  return new NeoError({
    code: "NEO5001",
    message: `${file} has a signature that is not good`,
    notes: bad.map(noteOf),
    hint: "fetch the bundle again from its maker",
    file,
  });
}

function untrusted(file: string, found: readonly SignatureReport[], keys: ReadonlyMap<string, Uint8Array>): NeoError {
  return new NeoError({
    code: "NEO5003",
    message: `${file} is signed by nobody who is trusted`,
    notes: [...found.map(noteOf), ...[...keys.keys()].map((id) => ({ where: id, text: "is trusted" }))],
    hint: "`--trust FILE` names the signer's public key; `neo sign` adds your own signature; `--allow-unsigned` checks digests only",
    file,
  });
}

function noteOf({ keyId, text }: SignatureReport): Note {
  return { where: keyId, text };
}
