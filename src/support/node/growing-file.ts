import { randomBytes } from "node:crypto";
import { open, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ioError } from "./io-errors.ts";
import { forgetTemporary, rememberTemporary } from "./temporary.ts";

/** A file that is written piece by piece and appears whole, under its name, or not at all. */
export class GrowingFile {
  private readonly path: string;
  private readonly beside: string;
  private readonly file: FileHandle;

  private constructor(path: string, beside: string, file: FileHandle) {
    this.path = path;
    this.beside = beside;
    this.file = file;
  }

  static async create(path: string): Promise<GrowingFile> {
    try {
      if ((await stat(path).catch(() => undefined))?.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
      const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
      rememberTemporary(beside);
      try {
        return new GrowingFile(path, beside, await open(beside, "wx", 0o666));
      } catch (error) {
        forgetTemporary(beside);
        throw error;
      }
    } catch (error) {
      throw ioError(path, error);
    }
  }

  /** Adds bytes at the end, or puts them over what stands at a place. */
  async write(bytes: Uint8Array, place?: number): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += (await this.file.write(bytes, at, bytes.length - at, place === undefined ? null : place + at)).bytesWritten;
    } catch (error) {
      throw ioError(this.path, error);
    }
  }

  /** Gives the file its name. */
  async commit(): Promise<void> {
    try {
      await this.file.sync();
      await this.file.close();
      await rename(this.beside, this.path);
      forgetTemporary(this.beside);
    } catch (error) {
      await this.abandon();
      throw ioError(this.path, error);
    }
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => undefined);
    await unlink(this.beside).catch(() => undefined);
    forgetTemporary(this.beside);
  }
}
