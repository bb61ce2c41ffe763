import { NeoError, type Note } from "../support/errors.ts";
import { parseCanonicalJson } from "./canonical-json.ts";
import { equalBytes, sha256Hex, toHex, type CryptoEngine } from "./crypto.ts";
import { readEnvelope, type Envelope } from "./dsse.ts";
import type { Trust } from "./keys.ts";
import { checkManifest } from "./manifest-schema.ts";
import { BUNDLE_FORMAT, ENVELOPE_FILE, MANIFEST_FILE, WEIGHTS_FILE, type FileEntry, type Manifest } from "./manifest.ts";
import { membersOf, PAD_FILE } from "./members.ts";
import { leafDigests, merkleRoot } from "./merkle.ts";
import { checkTrust, type SignatureReport } from "./trust.ts";
import { BLOCK, isHeader, paddedBytes, readHeader } from "./ustar.ts";

export interface ReadOptions {
  readonly trust: Trust;
  readonly crypto: CryptoEngine;
  /** How errors call it. Default "the bundle". */
  readonly file?: string;
}

/** A bundle whose every byte was checked: signatures against `trust`, files against the manifest. */
export interface Bundle {
  readonly manifest: Manifest;
  /** The signed bytes. */
  readonly manifestBytes: Uint8Array;
  readonly envelope?: Envelope;
  /** SHA-256 of the manifest: names the content, signed or not. */
  readonly digest: string;
  readonly report: BundleReport;
  /** Content of a member, as a view of the bundle; undefined where there is none of that name. */
  file(name: string): Uint8Array | undefined;
}

export interface BundleReport {
  readonly signatures: readonly SignatureReport[];
  /** Empty where the signatures already failed: nothing behind them is read then. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly ok: boolean }[];
}

/** Bounds of what is read before a signature is known to be good. */
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const MAX_ENVELOPE_BYTES = 24 * 2 ** 20;

/** The bundle in `bytes`. Throws at the first stage that fails: signatures, manifest, archive, digests. */
export function readBundle(bytes: Uint8Array, options: ReadOptions): Bundle {
  const { bundle, error } = examineBundle(bytes, options);
  if (!bundle) throw error;
  return bundle;
}

/** The same, with the report of what was found until then in either case. */
export function examineBundle(bytes: Uint8Array, options: ReadOptions): { readonly report: BundleReport; readonly bundle?: Bundle; readonly error?: NeoError } {
  const { crypto, trust, file: name = "the bundle" } = options;
  let report: BundleReport = { signatures: [], files: [] };
  try {
    const head = readHead(bytes, name);
    const { signatures, error } = checkTrust(head.envelope, trust, crypto, name);
    report = { signatures, files: [] };
    if (error) throw error;
    const manifest = readManifest(head.manifestBytes, name);
    const contents = readMembers(bytes, head, manifest, name);
    const files = manifest.files.map((entry) => ({
      name: entry.name,
      bytes: entry.bytes,
      ok: contentFits(entry, contents.get(entry.name)!, manifest, crypto),
    }));
    report = { signatures, files };
    const changed = files.filter((entry) => !entry.ok);
    if (changed.length > 0)
      throw damaged(
        name,
        changed.map((entry) => ({ where: entry.name, text: "differs from its digest in the manifest" })),
      );
    const bundle: Bundle = {
      manifest,
      manifestBytes: head.manifestBytes,
      ...(head.envelope ? { envelope: head.envelope } : {}),
      digest: sha256Hex(crypto, head.manifestBytes),
      report,
      file: (wanted) => contents.get(wanted),
    };
    return { report, bundle };
  } catch (error) {
    if (error instanceof NeoError) return { report, error };
    throw error;
  }
}

interface Head {
  readonly manifestBytes: Uint8Array;
  readonly envelope: Envelope | undefined;
  readonly envelopeBytes: number | undefined;
}

/** Manifest and signatures, all that may be read before trust is established. */
function readHead(bytes: Uint8Array, name: string): Head {
  const first = readHeader(bytes, 0);
  if (first?.name !== MANIFEST_FILE) throw damaged(name, [{ where: "byte 0", text: `wanted the header of ${MANIFEST_FILE}: is it a bundle?` }]);
  const manifestBytes = member(bytes, 0, first.bytes, MAX_MANIFEST_BYTES, name);
  const at = BLOCK + paddedBytes(first.bytes);
  const second = readHeader(bytes, at);
  if (second?.name !== ENVELOPE_FILE) return { manifestBytes, envelope: undefined, envelopeBytes: undefined };
  const envelope = readEnvelope(member(bytes, at, second.bytes, MAX_ENVELOPE_BYTES, name));
  if (!envelope) throw damaged(name, [{ where: ENVELOPE_FILE, text: "is no canonical DSSE envelope" }]);
  if (!equalBytes(envelope.payload, manifestBytes)) throw damaged(name, [{ where: ENVELOPE_FILE, text: `covers another ${MANIFEST_FILE}` }]);
  return { manifestBytes, envelope, envelopeBytes: second.bytes };
}

function readManifest(bytes: Uint8Array, name: string): Manifest {
  const value = parseCanonicalJson(bytes);
  if (value === undefined) throw damaged(name, [{ where: MANIFEST_FILE, text: "is no canonical JSON (RFC 8785)" }]);
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === "number" && format > BUNDLE_FORMAT) {
    throw new NeoError({
      code: "NEO3055",
      message: `${name} has bundle format ${format}, this version reads format ${BUNDLE_FORMAT}`,
      hint: "update neo, or compile the model again with this version",
      file: name,
    });
  }
  const checked = checkManifest(value);
  if ("findings" in checked)
    throw damaged(
      name,
      checked.findings.map(({ where, text }) => ({ where: `${MANIFEST_FILE} ${where}`, text })),
    );
  return checked.manifest;
}

