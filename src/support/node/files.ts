import { randomBytes } from "node:crypto";
import { open, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { NeoError } from "../errors.ts";
import { ioError } from "./io-errors.ts";
import { forgetTemporary, rememberTemporary } from "./temporary.ts";

/** The system calls of an atomic write, in the order they happen. Tests let the n-th fail. */
export interface WriteCalls {
  /** Creates a file that must not exist. */
  create(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes the new name last through a power cut. */
  syncFolder(path: string): Promise<void>;
}

export interface WritableFile {
  write(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Puts `bytes` at `path`, whole or not at all: written beside, synced, renamed. A file that was there stays until then. */
export async function writeFileAtomic(path: string, bytes: Uint8Array, calls: WriteCalls = nodeCalls): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    const file = await calls.create(beside);
    rememberTemporary(beside);
    try {
      try {
        await file.write(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await calls.rename(beside, path);
    } catch (error) {
      await calls.unlink(beside).catch(() => undefined);
      throw error;
    } finally {
      forgetTemporary(beside);
    }
    await calls.syncFolder(dirname(path));
  } catch (error) {
    throw ioError(path, error);
  }
}

/** The bytes of a file. A file above `limitBytes` is refused before it is read. */
export async function readFileBytes(path: string, limitBytes = 2 ** 32): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const status = await file.stat();
      if (!status.isFile()) return await readStream(path, file, limitBytes);
      if (status.size > limitBytes) throw tooLarge(path, status.size, limitBytes);
      return new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    throw ioError(path, error);
  }
}

/** Pipes and devices tell no size before their end. */
async function readStream(path: string, file: FileHandle, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.createReadStream({ end: limitBytes, autoClose: false })) chunks.push(chunk as Uint8Array);
  const bytes = new Uint8Array(Buffer.concat(chunks));
  if (bytes.length > limitBytes) throw tooLarge(path, bytes.length, limitBytes);
  return bytes;
}

function tooLarge(path: string, size: number, limitBytes: number): NeoError {
  return new NeoError({ code: "NEO6005", message: `${path} has ${size} bytes, at most ${limitBytes} are read`, hint: "is it the right file?", file: path });
}

const nodeCalls: WriteCalls = {
  async create(path) {
    const file = await open(path, "wx", 0o666);
    return {
      write: (bytes) => file.writeFile(bytes),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  rename,
  unlink,
  async syncFolder(path) {
    // Windows can't open folders, and some network file systems can't sync them: the rename has happened all the same.
    const folder = await open(path, "r").catch(() => undefined);
    await folder?.sync().catch(() => undefined);
    await folder?.close();
  },
};
