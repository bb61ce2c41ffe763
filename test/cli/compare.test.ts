import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test, afterAll } from "vitest";
import { tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { WRONG_MATHS } from "./prepared-folder.ts";
import { folderWith, neo } from "./run-neo.ts";

/** Two products with a softmax between; exporters often call tensors by numbers. */
function model(): Uint8Array {
  const weights = (rows: number, columns: number) =>
    tensor(
      "f32",
      [rows, columns],
      Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
    );
  return writeOnnx({
    nodes: [
      node("MatMul", ["x", "a"], ["20"], {}, { name: "head/first" }),
      node("Softmax", ["20"], ["3"], { axis: 1 }, { name: "head/share" }),
      node("MatMul", ["3", "b"], ["y:0"], {}, { name: "head/last" }),
    ],
    inputs: [value("x", "f32", [2, 4])],
    outputs: [value("y:0", "f32", [2, 3])],
    initializers: { a: weights(4, 6), b: weights(6, 3) },
  });
}

let folder: ReturnType<typeof folderWith>;
beforeAll(async () => {
  folder = folderWith({ "m.onnx": model() });
  const { code, stderr } = await neo(["compile", "m.onnx", "-t", "wasm", "--no-sign", "-o", "m.neo"], { cwd: folder.path });
  expect([code, stderr]).toEqual([0, ""]);
}, 120_000);
afterAll(() => folder.remove());

interface Report {
  readonly outputs: readonly { readonly name: string; readonly maxAbs: number; readonly topk?: object; readonly worst?: object }[];
  readonly firstBad?: { readonly node: string; readonly value: string; readonly op: string };
  readonly nodes: readonly { readonly node: string; readonly name: string; readonly bad: boolean }[];
  readonly bisect?: { readonly path: string; readonly inputs: string; readonly nodes: readonly string[]; readonly ops: number } | null;
}

async function compare(args: string, preload?: string): Promise<{ code: number | null; stderr: string; result: Report }> {
  const words = ["compare", ...args.split(" "), "--allow-unsigned", "--json"];
  const { code, stdout, stderr } = await neo(words, { cwd: folder.path, ...(preload ? { preload } : {}) });
  return { code, stderr, result: (JSON.parse(stdout) as { result: Report }).result };
}

describe("--mode", () => {
  test.each(["isolated", "cumulative", "passes"])("%s: each value of a right model is right", async (mode) => {
    const { code, result } = await compare(`m.onnx m.neo --mode ${mode}`);
    expect(code).toBe(0);
    expect(result.firstBad).toBeUndefined();
    expect(result.nodes.map((n) => [n.node, n.name, n.bad])).toEqual([
      ["head/first", "20", false],
      ["head/share", "3", false],
      ["head/last", "y:0", false],
    ]);
  });

  test("isolated blames only the node that is wrong, cumulative also those behind it; both name the first", async () => {
    for (const [mode, bad] of [
      ["isolated", ["head/share"]],
      ["cumulative", ["head/share", "head/last"]],
    ] as const) {
      const { code, result } = await compare(`m.onnx m.neo --mode ${mode}`, WRONG_MATHS);
      expect(code).toBe(4);
      expect(result.nodes.filter((n) => n.bad).map((n) => n.node)).toEqual(bad);
      expect(result.firstBad).toMatchObject({ node: "head/share", value: "3", op: "softmax" });
    }
  });

  test("for people, the first node is in the error's first line", async () => {
    const { code, stdout, stderr } = await neo("compare m.onnx --executor wasm --mode isolated".split(" "), { cwd: folder.path, preload: WRONG_MATHS });
    expect(code).toBe(4);
    expect(stdout).toMatch(/head\/share +softmax .* bad$/m);
    expect(stderr).toMatch(/^error NEO4006: 1 of 3 values inside differ, the first is 3 of head\/share \(softmax\)$/m);
  });

  test("limits of the flags replace what is usual", async () => {
    const { code, result } = await compare("m.onnx m.neo --mode isolated --max-abs 10", WRONG_MATHS);
    expect([code, result.nodes.some((n) => n.bad)]).toEqual([0, false]);
  });

  test("two bundles have no values inside", async () => {
    const { code, stderr } = await neo("compare m.neo m.neo --allow-unsigned --mode isolated".split(" "), { cwd: folder.path });
    expect([code, stderr]).toEqual([2, expect.stringContaining("NEO1022")]);
  });
});

describe("--bisect", () => {
  test("writes the node that is wrong alone; compare, run and opt read it", async () => {
    const { code, result } = await compare("m.onnx m.neo --bisect part.nir", WRONG_MATHS);
    expect([code, result.bisect]).toEqual([4, { path: "part.nir", inputs: "part.npz", nodes: ["head/share"], ops: 1 }]);
    expect(readFileSync(join(folder.path, "part.nir"), "utf8")).toContain("softmax");
    const again = await compare("part.nir --executor wasm --input @part.npz --mode isolated", WRONG_MATHS);
    expect([again.code, again.result.firstBad?.node]).toEqual([4, "head/share"]);
    expect((await compare("part.nir --executor wasm --input @part.npz --mode isolated")).code).toBe(0);
    const here = (args: string) => neo(args.split(" "), { cwd: folder.path });
    expect((await here("run part.nir --executor wasm --input @part.npz")).code).toBe(0);
    expect(await here("opt part.nir --passes simplify")).toMatchObject({ code: 0, stdout: expect.stringContaining('loc("head/share")') as string });
  });

  test("writes nothing where nothing fails", async () => {
    const { code, result } = await compare("m.onnx m.neo --bisect none.nir");
    expect([code, result.bisect]).toEqual([0, null]);
    expect(folder.list()).not.toContain("none.nir");
  });
});

describe("limits of outputs", () => {
  test.each([
    ["--max-abs 1e-12 --per-output y:0:max-abs=1", 0, undefined],
    ["--max-abs 1 --per-output y:0:max-abs=1e-12", 4, "NEO4003"],
    ["--per-output y:0:min-cos=0.9,min-sqnr=400", 4, "NEO4003"],
    ["--min-sqnr 20", 0, undefined],
    ["--min-sqnr 400", 4, "NEO4003"],
    ["--per-output y:max-abs=1", 2, "NEO1021"],
    ["--per-output y:0:max-odd=1", 2, "NEO1017"],
    ["--per-output y:0:max-abs=some", 2, "NEO1012"],
    ["--max-abs much", 2, "NEO1012"],
    ["--topk 0", 2, "NEO1012"],
    ["--at nowhere", 2, "NEO1015"],
    ["--at canonicalize", 0, undefined],
  ])("%s → %d %s", async (flags, wanted, said) => {
    const { code, stderr } = await neo(`compare m.onnx m.neo --allow-unsigned ${flags}`.split(" "), { cwd: folder.path });
    expect(code, stderr).toBe(wanted);
    if (said !== undefined) expect(stderr).toContain(said);
  });

  test("what an output needs is printed so that it holds", async () => {
    const { stdout } = await neo("compare m.onnx m.neo --allow-unsigned".split(" "), { cwd: folder.path });
    const [, abs, rel] = /^y:0 needs --max-abs (\S+) or --max-rel (\S+);/m.exec(stdout)!;
    for (const flags of [`--max-abs ${abs}`, `--max-rel ${rel}`]) expect((await compare(`m.onnx m.neo ${flags}`)).code).toBe(0);
  });

  test("--topk compares the best of each row", async () => {
    expect(await compare("m.onnx m.neo --topk 2")).toMatchObject({ code: 0, result: { outputs: [{ topk: { k: 2, rows: 2, equalRows: 2, overlap: 1 } }] } });
  });
});
