import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import binaryen from "binaryen";
import { buildBundle, type BuildArtifact, type BuildCode, type BuildInput } from "../../src/package/build.ts";
import type { ManifestPort } from "../../src/package/manifest.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { probeMachine } from "../../src/support/node/probe.ts";

/**
 * Models written by hand, the same in C and WebAssembly, with weights `w[0] = 3`:
 * `scale`: y = x * w[0] + runs so far, counted in the state at arena[0].
 * `stepwise`: step 0 puts x * w[0] at byte 64 of the arena, step 1 is the host's, step 2 gives y = what is at byte 128, + 1.
 */
export type Kind = "scale" | "stepwise";

export const ARENA_BYTES = 256;

export function port(name: string, shape: readonly number[], dtype = "f32"): ManifestPort {
  return { name, dtype, shape, bytes: 4 * shape.reduce((n, d) => n * d, 1) };
}

export const WEIGHTS = new Uint8Array(Float32Array.of(3, 0, 0, 0).buffer);

/** A compiler for this machine; undefined where there is none. */
export const CC = ["gcc", "clang", "clang-19", "cc"].find((command) => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** With CI=true a missing compiler fails the tests instead of skipping them. */
export const NO_NATIVE = CC === undefined && process.env["CI"] !== "true";

export function bundleOf(shapes: readonly (readonly number[])[], artifacts: readonly BuildArtifact[], more: Partial<BuildInput> = {}): Uint8Array {
  return buildBundle(
    {
      name: "tiny",
      compiler: "neo 0.1.0",
      programs: shapes.map((shape) => ({ binding: { x: shape }, inputs: [port("x", shape)], outputs: [port("y", shape)] })),
      artifacts,
      ...more,
    },
    nodeCrypto,
  ).bytes;
}

export function wasmArtifact(counts: readonly number[], kind: Kind = "scale", more: Partial<BuildCode> = {}): BuildArtifact {
  return {
    target: { name: "wasm", kind: "wasm", os: "any", arch: "wasm32", cpuFeatures: [] },
    weights: WEIGHTS,
    programs: counts.map((n) => ({
      code: wasmCode(n, kind),
      arenaBytes: ARENA_BYTES,
      stateBytes: 16,
      memory: { pages: 1, weights: 1024, arena: 1280, inputTable: 0, outputTable: 4, inputs: [2049], outputs: [4097] },
      ...more,
    })),
  };
}

export function nativeArtifact(
  counts: readonly number[],
  kind: Kind = "scale",
  more: Partial<BuildCode> = {},
  target: Partial<BuildArtifact["target"]> = {},
): BuildArtifact {
  const { os, arch } = probeMachine();
  return {
    target: { name: "here", kind: "native", os, arch, cpuFeatures: [], toolchain: { extension: "so" }, ...target },
    weights: WEIGHTS,
    programs: counts.map((n) => ({ code: nativeCode(cSource(n, kind)), arenaBytes: ARENA_BYTES, stateBytes: 16, ...more })),
  };
}

export function wasmCode(n: number, kind: Kind = "scale", abi = 1): Uint8Array {
  const each = (body: string): string =>
    `(local.set $k (i32.const 0)) (loop $l ${body} (local.set $k (i32.add (local.get $k) (i32.const 4))) (br_if $l (i32.lt_u (local.get $k) (i32.const ${4 * n}))))`;
  const x = "(f32.load (i32.add (i32.load (local.get $in)) (local.get $k)))";
  const y = "(i32.add (i32.load (local.get $out)) (local.get $k))";
  const scaled = `(f32.mul ${x} (f32.load (local.get $w)))`;
  const atArena = (offset: number): string => `offset=${offset} (i32.add (local.get $arena) (local.get $k))`;
  const tables = "(param $w i32) (param $in i32) (param $out i32) (param $arena i32)";
  const run =
    kind === "scale"
      ? `(func (export "model_run") ${tables} (local $k i32)
           ${each(`(f32.store ${y} (f32.add ${scaled} (f32.load (local.get $arena))))`)}
           (f32.store (local.get $arena) (f32.add (f32.load (local.get $arena)) (f32.const 1))))`
      : `(func (export "model_run_steps") ${tables} (param $first i32) (param $last i32) (local $k i32)
           (if (i32.eqz (local.get $first)) (then ${each(`(f32.store ${atArena(64)} ${scaled})`)}))
           (if (i32.eq (local.get $last) (i32.const 3)) (then ${each(`(f32.store ${y} (f32.add (f32.load ${atArena(128)}) (f32.const 1)))`)})))`;
  const module = binaryen.parseText(`(module (memory (export "memory") 1 1)
    (func (export "model_abi") (result i32) (i32.const ${abi}))
    (func (export "model_arena_bytes") (result i32) (i32.const ${ARENA_BYTES}))
    (func (export "model_weight_bytes") (result i32) (i32.const 4))
    ${run})`);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

export function cSource(n: number, kind: Kind = "scale", abi = 1): string {
  const each = (body: string): string => `for (int k = 0; k < ${n}; k++) ${body}`;
  const run =
    kind === "scale"
      ? `void model_run(const void *w, const void *const *in, void *const *out, void *arena) {
           ${each("((float *)out[0])[k] = ((const float *)in[0])[k] * ((const float *)w)[0] + ((float *)arena)[0];")}
           ((float *)arena)[0] += 1;
         }`
      : `void model_run_steps(const void *w, const void *const *in, void *const *out, void *arena, int first, int last) {
           if (first == 0) ${each("((float *)arena)[16 + k] = ((const float *)in[0])[k] * ((const float *)w)[0];")}
           if (last == 3) ${each("((float *)out[0])[k] = ((float *)arena)[32 + k] + 1;")}
         }`;
  return `unsigned model_abi(void) { return ${abi}; }
    __SIZE_TYPE__ model_arena_bytes(void) { return ${ARENA_BYTES}; }
    __SIZE_TYPE__ model_weight_bytes(void) { return 4; }
    ${run}`;
}

const compiled = new Map<string, Uint8Array>();

/** A freestanding shared object. */
export function nativeCode(source: string): Uint8Array {
  const known = compiled.get(source);
  if (known) return known;
  const folder = mkdtempSync(join(tmpdir(), "neo-test-"));
  try {
    writeFileSync(join(folder, "model.c"), source);
    execFileSync(CC!, ["-O1", "-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-o", join(folder, "model.so"), join(folder, "model.c")]);
    const code = new Uint8Array(readFileSync(join(folder, "model.so")));
    compiled.set(source, code);
    return code;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
