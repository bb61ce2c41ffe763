import { TextTable } from "../host/text-table.ts";
import type { Segment } from "../kernel/program.ts";

const SEGMENT_ALIGN = 64;

/** The weights of one packing: segments of bytes, each stored once, in the order they were first asked for. Programs of several shapes share a pool. */
export class WeightPool {
  private readonly parts: { readonly bytes: Uint8Array; readonly offset: number }[] = [];
  private readonly byContent = new Map<string, number[]>();
  private length = 0;
  /** Texts that constants stand for. */
  readonly texts: TextTable;

  constructor(texts = new TextTable()) {
    this.texts = texts;
  }

  /** The number of the segment that holds these bytes. */
  add(bytes: Uint8Array): number {
    const key = `${bytes.length} ${contentHash(bytes)}`;
    const alike = this.byContent.get(key) ?? [];
    const known = alike.find((index) => equalBytes(this.parts[index]!.bytes, bytes));
    if (known !== undefined) return known;
    const index = this.parts.length;
    this.parts.push({ bytes, offset: this.length });
    this.length += Math.ceil(bytes.length / SEGMENT_ALIGN) * SEGMENT_ALIGN;
    this.byContent.set(key, [...alike, index]);
    return index;
  }

  /** Where each segment lies; `digest` gives the hex SHA-256 of its bytes. */
  segments(digest: (bytes: Uint8Array) => string = () => ""): Segment[] {
    return this.parts.map(({ bytes, offset }) => ({ offset, bytes: bytes.length, sha256: digest(bytes) }));
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.length);
    for (const { bytes, offset } of this.parts) all.set(bytes, offset);
    return all;
  }
}

/** FNV-1a over bytes, for finding equal contents; equality is checked byte by byte. */
export function contentHash(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
