import { ENVELOPE_FILE, MANIFEST_FILE, WEIGHTS_FILE, type FileEntry } from "./manifest.ts";
import { BLOCK, paddedBytes } from "./ustar.ts";

/** Zeros that move the data of weights.bin to a page. Not listed in the manifest: its length follows from what stands before it. */
export const PAD_FILE = "pad.bin";

const PAGE = 4096;

/** Members that are not files of the manifest. */
export function isReservedName(name: string): boolean {
  return name === MANIFEST_FILE || name === ENVELOPE_FILE || name === PAD_FILE;
}

/** Small files first, then the weights, then code: each group by name. */
export function sortFiles<T extends Pick<FileEntry, "name">>(files: readonly T[]): T[] {
  return [...files].sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Members in the order of the archive. */
export function membersOf(
  manifestBytes: number,
  envelopeBytes: number | undefined,
  files: readonly FileEntry[],
): { readonly name: string; readonly bytes: number }[] {
  const members: { name: string; bytes: number }[] = [];
  let at = 0;
  const add = (name: string, bytes: number): void => {
    members.push({ name, bytes });
    at += BLOCK + paddedBytes(bytes);
  };
  add(MANIFEST_FILE, manifestBytes);
  if (envelopeBytes !== undefined) add(ENVELOPE_FILE, envelopeBytes);
  for (const { name, bytes } of files) {
    // Behind pad.bin's header and data comes one more header, then the weights.
    if (name === WEIGHTS_FILE) add(PAD_FILE, (PAGE - ((at + 2 * BLOCK) % PAGE)) % PAGE);
    add(name, bytes);
  }
  return members;
}

function rank(name: string): number {
  return name.startsWith("code/") ? 2 : name === WEIGHTS_FILE ? 1 : 0;
}
