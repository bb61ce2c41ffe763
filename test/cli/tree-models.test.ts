import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { randomRows, randomTrees, walkXgboost, writeXgboostJson, type XgboostSpec } from "../fixtures/xgboost-writer.ts";
import { readNpy, writeNpy } from "../../src/frontends/formats/npy.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { neo, testFolder } from "./run-neo.ts";

const ROWS = 6;
const spec: XgboostSpec = {
  objective: "reg:squarederror",
  features: 3,
  baseScore: "[2.5E-1]",
  version: [3, 2, 0],
  trees: randomTrees(1, 5, 3, 3),
  featureNames: ["age", "height", "weight"],
};

test("an XGBoost file is compiled and run, with the outputs that --output-kind asks for", async () => {
  const x = randomRows(2, ROWS, 3);
  const folder = testFolder({ "m.json": writeXgboostJson(spec), "x.npy": writeNpy(tensor("f32", [ROWS, 3], x)), "other.json": '{"some": "thing"}' });
  const here = (args: string) => neo(args.split(" "), { cwd: folder.path });
  expect((await here("inspect m.json")).stdout).toContain("m.json: xgboost, by XGBoost 3.2.0, 5 trees, ");
  const compiled = await here(`compile m.json -t wasm --shape N=${ROWS} --output-kind margin,leaf --no-sign -o m.neo`);
  expect(compiled.code, compiled.stderr).toBe(0);
  expect((await here("inspect m.neo")).stdout).toContain("labels of x: age, height, weight");
  const run = await here("run m.neo --allow-unsigned --input x=@x.npy --output results");
  expect(run.code, run.stderr).toBe(0);
  const read = (name: string): number[] => Array.from(readNpy(readFileSync(join(folder.path, "results", name)), name).data as Float32Array);
  const want = walkXgboost(spec, [0.25], x);
  expect(read("margin.npy")).toEqual(Array.from(want.sums));
  expect(read("leaf.npy")).toEqual(want.leaves);
  const refused = await here("compile m.json -t wasm --shape N=1 --output-kind shap --no-sign -o m.neo");
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining("NEO2033")]);
  const other = await here("compile other.json -t wasm --no-sign -o m.neo");
  expect([other.code, other.stderr]).toEqual([3, expect.stringContaining("NEO2000")]);
});

test("--leaf adds the leaves to what a model gives by default", async () => {
  const x = randomRows(2, ROWS, 3);
  const folder = testFolder({ "m.json": writeXgboostJson(spec), "x.npy": writeNpy(tensor("f32", [ROWS, 3], x)) });
  const run = await neo(`run m.json --executor interpreter --shape N=${ROWS} --leaf --input x=@x.npy --output results`.split(" "), { cwd: folder.path });
  expect(run.code, run.stderr).toBe(0);
  const read = (name: string): number[] => Array.from(readNpy(readFileSync(join(folder.path, "results", name)), name).data as Float32Array);
  const want = walkXgboost(spec, [0.25], x);
  expect(read("predict.npy")).toEqual(Array.from(want.sums));
  expect(read("leaf.npy")).toEqual(want.leaves);
});

test("--emit c writes trees as plain C and its header, unless a target is named", async () => {
  const folder = testFolder({ "m.json": writeXgboostJson(spec) });
  const made = await neo("compile m.json --emit c -o plain".split(" "), { cwd: folder.path });
  expect(made.code, made.stderr).toBe(0);
  expect(readdirSync(join(folder.path, "plain")).sort()).toEqual(["m.c", "m.h"]);
  expect(readFileSync(join(folder.path, "plain", "m.h"), "utf8")).toContain("int m_predict(const float *row, float *out);");
  const other = await neo("compile m.json -t x86-64-v3 --shape N=1 --emit c -o kernels".split(" "), { cwd: folder.path });
  expect(other.code, other.stderr).toBe(0);
  expect(readdirSync(join(folder.path, "kernels"))).toContain("model.h");
});
