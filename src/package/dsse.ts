import { decodeBase64, encodeBase64 } from "./base64.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical-json.ts";
import { SIGNATURE_BYTES } from "./crypto.ts";

/**
 * DSSE envelope (secure-systems-lab/dsse 1.0.2) in one canonical form: RFC 8785, strict
 * base64, signatures sorted by key id, one a key.
 */
export interface Envelope {
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

export interface EnvelopeSignature {
  /** SHA-256 of the public key, in hex. A hint: only a verification says whose signature it is. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export const PAYLOAD_TYPE = "application/vnd.neo.bundle.v1+json";

export const MAX_SIGNATURES = 16;

/** What a signature of `payload` covers: "DSSEv1", and type and payload with their lengths. */
export function preAuthEncoding(payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const all = new Uint8Array(head.length + payload.length);
  all.set(head);
  all.set(payload, head.length);
  return all;
}

export function writeEnvelope(envelope: Envelope): Uint8Array {
  const signatures = [...envelope.signatures]
    .sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
    .map(({ keyId, signature }) => ({ keyid: keyId, sig: encodeBase64(signature) }));
  return new TextEncoder().encode(canonicalJson({ payload: encodeBase64(envelope.payload), payloadType: PAYLOAD_TYPE, signatures }));
}

/** The envelope of bytes that `writeEnvelope` could have written; undefined for all other bytes. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  const value = parseCanonicalJson(bytes) as { payload?: unknown; payloadType?: unknown; signatures?: unknown } | undefined | null;
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 3) return undefined;
  const payload = typeof value.payload === "string" ? decodeBase64(value.payload) : undefined;
  if (!payload || value.payloadType !== PAYLOAD_TYPE || !Array.isArray(value.signatures)) return undefined;
  if (value.signatures.length === 0 || value.signatures.length > MAX_SIGNATURES) return undefined;
  const signatures = (value.signatures as unknown[]).map(readSignature);
  for (const [i, entry] of signatures.entries()) if (!entry || (i > 0 && signatures[i - 1]!.keyId >= entry.keyId)) return undefined;
  return { payload, signatures: signatures as EnvelopeSignature[] };
}

function readSignature(value: unknown): EnvelopeSignature | undefined {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 2) return undefined;
  const { keyid, sig } = value as { keyid?: unknown; sig?: unknown };
  const signature = typeof sig === "string" ? decodeBase64(sig) : undefined;
  if (typeof keyid !== "string" || !/^[0-9a-f]{64}$/.test(keyid) || signature?.length !== SIGNATURE_BYTES) return undefined;
  return { keyId: keyid, signature };
}
