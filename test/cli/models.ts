import { tensor } from "../../src/ir/tensor.ts";
import { buildBundle } from "../../src/package/build.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { node, value, writeOnnx, type NodeSpec } from "../fixtures/onnx-writer.ts";

/** y = tanh(x * w + b) over [1, 4]: small, and with a function that each executor computes in its own way. */
export function goodModel(): Uint8Array {
  return writeOnnx({
    nodes: [
      node("Mul", ["x", "w"], ["m"], {}, { name: "scale" }),
      node("Add", ["m", "b"], ["s"], {}, { name: "shift" }),
      node("Tanh", ["s"], ["y"], {}, { name: "bend" }),
    ],
    inputs: [value("x", "f32", [1, 4])],
    outputs: [value("y", "f32", [1, 4])],
    initializers: { w: tensor("f32", [4], [1, 2, 3, 4]), b: tensor("f32", [4], [0.5, 0, -0.5, 1]) },
  });
}

/** From x to y, both [1, 4], through these nodes, which may read the matrix w and the row b. */
export function rowModel(...nodes: readonly NodeSpec[]): Uint8Array {
  const matrix = Array.from({ length: 16 }, (_, i) => i / 7);
  return writeOnnx({
    nodes,
    inputs: [value("x", "f32", [1, 4])],
    outputs: [value("y", "f32", [1, 4])],
    initializers: { w: tensor("f32", [4, 4], matrix), b: tensor("f32", [4], [1, 2, 3, 4]) },
  });
}

/** One node over [N, 4], N being open. */
export function openModel(): Uint8Array {
  return writeOnnx({
    nodes: [node("Relu", ["x"], ["y"], {}, { name: "relu" })],
    inputs: [value("x", "f32", ["N", 4])],
    outputs: [value("y", "f32", ["N", 4])],
  });
}

/** A node of a domain that nobody has. */
export function strangeModel(): Uint8Array {
  return writeOnnx({
    nodes: [node("Foo", ["x"], ["y"], {}, { name: "foo_0", domain: "com.acme" })],
    inputs: [value("x", "f32", [1, 4])],
    outputs: [value("y", "f32", [1, 4])],
    opsets: [
      { domain: "", version: 17 },
      { domain: "com.acme", version: 1 },
    ],
  });
}

/** Another output name than `goodModel`. */
export function otherModel(): Uint8Array {
  return writeOnnx({ nodes: [node("Neg", ["x"], ["z"])], inputs: [value("x", "f32", [1, 4])], outputs: [value("z", "f32", [1, 4])] });
}

/** Two outputs. */
export function twoOutputs(): Uint8Array {
  return writeOnnx({
    nodes: [node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["z"])],
    inputs: [value("x", "f32", [1, 4])],
    outputs: [value("y", "f32", [1, 4]), value("z", "f32", [1, 4])],
  });
}

/** A bundle for a machine that this is not. */
export function foreignBundle(): Uint8Array {
  const port = (name: string) => ({ name, dtype: "f32", shape: [1, 4], bytes: 16 });
  return buildBundle(
    {
      name: "foreign",
      compiler: "neo 0.1.0",
      programs: [{ binding: {}, inputs: [port("x")], outputs: [port("y")] }],
      artifacts: [
        {
          target: { name: "board", kind: "native", os: "bare", arch: "riscv32", cpuFeatures: [] },
          weights: new Uint8Array(0),
          programs: [{ code: new Uint8Array(1), arenaBytes: 64, stateBytes: 0 }],
        },
      ],
    },
    nodeCrypto,
  ).bytes;
}

/** The bytes with one of them, in the middle, changed. */
export function tampered(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[bytes.length - 1500]! ^= 1;
  return copy;
}
