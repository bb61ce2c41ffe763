import { InternalError } from "../support/errors.ts";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { sha256Hex, type CryptoEngine } from "./crypto.ts";
import { checkManifest } from "./manifest-schema.ts";
import { ENVELOPE_FILE, MANIFEST_FILE, type FileEntry, type Manifest } from "./manifest.ts";
import { membersOf, PAD_FILE } from "./members.ts";
import { writeArchive } from "./ustar.ts";

export interface BuiltBundle {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest: names the content, signed or not. */
  readonly digest: string;
}

/** The unsigned bundle of a manifest and the files it lists. */
export function writeBundle(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>, crypto: CryptoEngine): BuiltBundle {
  const checked = checkManifest(manifest);
  if ("findings" in checked) throw new InternalError("writeBundle", checked.findings.map(({ where, text }) => `${where}: ${text}`).join("; "));
  const manifestBytes = new TextEncoder().encode(canonicalJson(manifest as unknown as Json));
  return { bytes: assemble(manifestBytes, undefined, manifest.files, (name) => files.get(name)!), manifest, digest: sha256Hex(crypto, manifestBytes) };
}

/** The archive of its parts; `contentOf` gives the bytes of listed files. */
export function assemble(
  manifest: Uint8Array,
  envelope: Uint8Array | undefined,
  files: readonly FileEntry[],
  contentOf: (name: string) => Uint8Array,
): Uint8Array {
  return writeArchive(
    membersOf(manifest.length, envelope?.length, files).map(({ name, bytes }) => {
      if (name === MANIFEST_FILE) return [name, manifest];
      if (name === ENVELOPE_FILE) return [name, envelope!];
      return [name, name === PAD_FILE ? new Uint8Array(bytes) : contentOf(name)];
    }),
  );
}
