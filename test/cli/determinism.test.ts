import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { neo, testFolder } from "./run-neo.ts";

/** A convolution with weights, an epilogue and a reduction: packed constants, several kernels, an arena. */
function model(): Uint8Array {
  const weights = Array.from({ length: 8 * 3 * 3 * 3 }, (_, i) => Math.sin(i));
  return writeOnnx({
    nodes: [
      node("Conv", ["x", "w", "b"], ["c"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, { name: "conv" }),
      node("Sigmoid", ["c"], ["s"], {}, { name: "bend" }),
      node("GlobalAveragePool", ["s"], ["p"], {}, { name: "mean" }),
      node("Softmax", ["p"], ["y"], { axis: 1 }, { name: "share" }),
    ],
    inputs: [value("x", "f32", [1, 3, 8, 8])],
    outputs: [value("y", "f32", [1, 8, 1, 1])],
    initializers: { w: tensor("f32", [8, 3, 3, 3], weights), b: tensor("f32", [8], weights.slice(0, 8)) },
  });
}

const hasCompiler = (await findCompilers()).length > 0 || process.env["CI"] === "true";

describe.each([
  ["wasm", false],
  ["host", !hasCompiler],
] as const)("for %s", (target, skip) => {
  test.skipIf(skip || process.platform === "win32")("the same model gives the same bytes, wherever and whenever", async () => {
    const first = testFolder({ "model.onnx": model() });
    const second = testFolder();
    const deep = join(second.path, "ein Ordner", "ü");
    mkdirSync(deep, { recursive: true });
    const args = ["-t", target, "--no-sign", "-o", "out.neo"];
    const runs = [
      await neo(["compile", "model.onnx", ...args], { cwd: first.path, umask: "022", env: { TZ: "UTC", LANG: "C", LC_ALL: "C" } }),
      await neo(["compile", join(first.path, "model.onnx"), ...args], {
        cwd: deep,
        umask: "077",
        env: { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", TMPDIR: second.path, SOURCE_DATE_EPOCH: "1" },
      }),
    ];
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    const [a, b] = [readFileSync(join(first.path, "out.neo")), readFileSync(join(deep, "out.neo"))];
    expect(a.equals(b)).toBe(true);
    expect(a.includes(first.path)).toBe(false);
    expect(second.list()).toEqual(["ein Ordner"]);
  });
});
