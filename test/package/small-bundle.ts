import { buildBundle, type BuildInput } from "../../src/package/build.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";

const port = (name: string, shape: readonly number[]) => ({ name, dtype: "f32", shape, bytes: 4 * shape.reduce((a, b) => a * b, 1) });

/** Two programs of two shapes, two kinds of code, shared weights, one known answer. The code is text: nothing here runs it. */
export function smallInput(): BuildInput {
  const code = (text: string) => new TextEncoder().encode(text);
  const weights = Uint8Array.from({ length: 96 }, (_, i) => i);
  const memory = (n: number) => ({ pages: 1, weights: 128, arena: 256, inputTable: 0, outputTable: 8, inputs: [1024], outputs: [1024 + 16 * n] });
  return {
    name: "small",
    compiler: "neo 0.1.0",
    programs: [1, 2].map((n) => ({ binding: { N: n }, inputs: [port("x", [n, 4])], outputs: [port("y", [n, 4])] })),
    artifacts: [
      {
        target: { name: "x86-64-v3", kind: "native", os: "linux", arch: "x86_64", cpuFeatures: ["avx2"], toolchain: { extension: "so" } },
        weights,
        programs: [1, 2].map((n) => ({ code: code(`native ${n}`), arenaBytes: 64 * n, stateBytes: 0 })),
      },
      {
        target: { name: "wasm", kind: "wasm", os: "any", arch: "wasm32", cpuFeatures: ["simd128"] },
        weights,
        programs: [1, 2].map((n) => ({ code: code(`wasm ${n}`), arenaBytes: 64 * n, stateBytes: 0, memory: memory(n) })),
      },
    ],
    selfTest: [{ program: 0, inputs: [{ seed: 1, low: -1, high: 1 }], outputs: [new Uint8Array(16)], tolerance: { abs: 1e-5, rel: 1e-4 } }],
  };
}

export function smallBundle(): Uint8Array {
  return buildBundle(smallInput(), nodeCrypto).bytes;
}

/** A fixed secret key: tests are the same each time. */
export const SECRET_KEY = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
export const PUBLIC_KEY = nodeCrypto.publicKeyOf(SECRET_KEY);
