import { buildBundle, type BuildInput } from "../../src/package/build.ts";
import { canonicalJson, type Json } from "../../src/package/canonical-json.ts";
import type { FileEntry } from "../../src/package/manifest.ts";
import { examineBundle, type Bundle } from "../../src/package/read-bundle.ts";
import { signBundle } from "../../src/package/sign-bundle.ts";
import { headerOf, readHeader } from "../../src/package/ustar.ts";
import { assemble } from "../../src/package/write-bundle.ts";
import { exitCodeFor } from "../../src/support/errors.ts";
import { nodeCrypto as crypto } from "../../src/support/node/crypto.ts";
import { PUBLIC_KEY, SECRET_KEY, smallInput } from "./small-bundle.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** The first of both limits ends it. */
  readonly runs?: number;
  readonly milliseconds?: number;
  /** For one bundle. */
  readonly limitMs?: number;
  /** What is damaged; default: the small bundle. */
  readonly input?: BuildInput;
  readonly onTaken?: (bundle: Bundle) => void;
}

export interface FuzzResult {
  readonly runs: number;
  /** How many went past the archive to the manifest's own checks, and how many were taken. */
  readonly parsed: number;
  readonly taken: number;
  readonly slowestMs: number;
}

/**
 * Feeds damaged bundles to the reader: bytes, headers and the manifest's fields are changed, the latter with an archive that fits
 * again. Throws at the first that is answered by anything but a `NeoError` of exit 5 (or 3 for a later format), is taken although
 * its signature can't be good, or takes longer than `limitMs`. Equal seeds give equal runs.
 */
export function fuzzBundleReader({ seed, runs = Infinity, milliseconds = Infinity, limitMs = 10_000, input = smallInput(), onTaken }: FuzzOptions): FuzzResult {
  const random = generator(seed);
  const built = buildBundle(input, crypto);
  const original = signBundle(built.bytes, SECRET_KEY, crypto);
  const files = new Map(built.manifest.files.map(({ name }) => [name, examineBundle(original, { trust: "unsigned", crypto }).bundle!.file(name)!]));
  const result = { runs: 0, parsed: 0, taken: 0, slowestMs: 0 };
  const started = performance.now();
  for (; result.runs < runs && performance.now() - started < milliseconds; result.runs++) {
    const byFields = random(2) === 0;
    const bytes = byFields ? withOtherFields(built.manifest as unknown as Json, files, random) : withOtherBytes(original, random);
    const label = `seed ${seed}, run ${result.runs}`;
    const start = performance.now();
    const { bundle, error } = examine(bytes, byFields ? "unsigned" : [PUBLIC_KEY], label);
    const took = performance.now() - start;
    result.slowestMs = Math.max(result.slowestMs, took);
    if (took > limitMs) throw new Error(`${label}: ${took} ms`);
    if (bundle) result.taken++;
    if (bundle) onTaken?.(bundle);
    if (bundle && !byFields && Buffer.compare(bytes, original) !== 0) throw new Error(`${label}: a changed bundle was taken`);
    if (byFields) result.parsed++;
    if (error && exitCodeFor(error) !== 5 && error.code !== "NEO3055") throw new Error(`${label}: ${error.code}`);
  }
  return result;
}

function examine(bytes: Uint8Array, trust: "unsigned" | readonly Uint8Array[], label: string): ReturnType<typeof examineBundle> {
  try {
    return examineBundle(bytes, { trust, crypto });
  } catch (error) {
    throw new Error(`${label}: ${String(error)}`, { cause: error });
  }
}

type Random = (below: number) => number;

function generator(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

function withOtherBytes(original: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = original.slice();
  for (let n = 1 + random(3); n > 0; n--) {
    const at = random(bytes.length + 1);
    const length = 1 << random(12);
    switch (random(7)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random(8);
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 3:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at));
        break;
      case 4:
        bytes.fill(random(256), at, at + length);
        break;
      case 5:
        bytes = join(bytes, new Uint8Array(length).fill(random(2) * random(256)));
        break;
      default:
        bytes = withOtherHeader(bytes, random);
    }
  }
  return bytes;
}

/** A header with a good checksum and another name or size. */
function withOtherHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const places: number[] = [];
  for (let at = 0; at + 512 <= bytes.length; at += 512) if (readHeader(bytes, at)) places.push(at);
  if (places.length === 0) return bytes;
  const at = places[random(places.length)]!;
  const header = readHeader(bytes, at)!;
  const sizes = [0, header.bytes + 1, Math.max(header.bytes - 1, 0), 2 ** random(33), 8 ** 11 - 1];
  const names = [header.name, "manifest.json", "manifest.dsse", "pad.bin", "weights.bin", "code/x"];
  const changed = bytes.slice();
  changed.set(headerOf(names[random(names.length)]!, sizes[random(sizes.length)]!), at);
  return changed;
}

const STRANGE: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e300,
  "",
  "x",
  "../../x",
  "__proto__",
  [],
  {},
  [[]],
  { offset: 0, bytes: 8 },
];

/** A canonical manifest with some fields changed, in an archive whose lengths and digests fit it wherever they can. */
function withOtherFields(manifest: Json, files: ReadonlyMap<string, Uint8Array>, random: Random): Uint8Array {
  const changed = structuredClone(manifest) as Json;
  for (let n = 1 + random(2) * random(3); n > 0; n--) {
    const places = placesOf(changed);
    const [node, key] = places[random(places.length)]!;
    const now = node[key];
    const kind = random(8);
    if (kind === 0) delete node[key];
    else if (kind > 2 && typeof now === "number") node[key] = random(2) === 0 ? now + random(5) - 2 : now + 4 ** random(7);
    else if (kind === 1) {
      const [other, name] = places[random(places.length)]!;
      node[key] = structuredClone(other[name])!;
    } else node[key] = structuredClone(STRANGE[random(STRANGE.length)])!; // a shared object could come to hold itself
  }
  const text = new TextEncoder().encode(printed(changed));
  const entries = (changed as { files?: unknown } | null)?.files;
  const listed = Array.isArray(entries) ? (entries as FileEntry[]).filter((entry) => typeof entry?.name === "string" && files.has(entry.name)) : [];
  return assemble(
    text,
    undefined,
    listed.map((entry) => ({ ...entry, bytes: files.get(entry.name)!.length })),
    (name) => files.get(name)!,
  );
}

function printed(value: Json): string {
  try {
    return canonicalJson(value);
  } catch {
    return "{}"; // Nested too deep by copying a part into itself.
  }
}

function placesOf(value: unknown, found: [Record<string, Json>, string][] = []): [Record<string, Json>, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Record<string, Json>, key]);
    placesOf((value as Record<string, unknown>)[key], found);
  }
  return found;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
