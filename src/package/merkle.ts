import type { CryptoEngine } from "./crypto.ts";

/** Weights are verified in pieces of this size, so that a device can check them as it reads, or while a download resumes. */
export const LEAF_BYTES = 1 << 20;

/** Digests of all leaves. A leaf's digest covers a zero byte before its bytes, a node's a one: neither can pass for the other (RFC 6962, 2.1). */
export function leafDigests(crypto: CryptoEngine, bytes: Uint8Array): Uint8Array[] {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += LEAF_BYTES) leaves.push(crypto.sha256(joined(0, bytes.subarray(at, at + LEAF_BYTES))));
  return leaves;
}

/** Root over leaf digests. The left subtree takes the largest power of two that leaves something to the right. */
export function merkleRoot(crypto: CryptoEngine, leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return crypto.sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0]!;
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return crypto.sha256(joined(1, merkleRoot(crypto, leaves.slice(0, left)), merkleRoot(crypto, leaves.slice(left))));
}

function joined(first: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  all[0] = first;
  let at = 1;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
