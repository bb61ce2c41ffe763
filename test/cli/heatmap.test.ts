import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { describe, expect, test } from "vitest";
import { heatmapOf } from "../../src/cli/drawing/heatmap.ts";
import { unfold } from "../../src/cli/drawing/unfold.ts";
import { viridis } from "../../src/cli/drawing/viridis.ts";
import { fileNamesFor } from "../../src/cli/files.ts";
import { elementCount } from "../../src/ir/types.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { neo, testFolder } from "./run-neo.ts";

describe("a tensor is laid out in a picture", () => {
  test.each([
    [[]],
    [[1]],
    [[7]],
    [[1000]],
    [[1, 1000]],
    [[1000, 1]],
    [[3, 4]],
    [[2, 900]],
    [[900, 2]],
    [[5, 3, 4]],
    [[2, 3, 1, 1]],
    [[2, 3, 8, 8]],
    [[2, 2, 2, 3, 5]],
  ])("%j: each element has a cell of its own, none is far from square", (shape: number[]) => {
    const { rows, columns, at } = unfold(shape);
    const cells = Array.from({ length: elementCount(shape) }, (_, i) => at(i));
    for (const [row, column] of cells) expect(row >= 0 && row < rows && column >= 0 && column < columns, `${row},${column} of ${rows}x${columns}`).toBe(true);
    expect(new Set(cells.map(String)).size).toBe(cells.length);
    expect(Math.max(rows, columns) / Math.min(rows, columns)).toBeLessThanOrEqual(16);
  });

  test("a matrix lies as it is written, a stack of them in a grid, a vector in lines", () => {
    expect(unfold([3, 4]).at(6)).toEqual([1, 2]);
    const stack = unfold([1, 4, 2, 3]);
    expect([stack.rows, stack.columns, stack.at(0), stack.at(6), stack.at(12), stack.at(23)]).toEqual([5, 7, [0, 0], [0, 4], [3, 0], [4, 6]]);
    expect([unfold([100]).rows, unfold([100]).at(25)]).toEqual([10, [2, 5]]);
  });
});

test("colours grow lighter with the share", () => {
  const linear = (byte: number): number => ((byte / 255 + 0.055) / 1.055) ** 2.4;
  const lightness = Array.from({ length: 65 }, (_, i) => viridis(i / 64)).map(([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b));
  for (let i = 1; i < lightness.length; i++) expect(lightness[i]).toBeGreaterThan(lightness[i - 1]!);
  expect([viridis(0), viridis(1)].map((c) => c.map((byte) => Math.round(byte / 16)))).toEqual([
    [4, 0, 5],
    [16, 14, 2],
  ]);
});

test("of elements that share a pixel the largest error shows", () => {
  const wanted = new Float32Array(3000 * 3000);
  const found = wanted.slice();
  [found[0], found[3000 * 2001 + 1001]] = [1, 2];
  const { width, height, scale, max, pixels } = heatmapOf(found, wanted, [3000, 3000]);
  expect([width, height, scale, max]).toEqual([1500, 1500, 0.5, 2]);
  const at = (x: number, y: number): number[] => [...pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  expect([at(0, 0), at(500, 1000), at(7, 7)]).toEqual([viridis(0.5), viridis(1), viridis(0)]);
});

test("names of files are no two alike", () => {
  expect(fileNamesFor(["a/b", "a_b", "A:b", "../x", ""])).toEqual(["a_b", "a_b-2", "A_b-3", "__x", "output"]);
});

/** y = exp(x), and more outputs of other names. */
function model(...outputs: readonly string[]): Uint8Array {
  return writeOnnx({
    nodes: outputs.map((name) => node("Exp", ["x"], [name])),
    inputs: [value("x", "f32", [2, 3])],
    outputs: outputs.map((name) => value(name, "f32", [2, 3])),
  });
}

/** The interpreter is wrong by `0.1 x²`, and has no number above 5. */
const WRONG = "const exp = Math.exp; Math.exp = (x) => (x > 5 ? NaN : exp(x) + 0.1 * x * x);";

const compare = (cwd: string, words: string) => neo(`compare m.onnx --executor wasm --input 0,1,2,3,4,6 ${words}`.split(" "), { cwd, preload: WRONG });

interface Result {
  readonly outputs: readonly { readonly name: string; readonly maxAbs: number | null }[];
  readonly heatmaps: readonly { readonly output: string; readonly path: string; readonly max: number; readonly nonFinite: number; readonly scale: number }[];
}

describe("compare --save-heatmap", () => {
  test("draws where the error is", async () => {
    const folder = testFolder({ "m.onnx": model("y") });
    const { code, stdout } = await compare(folder.path, "--save-heatmap y.png --json");
    expect(code).toBe(0);
    const [map] = (JSON.parse(stdout) as { result: Result }).result.heatmaps;
    expect(map).toMatchObject({ output: "y", path: "y.png", nonFinite: 1, scale: 16 });
    expect(map!.max).toBeCloseTo(1.6, 3);
    const { width, height, data } = PNG.sync.read(readFileSync(join(folder.path, "y.png")));
    expect([width, height]).toEqual([48, 32]);
    const cell = (row: number, column: number): number[] => [...data.subarray(4 * (width * (16 * row + 8) + 16 * column + 8)).subarray(0, 4)];
    const close = (share: number) => [...viridis(share).map((byte) => expect.closeTo(byte, -0.6) as number), 255];
    expect([cell(0, 0), cell(0, 1), cell(0, 2), cell(1, 0), cell(1, 1)]).toEqual([close(0), close(1 / 16), close(4 / 16), close(9 / 16), close(1)]);
    expect(cell(1, 2)).toEqual([255, 0, 255, 255]);
  });

  test("says what the brightest colour is, and writes the same bytes again", async () => {
    const folder = testFolder({ "m.onnx": model("y"), "y.png": "what was here before" });
    const { stdout } = await compare(folder.path, "--save-heatmap y.png");
    expect(stdout).toMatch(/^wrote y\.png: y, 48x32, 16 pixels an element; brightest is 1\.60e\+0, magenta are 1 NaN or infinite$/m);
    const first = readFileSync(join(folder.path, "y.png"));
    await compare(folder.path, "--save-heatmap y.png");
    expect(readFileSync(join(folder.path, "y.png")).equals(first)).toBe(true);
    expect(folder.list()).toEqual(["m.onnx", "y.png"]);
  });

  test("takes a folder for several outputs, also where a limit is exceeded", async () => {
    const folder = testFolder({ "m.onnx": model("a/b", "a_b") });
    const { code } = await compare(folder.path, "--save-heatmap heat --max-abs 1");
    expect(code).toBe(4);
    for (const name of ["a_b.png", "a_b-2.png"]) expect(PNG.sync.read(readFileSync(join(folder.path, "heat", name))).width).toBe(48);
  });

  test("and no file", async () => {
    const folder = testFolder({ "m.onnx": model("a", "b") });
    const { code, stderr } = await compare(folder.path, "--save-heatmap heat.png");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error NEO1026: .*2 outputs\n {2}a +is an output\n {2}b +is an output\nhint: /)]);
    expect(folder.list()).toEqual(["m.onnx"]);
  });
});
