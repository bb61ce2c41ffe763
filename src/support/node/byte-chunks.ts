import { open } from "node:fs/promises";
import { ioError } from "./io-errors.ts";

const CHUNK_BYTES = 2 ** 20;

/** A file that is read from its beginning to its end; the next piece is fetched while one is used, which is gone with the next. */
interface ByteChunks {
  /** Undefined for a pipe. */
  readonly totalBytes: number | undefined;
  chunks(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export async function openChunks(path: string): Promise<ByteChunks> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw ioError(path, error);
  });
  try {
    const status = await file.stat();
    if (status.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    const read = async (buffer: Uint8Array): Promise<Uint8Array> => {
      try {
        return buffer.subarray(0, (await file.read(buffer, 0, buffer.length, null)).bytesRead);
      } catch (error) {
        throw ioError(path, error);
      }
    };
    return { totalBytes: status.isFile() ? status.size : undefined, chunks: () => ahead(read), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw ioError(path, error);
  }
}

async function* ahead(read: (buffer: Uint8Array) => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffers = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)] as const;
  let next = read(buffers[0]);
  for (let i = 1; ; i++) {
    const chunk = await next;
    if (chunk.length === 0) return;
    next = read(buffers[(i % 2) as 0 | 1]);
    // Whoever stops early does not hear of it.
    next.catch(() => {});
    yield chunk;
  }
}

/** Standard input. */
export function stdinChunks(): ByteChunks {
  return { totalBytes: undefined, chunks: () => process.stdin as AsyncIterable<Uint8Array>, close: () => Promise.resolve() };
}
