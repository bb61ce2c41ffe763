import { equalBytes } from "./crypto.ts";

/**
 * The archive of a bundle: POSIX ustar, of which exactly one spelling is used. A header is a function of name and size, so a reader
 * checks it by printing it again. Written here and not by a library: the writer must also run in a browser tab.
 */
export const BLOCK = 512;

/** Largest size that a header can hold: eleven octal digits. */
export const MAX_MEMBER_BYTES = 8 ** 11 - 1;

const NAME = /^(?!\/)(?!.*\/\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[a-z0-9._/-]{1,100}(?<!\/)$/;

/** Relative, lower case, without empty, `.` or `..` parts: a name that is safe in any folder of any system. */
export function isMemberName(name: string): boolean {
  return NAME.test(name);
}

export function headerOf(name: string, bytes: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  put(header, 0, name);
  put(header, 100, "0000644\0" + "0000000\0" + "0000000\0"); // mode, uid, gid
  put(header, 124, `${octal(bytes, 11)}\0${octal(0, 11)}\0`); // size, mtime
  put(header, 148, "        0"); // checksum (spaces while it is summed), type: file
  put(header, 257, "ustar\0" + "00");
  put(header, 329, "0000000\0" + "0000000\0"); // device numbers
  let sum = 0;
  for (const byte of header) sum += byte;
  put(header, 148, `${octal(sum, 6)}\0 `);
  return header;
}

/** Name and size of the header at `at`; undefined where the block is no header that `headerOf` prints. */
export function readHeader(archive: Uint8Array, at: number): { readonly name: string; readonly bytes: number } | undefined {
  if (at + BLOCK > archive.length) return undefined;
  const header = archive.subarray(at, at + BLOCK);
  const name = text(header, 0, 100);
  const size = text(header, 124, 11);
  if (!isMemberName(name) || !/^[0-7]{11}$/.test(size)) return undefined;
  const bytes = parseInt(size, 8);
  return isHeader(archive, at, name, bytes) ? { name, bytes } : undefined;
}

/** Whether the header of such a member, and no other, is at `at`. */
export function isHeader(archive: Uint8Array, at: number, name: string, bytes: number): boolean {
  if (at + BLOCK > archive.length) return false;
  return equalBytes(headerOf(name, bytes), archive.subarray(at, at + BLOCK));
}

/** Bytes that a member's data takes with its padding. */
export function paddedBytes(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

/** Members in order, then the two zero blocks that end an archive. */
export function writeArchive(members: readonly (readonly [name: string, bytes: Uint8Array])[]): Uint8Array {
  const total = members.reduce((sum, [, bytes]) => sum + BLOCK + paddedBytes(bytes.length), 2 * BLOCK);
  const archive = new Uint8Array(total);
  let at = 0;
  for (const [name, bytes] of members) {
    archive.set(headerOf(name, bytes.length), at);
    archive.set(bytes, at + BLOCK);
    at += BLOCK + paddedBytes(bytes.length);
  }
  return archive;
}

function put(header: Uint8Array, at: number, ascii: string): void {
  for (let i = 0; i < ascii.length; i++) header[at + i] = ascii.charCodeAt(i);
}

function text(header: Uint8Array, at: number, length: number): string {
  let found = "";
  for (let i = at; i < at + length && header[i] !== 0; i++) found += String.fromCharCode(header[i]!);
  return found;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
