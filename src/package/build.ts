import { InternalError, NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { equalBytes, sha256Hex, toHex, type CryptoEngine } from "./crypto.ts";
import { dtypeBytes } from "./dtypes.ts";
import {
  BUNDLE_FORMAT,
  CODE_ABI,
  SELF_TEST_FILE,
  WEIGHTS_FILE,
  type Artifact,
  type FileEntry,
  type Manifest,
  type ManifestExtent,
  type ManifestLimit,
  type ManifestLists,
  type ManifestPort,
  type BoundSize,
  type ManifestProgram,
  type ManifestStep,
  type Range,
  type StepNote,
  type SelfTestOutput,
  type SelfTestSeed,
  type SelfTestVector,
  type Tolerance,
  type WasmMemory,
} from "./manifest.ts";
import { LEAF_BYTES, leafDigests, merkleRoot } from "./merkle.ts";
import { preprocessProblem, printPreprocess, type PreprocessSpec } from "./preprocess-spec.ts";
import { sortFiles } from "./members.ts";
import { writeBundle, type BuiltBundle } from "./write-bundle.ts";

export type { BuiltBundle };

/** What the compiler hands over. The `Program` and `TargetProfile` records fit as they are. */
export interface BuildInput {
  readonly name: string;
  /** Default "0". */
  readonly version?: string;
  /** Default 0. */
  readonly release?: number;
  /** Tool and version: "neo 0.1.0". */
  readonly compiler: string;
  readonly programs: readonly BuildProgram[];
  /** In order of preference. */
  readonly artifacts: readonly BuildArtifact[];
  /** By input name. */
  readonly preprocess?: Readonly<Record<string, PreprocessSpec>>;
  readonly selfTest?: readonly BuildSelfTest[];
  /** Texts that strings are places of. Default: none. */
  readonly texts?: readonly string[];
}

/** One binding of the model's shapes. */
export interface BuildProgram {
  readonly binding: ManifestProgram["binding"];
  readonly inputs: readonly ManifestPort[];
  readonly outputs: readonly ManifestPort[];
  readonly lists?: ManifestLists;
}

export interface BuildTarget {
  readonly name: string;
  readonly kind: "native" | "wasm";
  readonly os: string;
  readonly arch: string;
  readonly cpuFeatures: readonly string[];
  readonly toolchain?: { readonly extension: string };
}

export interface BuildArtifact {
  /** The profile: all of it goes into the digest. */
  readonly target: BuildTarget;
  /** The whole pool of this packing. Equal packings are stored once. */
  readonly weights: Uint8Array;
  /** One for each of `BuildInput.programs`, in its order. */
  readonly programs: readonly BuildCode[];
}

export interface BuildCode {
  /** The shared object or the WebAssembly module. */
  readonly code: Uint8Array;
  readonly arenaBytes: number;
  readonly stateBytes: number;
  /** Default: none. */
  readonly extents?: readonly ManifestExtent[];
  /** Default: none. */
  readonly limits?: readonly ManifestLimit[];
  /** Default: none, `model_run` runs it all. */
  readonly steps?: readonly ManifestStep[];
  /** Of a program to be profiled. */
  readonly notes?: readonly StepNote[];
  /** What engines of regions read, by its name in the bundle. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Needed for kind wasm. */
  readonly memory?: WasmMemory;
}

/** One known answer. Data is dense and little-endian, as at the border of the program. */
export interface BuildSelfTest {
  /** Index into `BuildInput.programs`. */
  readonly program: number;
  /** Bytes, or a seed of `seededBytes`, which is smaller in the bundle. */
  readonly inputs: readonly (SelfTestSeed | Uint8Array)[];
  /** Whole outputs; at most `SELF_TEST_ELEMENTS` evenly spaced elements of each are stored. */
  readonly outputs: readonly Uint8Array[];
  readonly tolerance: Tolerance;
}

export const SELF_TEST_ELEMENTS = 4096;

/** Packings begin at a page, so that each can be mapped alone. */
const WEIGHTS_ALIGN = 4096;

/** An unsigned bundle; `signBundle` adds signatures. The same input gives the same bytes. */
export function buildBundle(input: BuildInput, crypto: CryptoEngine): BuiltBundle {
  const files = new Map<string, Uint8Array>();
  const ids = programIds(input.programs);
  const programs: ManifestProgram[] = input.programs.map((program, i) => ({
    id: ids[i]!,
    binding: program.binding,
    inputs: program.inputs.map(portEntry),
    outputs: program.outputs.map(portEntry),
    ...(program.lists ? { lists: program.lists } : {}),
  }));
  checkPreprocess(input);
  const pool = new RangePool(WEIGHTS_ALIGN);
  const artifacts = buildArtifacts(input, ids, pool, files, crypto);
  const weights = pool.bytes();
  if (weights.length > 0) files.set(WEIGHTS_FILE, weights);
  const vectors = new RangePool(8);
  const selfTest = (input.selfTest ?? []).map((test) => buildSelfTest(test, programs, vectors));
  if (vectors.bytes().length > 0) files.set(SELF_TEST_FILE, vectors.bytes());
  const leaves = leafDigests(crypto, weights);
  const manifest: Manifest = {
    format: BUNDLE_FORMAT,
    name: input.name,
    version: input.version ?? "0",
    release: input.release ?? 0,
    compiler: input.compiler,
    programs,
    artifacts,
    files: sortFiles([...files].map(([name, bytes]): FileEntry => ({ name, bytes: bytes.length, sha256: sha256Hex(crypto, bytes) }))),
    ...(weights.length > 0 ? { weights: { leafBytes: LEAF_BYTES, leaves: leaves.map(toHex), root: toHex(merkleRoot(crypto, leaves)) } } : {}),
    ...(input.texts?.length ? { texts: input.texts } : {}),
    preprocess: input.preprocess ?? {},
    selfTest,
  };
  return writeBundle(manifest, files, crypto);
}

function buildArtifacts(input: BuildInput, ids: readonly string[], pool: RangePool, files: Map<string, Uint8Array>, crypto: CryptoEngine): Artifact[] {
  const folders = unique(
    input.artifacts.map(({ target }) =>
      target.kind === "wasm" ? `wasm/${slug(target.name)}` : `${slug(target.os)}-${slug(target.arch)}/${slug(target.name)}`,
    ),
  );
  return input.artifacts.map(({ target, weights, programs }, i) => {
    if (programs.length !== ids.length)
      throw new InternalError("buildBundle", `target ${target.name} has code for ${programs.length} of ${ids.length} programs`);
    const extension = target.kind === "wasm" ? "wasm" : (target.toolchain?.extension ?? "so");
    return {
      id: folders[i]!.replaceAll("/", "-"),
      kind: target.kind,
      target: { name: target.name, digest: sha256Hex(crypto, new TextEncoder().encode(canonicalJson(target as unknown as Json))) },
      needs: { os: target.os, arch: target.arch, cpuFeatures: [...target.cpuFeatures].sort(), abi: CODE_ABI },
      weights: pool.add(weights),
      programs: programs.map(({ code, arenaBytes, stateBytes, extents, limits = [], steps, notes, files: read = new Map<string, Uint8Array>(), memory }, p) => {
        for (const [name, bytes] of read) files.set(name, bytes);
        const file = `code/${folders[i]}/${ids[p]}.${extension}`;
        files.set(file, code);
        const further = { ...(limits.length > 0 ? { limits } : {}), ...(notes ? { notes } : {}), ...(memory ? { memory } : {}) };
        return { file, arenaBytes, stateBytes, extents: extents ?? [], steps: steps ?? [], ...further };
      }),
    };
  });
}

/** Users say how pictures become inputs; all that does not fit the model is in one error. */
function checkPreprocess({ preprocess = {}, programs, name: model }: BuildInput): void {
  const notes = Object.entries(preprocess).flatMap(([name, spec]) => {
    const names = programs[0]!.inputs.map((port) => port.name);
    const near = nearestWord(name, names);
    if (!names.includes(name)) return [{ where: name, text: near ? `is no input, did you mean ${near}?` : `is no input, found inputs: ${names.join(", ")}` }];
    const problems = programs.map((program) =>
      preprocessProblem(
        program.inputs.find((port) => port.name === name)!,
        spec,
      ),
    );
    return problems.flatMap((text) => (text === undefined ? [] : [{ where: `${name}=${printPreprocess(spec)}`, text }]));
  });
  if (notes.length === 0) return;
  throw new NeoError({
    code: "NEO1056",
    message: `the preprocessing does not fit the inputs of ${model}`,
    notes,
    hint: "`neo inspect` lists the inputs of a model",
  });
}

function portEntry({ name, dtype, shape, bytes, labels, table }: ManifestPort): ManifestPort {
  return { name, dtype, shape: [...shape], bytes, ...(labels ? { labels: [...labels] } : {}), ...(table ? { table } : {}) };
}

function buildSelfTest(test: BuildSelfTest, programs: readonly ManifestProgram[], vectors: RangePool): SelfTestVector {
  const program = programs[test.program];
  if (!program) throw new InternalError("buildBundle", `a self-test names program ${test.program} of ${programs.length}`);
  return {
    program: program.id,
    inputs: test.inputs.map((data) => (data instanceof Uint8Array ? vectors.add(data) : data)),
    outputs: test.outputs.map((data, i) => sampled(data, program.outputs[i]!, vectors)),
    tolerance: test.tolerance,
  };
}

function sampled(data: Uint8Array, port: ManifestPort, vectors: RangePool): SelfTestOutput {
  const width = dtypeBytes(port.dtype)!;
  const stride = Math.max(1, Math.ceil(data.length / width / SELF_TEST_ELEMENTS));
  if (stride === 1) return { ...vectors.add(data), stride };
  const kept = new Uint8Array(Math.ceil(data.length / width / stride) * width);
  for (let from = 0, to = 0; from < data.length; from += stride * width, to += width) kept.set(data.subarray(from, from + width), to);
  return { ...vectors.add(kept), stride };
}

/** "main" for a lone program, else the binding in words: "n4-h32", or of input shapes "x-1x3x48x320". */
function programIds(programs: readonly BuildProgram[]): string[] {
  if (programs.length === 1) return ["main"];
  const words = programs.map(({ binding }) =>
    Object.keys(binding)
      .sort()
      .map((key) => `${key}${Array.isArray(binding[key]) ? `-${(binding[key] as BoundSize[]).join("x")}` : String(binding[key])}`)
      .join("-"),
  );
  return unique(words.map((text) => slug(text)));
}

/** A part of a file name. */
function slug(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .slice(0, 32)
      .replace(/^-+|-+$/g, "") || "x"
  );
}

function unique(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
    taken.add(free);
    return free;
  });
}

/** Aligned byte ranges, equal ones once. */
class RangePool {
  private readonly align: number;
  private readonly parts: { readonly range: Range; readonly bytes: Uint8Array }[] = [];
  private end = 0;

  constructor(align: number) {
    this.align = align;
  }

  add(bytes: Uint8Array): Range {
    const known = this.parts.find((part) => equalBytes(part.bytes, bytes));
    if (known) return known.range;
    const range = { offset: bytes.length === 0 ? 0 : Math.ceil(this.end / this.align) * this.align, bytes: bytes.length };
    this.parts.push({ range, bytes });
    this.end = Math.max(this.end, range.offset + range.bytes);
    return range;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.end);
    for (const { range, bytes } of this.parts) all.set(bytes, range.offset);
    return all;
  }
}