/** Contents of the listed files. With the manifest known, the whole archive but their contents is known: anything else is refused. */
function readMembers(bytes: Uint8Array, head: Head, manifest: Manifest, name: string): ReadonlyMap<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  let at = 0;
  for (const wanted of membersOf(head.manifestBytes.length, head.envelopeBytes, manifest.files)) {
    if (!isHeader(bytes, at, wanted.name, wanted.bytes))
      throw damaged(name, [{ where: `byte ${at}`, text: `wanted the header of ${wanted.name} with ${wanted.bytes} bytes` }]);
    const content = member(bytes, at, wanted.bytes, Infinity, name);
    if (wanted.name === PAD_FILE && !isZero(content)) throw damaged(name, [{ where: PAD_FILE, text: "is not zero" }]);
    contents.set(wanted.name, content);
    at += BLOCK + paddedBytes(wanted.bytes);
  }
  if (bytes.length !== at + 2 * BLOCK || !isZero(bytes.subarray(at))) {
    throw damaged(name, [{ where: `byte ${at}`, text: `wanted the end: ${2 * BLOCK} zero bytes, found ${bytes.length - at} bytes` }]);
  }
  return contents;
}

/** Content of the member whose header is at `at`, its padding checked. */
function member(bytes: Uint8Array, at: number, size: number, limit: number, name: string): Uint8Array {
  const start = at + BLOCK;
  if (size > limit) throw damaged(name, [{ where: `byte ${at}`, text: `found a member of ${size} bytes, at most ${limit} are read here` }]);
  if (start + paddedBytes(size) > bytes.length)
    throw damaged(name, [{ where: `byte ${bytes.length}`, text: `the file ends inside a member of ${size} bytes that begins at ${at}` }]);
  if (!isZero(bytes.subarray(start + size, start + paddedBytes(size)))) throw damaged(name, [{ where: `byte ${start + size}`, text: "padding is not zero" }]);
  return bytes.subarray(start, start + size);
}

/** Weights are hashed once, by leaves: these bind every byte as well as the digest of the whole does. */
function contentFits(entry: FileEntry, content: Uint8Array, manifest: Manifest, crypto: CryptoEngine): boolean {
  if (entry.name !== WEIGHTS_FILE) return sha256Hex(crypto, content) === entry.sha256;
  const leaves = leafDigests(crypto, content);
  return leaves.every((leaf, i) => toHex(leaf) === manifest.weights?.leaves[i]) && toHex(merkleRoot(crypto, leaves)) === manifest.weights?.root;
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

function damaged(name: string, notes: readonly Note[]): NeoError {
  return new NeoError({ code: "NEO5000", message: `${name} is damaged or was changed`, notes, hint: "fetch or compile the bundle again", file: name });
}
