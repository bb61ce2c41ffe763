import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { printPortableC, type PortableC } from "../../../src/backends/portable-c/print.ts";
import { importModel } from "../../../src/frontends/index.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { relu } from "../../../src/ir/ops/activation.ts";
import { returnOp } from "../../../src/ir/ops/control.ts";
import { trees } from "../../../src/ir/ops/trees.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { COMPARISONS, ensembleAttrs } from "../../../src/ir/trees/ensemble.ts";
import { doubleRows, leafWiseTrees, writeLightgbmText } from "../../fixtures/lightgbm-writer.ts";
import { hardRows, randomForest, type Forest } from "../../fixtures/random-trees.ts";
import { randomRows, randomTrees, writeXgboostJson } from "../../fixtures/xgboost-writer.ts";
import { hostCompilers, nativeTest } from "../host-compilers.ts";

const folder = mkdtempSync(join(tmpdir(), "neo-portable-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FLAGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-ffp-contract=off"];
const TYPES = { f32: "float", f64: "double", i32: "int32_t" } as const;
let made = 0;

/** What the function for `output` gives for rows, as bytes, in a program that a compiler of this machine made of the two files. */
function run(
  compiler: string,
  c: PortableC,
  standard: string,
  output: string,
  dtype: keyof typeof TYPES,
  size: number,
  rows: Float32Array | Float64Array,
): Uint8Array {
  const place = join(folder, String(made++));
  const at = (name: string): string => `${place}-${name}`;
  writeFileSync(join(folder, `${c.name}.h`), c.header);
  writeFileSync(at("model.c"), c.source);
  const row = rows instanceof Float32Array ? "float" : "double";
  const sizes = c.name.toUpperCase();
  writeFileSync(
    at("main.c"),
    `#include "${c.name}.h"
#include <stdio.h>
static ${row} rows[${rows.length}];
static ${TYPES[dtype]} out[${rows.length * size}];
int main(int argc, char **argv) {
  size_t count;
  FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!file) return 2;
  count = fread(rows, sizeof rows[0], sizeof rows / sizeof rows[0], file) / ${sizes}_FEATURES;
  fclose(file);
  if (${c.name}_${output}(NULL, out) != 1 || ${c.name}_${output}_rows(rows, count, out) != 0) return 3;
  file = fopen(argv[2], "wb");
  if (!file || fwrite(out, sizeof out[0], count * ${sizes}_${output.toUpperCase()}_SIZE, file) != count * ${size}) return 4;
  return fclose(file);
}
`,
  );
  writeFileSync(at("in"), new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
  execFileSync(compiler, [`-std=${standard}`, ...FLAGS, `-I${folder}`, at("model.c"), at("main.c"), "-o", at("exe"), "-lm"], { stdio: "pipe" });
  execFileSync(at("exe"), [at("in"), at("out")]);
  return new Uint8Array(readFileSync(at("out")));
}

/** The same of the interpreter. */
function oracle(graph: Graph, rows: Float32Array | Float64Array, output: number): Uint8Array {
  const features = graph.params[0]!.type.shape[1] as number;
  const dtype = graph.params[0]!.type.dtype as "f32" | "f64";
  const results: number[] = [];
  let bytes: (values: number[]) => ArrayBufferLike = (values) => Float32Array.from(values).buffer;
  for (let at = 0; at < rows.length; at += features) {
    const result = interpret(graph, [tensor(dtype, [1, features], rows.subarray(at, at + features))])[output]!;
    results.push(...(result.data as Float32Array));
    if (result.type.dtype !== "f32") bytes = (values) => (result.type.dtype === "i32" ? Int32Array : Float64Array).from(values).buffer;
  }
  return new Uint8Array(bytes(results));
}

const base: Forest = {
  seed: 1,
  trees: 9,
  depth: 5,
  features: 6,
  targets: 1,
  comparisons: ["lt"],
  dtype: { thresholds: "f32", weights: "f32" },
  stop: 0.2,
  leaves: "one",
};

const FORESTS: readonly [name: string, forest: Forest, x: "f32" | "f64", options: object][] = [
  ["XGBoost's splits, several classes", { ...base, targets: 3 }, "f32", {}],
  ["LightGBM's splits", { ...base, comparisons: ["le", "memberTrunc"], dtype: { thresholds: "f64", weights: "f64" }, zeroIsMissing: true }, "f64", {}],
  ["categories by floor, vectors at leaves", { ...base, comparisons: ["lt", "memberFloor"], targets: 2, leaves: "each" }, "f32", {}],
  ["every comparison, any entries, an average", { ...base, comparisons: COMPARISONS, targets: 3, leaves: "any", trees: 30 }, "f32", { aggregate: "average" }],
  ["a base behind the sum", { ...base, dtype: { thresholds: "f64", weights: "f32" } }, "f32", { baseLast: true }],
  ["leaves by name", { ...base, trees: 20, depth: 8 }, "f32", { output: "leaves" }],
  ["trees of a single leaf", { ...base, depth: 0 }, "f32", {}],
  ["more than 65,536 nodes", { ...base, trees: 40, depth: 11, stop: 0, bins: 30_000 }, "f32", {}],
];

function forestGraph(forest: Forest, x: "f32" | "f64", options: object): { readonly graph: Graph; readonly rows: Float32Array | Float64Array } {
  const ensemble = randomForest(forest);
  const graph = new Graph("forest", [new Value({ dtype: x, shape: [1, forest.features] }, "x")]);
  const b = new Builder(graph.ops);
  const y = b.create(trees, { x: graph.params[0]! }, { ...ensembleAttrs(ensemble), aggregate: "sum", ...options });
  b.createAll(returnOp, { values: [y] }, { names: ["y"] });
  return { graph, rows: hardRows(ensemble, x, 300, forest.features, 5) };
}

describe.each(hostCompilers)("portable C by %s gives the interpreter's bits", (compiler) => {
  nativeTest.each(FORESTS)("of %s", (_, forest, x, options) => {
    const { graph, rows } = forestGraph(forest, x, options);
    const { dtype, shape } = graph.outputs[0]!.type;
    for (const standard of ["c99", "c11"])
      expect(run(compiler, printPortableC(graph, "my forest-2")!, standard, "y", dtype as "f32", shape[1] as number, rows)).toEqual(oracle(graph, rows, 0));
  });

  nativeTest("of an XGBoost file and its objective", () => {
    const spec = { objective: "multi:softprob", features: 4, classes: 3, baseScore: "5E-1", version: [1, 7, 6] as const, trees: randomTrees(3, 12, 4, 4) };
    const bytes = writeXgboostJson({ ...spec, treeGroups: spec.trees.map((_, i) => i % 3) });
    const graph = importModel(bytes, { fileName: "m.json", shapes: { N: 1 }, outputKinds: ["predict", "margin", "leaf"] });
    const c = printPortableC(graph, "m")!;
    const rows = randomRows(4, 200, 4);
    expect(run(compiler, c, "c99", "margin", "f32", 3, rows)).toEqual(oracle(graph, rows, 1));
    expect(run(compiler, c, "c99", "leaf", "i32", 12, rows)).toEqual(oracle(graph, rows, 2));
    const [got, want] = [run(compiler, c, "c99", "predict", "f32", 3, rows), oracle(graph, rows, 0)].map((bytes) => new Int32Array(bytes.buffer));
    // e^x is that of the C library: an ulp at most.
    expect(Math.max(...got!.map((word, i) => Math.abs(word - want![i]!)))).toBeLessThanOrEqual(1);
  });

  nativeTest("of a LightGBM file", () => {
    const spec = { objective: "binary sigmoid:1", features: 5, trees: leafWiseTrees(2, 8, 31, 5) };
    const graph = importModel(writeLightgbmText(spec), { fileName: "m.txt", shapes: { N: 1 }, outputKinds: ["raw", "predict"] });
    const rows = doubleRows(3, 200, 5);
    const c = printPortableC(graph, "m")!;
    expect(run(compiler, c, "c99", "raw", "f64", 1, rows)).toEqual(oracle(graph, rows, 0));
    const [got, want] = [run(compiler, c, "c11", "predict", "f64", 1, rows), oracle(graph, rows, 1)].map((bytes) => new Float64Array(bytes.buffer));
    got!.forEach((value, i) => expect(Math.abs(value - want![i]!)).toBeLessThanOrEqual(4e-16));
  });
});

test("a table takes a few bytes a node, however many there are", () => {
  const { graph } = forestGraph({ ...base, trees: 100, depth: 6, stop: 0, features: 50 }, "f32", {});
  const { source } = printPortableC(graph, "m")!;
  expect(source.length / (100 * 127)).toBeLessThan(14);
  expect(source.split("\n").filter((line) => line.length > 160)).toEqual([]);
});

test("other graphs have no such form", () => {
  const { graph } = forestGraph(base, "f32", { aggregate: "max" });
  expect(printPortableC(graph, "m")).toBeUndefined();
  const none = new Graph("none", [new Value({ dtype: "f32", shape: [1, 3] }, "x")]);
  new Builder(none.ops).createAll(returnOp, { values: [new Builder(none.ops).create(relu, { x: none.params[0]! })] }, { names: ["y"] });
  expect(printPortableC(none, "m")).toBeUndefined();
});
