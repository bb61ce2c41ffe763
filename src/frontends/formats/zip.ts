import { unzipSync, zipSync } from "fflate";
import { NeoError } from "../../support/errors.ts";
import { checkLimit, limitError, type Limits } from "../../support/limits.ts";

/** Small members may inflate beyond the ratio: a header of zeros is no bomb. */
const FREE_BYTES = 1 << 20;

/**
 * Members of a zip archive by name. Sizes, number and ratio are checked before anything is inflated; names are keys and never paths.
 * Throws NEO2013 where it is no such archive, NEO70xx beyond a limit.
 */
export function readZip(bytes: Uint8Array, file: string, limits: Limits): ReadonlyMap<string, Uint8Array> {
  checkLimit("fileBytes", limits, file, "bytes of the file:", bytes.length);
  const sizes = new Map<string, number>();
  let total = 0;
  const inflated = unzipped(bytes, file, (member) => {
    if (!Number.isSafeInteger(member.originalSize) || member.originalSize < 0 || sizes.has(member.name))
      throw malformed(file, `member ${member.name} comes twice or has the size ${member.originalSize}`);
    sizes.set(member.name, member.originalSize);
    total += member.originalSize;
    checkLimit("archiveMembers", limits, file, "members:", sizes.size);
    checkLimit("totalBytes", limits, file, "bytes of all members:", total);
    checkLimit("tensorBytes", limits, file, `bytes of member ${member.name}:`, member.originalSize);
    if (member.originalSize > FREE_BYTES + member.size * limits.archiveRatio)
      throw limitError("archiveRatio", limits, file, `ratio of member ${member.name}:`, Math.round(member.originalSize / Math.max(1, member.size)));
    return true;
  });
  const members = new Map<string, Uint8Array>();
  for (const [name, size] of sizes) {
    const data = Object.hasOwn(inflated, name) ? inflated[name]! : undefined;
    if (data?.length !== size) throw malformed(file, `member ${name} has ${data?.length ?? 0} bytes, its entry says ${size}`);
    members.set(name, data);
  }
  return members;
}

/** A zip of stored members. The same members give the same bytes at any time, in any place. */
export function writeZip(members: Iterable<readonly [name: string, bytes: Uint8Array]>): Uint8Array {
  // Local time of 1980-01-01: zip keeps local times, so no time zone shows.
  return zipSync(Object.fromEntries(members), { level: 0, mtime: new Date(1980, 0, 1) });
}

interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly originalSize: number;
}

function unzipped(bytes: Uint8Array, file: string, filter: (entry: ZipEntry) => boolean): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof NeoError) throw error;
    throw malformed(file, error instanceof Error ? error.message : String(error));
  }
}

function malformed(file: string, text: string): NeoError {
  return new NeoError({
    code: "NEO2013",
    message: `${file} is not a readable zip archive`,
    notes: [{ where: file, text }],
    hint: "the file is damaged or cut short",
    file,
  });
}
