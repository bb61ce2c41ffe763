import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/frontends/formats/npy.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { randomRows, randomTrees, walkXgboost, writeXgboostJson, type XgboostSpec } from "../fixtures/xgboost-writer.ts";
import { folderWith, neo, testFolder } from "./run-neo.ts";

/** More than a block, and no multiple of one. */
const ROWS = 2500;
const NAMES = ["age", "height", "weight"];
const spec: XgboostSpec = {
  objective: "reg:squarederror",
  features: 3,
  baseScore: "[2.5E-1]",
  version: [3, 2, 0],
  trees: randomTrees(1, 5, 3, 3),
  featureNames: NAMES,
};
const x = randomRows(2, ROWS, 3);
const want = Array.from(walkXgboost(spec, [0.25], x).sums);
const cell = (row: number, column: number): string => (Number.isNaN(x[row * 3 + column]!) ? "" : String(x[row * 3 + column]!));
const rows = Array.from({ length: ROWS }, (_, row) => row);
const reordered = `weight,label,age,height\r\n${rows.map((row) => `${cell(row, 2)},yes,${cell(row, 0)},"${cell(row, 1)}"\r\n`).join("")}`;
const libsvm = rows.map((row) => `1${[0, 1, 2].map((c) => (cell(row, c) === "" ? "" : ` ${c}:${cell(row, c)}`)).join("")}\n`).join("");

const folder = folderWith({
  "m.json": writeXgboostJson(spec),
  "two.nir": "graph @two(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>) -> (tensor<2x3xf32>) {\n  %0 = add %a, %b : tensor<2x3xf32>\n  return %0\n}\n",
  "rows.csv": reordered,
  "rows.npy": writeNpy(tensor("f32", [ROWS, 3], x)),
  "rows.txt": libsvm,
  "bad.csv": reordered.replace("\r\n", "\r\n1,no,2,3\r\n4,no,x,3\r\n"),
});
const here = (args: string, input?: string) => neo(args.split(" "), { cwd: folder.path, ...(input === undefined ? {} : { input }) });
const numbers = (text: string): number[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => Math.fround(Number(line)));

describe("neo run over the rows of a file", async () => {
  const compiled = await here("compile m.json -t wasm --no-sign -o m.neo");
  const bundle = "run m.neo --allow-unsigned";

  test("takes a model without --shape, of any number of rows", async () => {
    expect(compiled.code, compiled.stderr).toBe(0);
    const manifest = (await here("inspect m.neo")).stdout;
    expect(manifest).toMatch(/^n1 +in +x +f32 +1x3$/m);
    expect(manifest).toMatch(/^n1-1024 +in +x +f32 +1\.\.1024x3$/m);
    const whole = await here(`${bundle} --input x=1,2,3`);
    expect(whole.code, whole.stderr).toBe(0);
  });

  test("writes lines of csv to stdout, with a header where the rows have one; progress goes to stderr", async () => {
    const run = await here(`${bundle} --input rows.csv --drop-columns label --progress json`);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.slice(0, 8)).toBe("predict\n");
    expect(numbers(run.stdout.slice(8))).toEqual(want);
    expect(run.stderr).toMatch(/"t":"step","stage":"running rows.csv","n":\d+,"of":\d+/);
    expect(run.stderr).toMatch(/2\.50 k rows in .* rows\/s \(read .*, parse .*, predict .*, write .*\), wasm/);
  });

  test.each(["rows.npy", "rows.txt"])("reads %s", async (file) => {
    const run = await here(`${bundle} --input ${file}`);
    expect(run.code, run.stderr).toBe(0);
    expect(numbers(run.stdout)).toEqual(want);
  });

  test("reads stdin, and runs the interpreter", async () => {
    const lines = libsvm.split("\n").slice(0, 20).join("\n");
    const run = await here("run m.json --executor interpreter --input - --input-format libsvm", lines);
    expect(run.code, run.stderr).toBe(0);
    expect(numbers(run.stdout)).toEqual(want.slice(0, 20));
  });

  test("writes csv and npy files, and a folder of several outputs", async () => {
    const csv = await here(`${bundle} --input rows.npy --output p.csv --json`);
    expect(csv.code, csv.stderr).toBe(0);
    expect(JSON.parse(csv.stdout)).toMatchObject({ ok: true, result: { rows: ROWS, files: ["p.csv"], executor: "wasm" } });
    expect(numbers(readFileSync(join(folder.path, "p.csv"), "utf8"))).toEqual(want);
    const npy = await here(`${bundle} --input rows.txt --output p.npy`);
    expect(npy.code, npy.stderr).toBe(0);
    const array = readNpy(readFileSync(join(folder.path, "p.npy")), "p.npy");
    expect([array.type.shape, Array.from(array.data as Float32Array)]).toEqual([[ROWS], want]);
    const kinds = await here("run m.json -t wasm --executor wasm --output-kind margin,leaf --input rows.npy --output folder");
    expect(kinds.code, kinds.stderr).toBe(0);
    expect(readNpy(readFileSync(join(folder.path, "folder", "leaf.npy")), "leaf.npy").type).toEqual({ dtype: "i32", shape: [ROWS, 5] });
  });

  test.each([
    ["--input bad.csv --drop-columns label --output bad.out.csv", "NEO1060", 'bad.csv, line 3, column 3 (age): "x" is no number'],
    ["--input rows.csv --output bad.out.csv", "NEO1061", "label  is no feature of the model"],
    ["--input rows.csv --drop-columns label --separator ^", "NEO1063", "--separator ^"],
    ["--input rows.npy --output p.npz", "NEO1064", "p.npz"],
    ["--input rows.npy --json", "NEO1008", "--output preds.csv"],
    ["--input rows.npy --input-format csv --input rows.csv", "NEO1020", "one file of rows"],
  ])("refuses %s and leaves nothing behind", async (args, code, text) => {
    const before = folder.list();
    const run = await here(`${bundle} ${args}`);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(code)]);
    expect(run.stderr + run.stdout).toContain(text);
    expect(folder.list()).toEqual(before);
  });

  test("refuses a model that is none of rows, and a file that is not there", async () => {
    const model = await here("run two.nir -t wasm --executor wasm --input rows.npy");
    expect([model.code, model.stderr]).toEqual([2, expect.stringContaining("NEO1062")]);
    const none = await here(`${bundle} --input none.csv`);
    expect([none.code, none.stderr]).toEqual([6, expect.stringContaining("NEO6000")]);
  });

  test.skipIf(process.platform === "win32")("is interrupted without a trace", async () => {
    const own = testFolder({ "m.neo": readFileSync(join(folder.path, "m.neo")) });
    const endless = `import fs from "node:fs/promises"; import { syncBuiltinESMExports } from "node:module";
const open = fs.open;
fs.open = async (path, ...rest) => {
  if (!String(path).endsWith("endless.csv")) return open(path, ...rest);
  const stat = async () => ({ isDirectory: () => false, isFile: () => false });
  const read = async (buffer) => { new TextEncoder().encodeInto("1,2,3\\n".repeat(1e4), buffer); return { bytesRead: 6e4 }; };
  return { stat, read, close: async () => {} };
};
syncBuiltinESMExports();`;
    const run = await neo("run m.neo --allow-unsigned --input endless.csv --output p.csv --progress json".split(" "), {
      cwd: own.path,
      preload: endless,
      interruptAfter: /"t":"step"/,
    });
    expect(run.code, run.stderr).toBe(130);
    expect(own.list()).toEqual(["m.neo"]);
  });
});
