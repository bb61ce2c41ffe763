import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx, writeTensor } from "../fixtures/onnx-writer.ts";
import { readTar } from "./archive.ts";
import { runSet } from "./case.ts";
import { judge } from "./expectation.ts";
import { conformanceSuite } from "./suite.ts";

const folder = mkdtempSync(join(tmpdir(), "conformance-"));
afterAll(() => rmSync(folder, { recursive: true }));

const f32 = (...values: number[]): Tensor => tensor("f32", [values.length], values);

/** A model of one node with one data set. */
function addSet(name: string, op: string, inputs: readonly Tensor[], output: Tensor): void {
  const set = join(folder, "node", name, "test_data_set_0");
  mkdirSync(set, { recursive: true });
  const names = inputs.map((_, i) => `x${i}`);
  const model = writeOnnx({
    nodes: [node(op, names, ["y"])],
    inputs: inputs.map((input, i) => value(`x${i}`, input.type.dtype, input.type.shape)),
    outputs: [value("y", output.type.dtype)],
  });
  writeFileSync(join(folder, "node", name, "model.onnx"), model);
  inputs.forEach((input, i) => writeFileSync(join(set, `input_${i}.pb`), writeTensor(`x${i}`, input)));
  writeFileSync(join(set, "output_0.pb"), writeTensor("y", output));
}

addSet("test_add", "Add", [f32(1, 2), f32(3, 4)], f32(4, 6));
addSet("test_wrong", "Add", [f32(1, 2), f32(3, 4)], f32(4, 6.1));
addSet("test_reshape", "Reshape", [f32(1, 2), tensor("i64", [2], [2, 1])], tensor("f32", [2, 1], [1, 2]));

test("data sets of a folder run on the executors; what decides a shape is bound", async () => {
  const results = await Promise.all(conformanceSuite(folder).map((set) => runSet(set, ["interpreter", "wasm"])));
  expect(results.map(({ name, bound, runs }) => [name, bound, runs.map((run) => run.ok)])).toEqual([
    ["node/test_add/test_data_set_0", [], [true, true]],
    ["node/test_reshape/test_data_set_0", ["x1"], [true, true]],
    ["node/test_wrong/test_data_set_0", [], [false, false]],
  ]);
  expect(results[2]!.runs[0]!.reason).toContain("output 0 differs: max abs 1.0e-1");
});

test("what falls short and is not listed, and what is listed and passes, speak against an expectation", () => {
  const run = { executor: "wasm", ms: 0 } as const;
  const results = [
    { name: "a", bound: [], inputs: 1, runs: [{ ...run, ok: false, reason: "no kernel" }] },
    { name: "b", bound: [], inputs: 1, runs: [{ ...run, ok: true }] },
  ];
  const whole = { counts: () => 1, executors: ["wasm"], isComplete: true } as const;
  expect(judge(results, { counts: {}, short: { random: ["a"] } }, whole)).toEqual([]);
  expect(judge(results, { counts: { wasm: { core: 1, plain: 1, all: 2 } }, short: { random: ["b"] } }, whole)).toEqual([
    "falls short: a: wasm: no kernel",
    "listed as falling short, but passes: b",
    "wasm passes 1 of all, before 2",
  ]);
});

test("a tar archive gives its regular files, long names too", () => {
  const header = (name: string, size: number, kind: string): Uint8Array => {
    const block = new Uint8Array(512);
    const put = (text: string, at: number): void => block.set(new TextEncoder().encode(text), at);
    put(name, 0);
    put(size.toString(8).padStart(11, "0"), 124);
    put(kind, 156);
    return block;
  };
  const padded = (text: string): Uint8Array => {
    const block = new Uint8Array(512);
    block.set(new TextEncoder().encode(text));
    return block;
  };
  const long = `${"folder/".repeat(20)}a.pb`;
  const blocks = [header("dir/", 0, "5"), header("x", long.length, "L"), padded(long), header("cut", 2, "0"), padded("hi"), new Uint8Array(1024)];
  const bytes = new Uint8Array(Buffer.concat(blocks));
  expect([...readTar(bytes)].map(([name, data]) => [name, new TextDecoder().decode(data)])).toEqual([[long, "hi"]]);
});
