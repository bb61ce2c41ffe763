import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { decodeData, tensor, type Tensor } from "../../src/ir/tensor.ts";
import { elementCount, type DType } from "../../src/ir/types.ts";

/** A tensor of a golden manifest: its bytes lie in the `.bin`, or it is made by the seeded generator. */
export interface GoldenTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offset?: number;
  readonly byteLength?: number;
  readonly regenerate?: boolean;
  readonly sha256?: string;
  readonly seedKey?: string;
  readonly lo?: number;
  readonly hi?: number;
  /** The blob holds flat elements 0, k, 2k, … */
  readonly stride?: number;
  /** The tensor is one of strings, and these are what its elements stand for. */
  readonly strings?: readonly string[];
}

export interface GoldenCase {
  /** Path of the manifest below the golden folder, without extension: how `--only` and `--expect` name it. */
  readonly name: string;
  readonly format: string;
  readonly model: string;
  readonly modelSha256?: string;
  readonly inputs: readonly GoldenTensor[];
  readonly outputs: readonly GoldenTensor[];
  readonly blob: () => Uint8Array;
  readonly manifest: Readonly<Record<string, unknown>>;
}

const DTYPES: Readonly<Record<string, DType>> = {
  float32: "f32",
  float64: "f64",
  float16: "f16",
  bfloat16: "bf16",
  int64: "i64",
  int32: "i32",
  int16: "i16",
  int8: "i8",
  uint64: "u64",
  uint32: "u32",
  uint16: "u16",
  uint8: "u8",
  bool: "bool",
  string: "string",
};

/** Every case below `root`/golden, sorted by name. */
export function goldenCases(root: string): GoldenCase[] {
  const folder = join(root, "golden");
  const files = (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : []).filter((file) => file.endsWith(".json")).sort();
  return files.flatMap((file) => {
    const manifest = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
    if (typeof manifest["model"] !== "string") return [];
    const name = relative(".", file)
      .replace(/\.json$/, "")
      .replaceAll("\\", "/");
    return [
      {
        name,
        format: name.split("/").slice(0, -1).join("/"),
        model: manifest["model"],
        ...(typeof manifest["modelSha256"] === "string" ? { modelSha256: manifest["modelSha256"] } : {}),
        inputs: (manifest["inputs"] ?? []) as GoldenTensor[],
        outputs: (manifest["outputs"] ?? []) as GoldenTensor[],
        blob: () => readFileSync(join(folder, file.replace(/\.json$/, ".bin"))),
        manifest,
      },
    ];
  });
}

export function dtypeOf(golden: GoldenTensor): DType {
  const dtype = DTYPES[golden.dtype];
  if (!dtype) throw new Error(`golden tensor ${golden.name} has dtype ${golden.dtype}`);
  return dtype;
}

/** An input's data: read, or generated; its digest is checked where the manifest has one. */
export function goldenInput(golden: GoldenTensor, blob: () => Uint8Array): Tensor {
  const dtype = dtypeOf(golden);
  const count = elementCount(golden.shape);
  if (golden.regenerate) {
    const value = generate(golden.seedKey!, dtype, golden.shape, golden.lo!, golden.hi!);
    return value;
  }
  const bytes = blob().subarray(golden.offset!, golden.offset! + golden.byteLength!);
  if (golden.sha256 && createHash("sha256").update(bytes).digest("hex") !== golden.sha256) throw new Error(`input ${golden.name} does not have its sha256`);
  return { type: { dtype, shape: golden.shape }, data: decodeData(dtype, bytes, count) };
}

/** Elements of an expected output: all, or every stride-th. */
export function goldenOutput(
  golden: GoldenTensor,
  blob: Uint8Array,
): { readonly dtype: DType; readonly data: ArrayLike<number | bigint | string>; readonly stride: number } {
  const dtype = dtypeOf(golden);
  const stride = golden.stride ?? 1;
  const bytes = blob.subarray(golden.offset!, golden.offset! + golden.byteLength!);
  return { dtype, data: decodeData(dtype, bytes, Math.ceil(elementCount(golden.shape) / stride)), stride };
}

/** The input generator of the corpus: FNV-1a of the key seeds mulberry32. */
export function generate(seedKey: string, dtype: DType, shape: readonly number[], low: number, high: number): Tensor {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(seedKey)) state = Math.imul(state ^ byte, 0x01000193);
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const float = dtype === "f32" || dtype === "f64" || dtype === "f16" || dtype === "bf16";
  const values = Float64Array.from({ length: elementCount(shape) }, () => {
    const u = next() / 2 ** 32;
    if (dtype === "bool") return Math.floor(2 * u);
    return float ? Math.fround(low + (high - low) * u) : low + Math.floor((high - low + 1) * u);
  });
  return tensor(dtype, shape, values);
}

/** Path of the model, or undefined where it is in an npm package that is not installed. */
export function modelPath(golden: GoldenCase, root: string, project: string): string | undefined {
  const npm = /^npm ((?:@[^/]+\/)?[^@]+)@([^:]+):(.*)$/.exec(golden.model);
  if (!npm) return join(root, golden.model);
  const folder = join(project, "node_modules", npm[1]!);
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest) || (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version !== npm[2]) return undefined;
  return join(folder, npm[3]!.replace(/^package\//, ""));
}

export function digestMatches(golden: GoldenCase, bytes: Uint8Array): boolean {
  return golden.modelSha256 === undefined || createHash("sha256").update(bytes).digest("hex") === golden.modelSha256;
}
