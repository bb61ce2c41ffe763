import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseProgram } from "../../src/kernel/text/parse-program.ts";
import { printProgram } from "../../src/kernel/text/print-program.ts";
import { node } from "../fixtures/onnx-writer.ts";
import { openModel, rowModel } from "./models.ts";
import { neo, testFolder } from "./run-neo.ts";

/** Something for several passes to do. */
const model = rowModel(
  node("MatMul", ["x", "w"], ["m"], {}, { name: "turn" }),
  node("Add", ["m", "b"], ["s"], {}, { name: "shift" }),
  node("Relu", ["s"], ["r"], {}, { name: "bend" }),
  node("Identity", ["r"], ["y"], {}, { name: "same" }),
);

test("--dump-ir writes each step as text that neo opt reads again", async () => {
  const folder = testFolder({ "m.onnx": model });
  const here = (args: string) => neo(args.split(" "), { cwd: folder.path });
  const { code, stderr } = await here("compile m.onnx -t wasm --no-sign --dump-ir after-each:ir");
  expect(code, stderr).toBe(0);
  expect(folder.list()).toContain("m.wasm.neo");
  const names = readdirSync(join(folder.path, "ir")).sort();
  const text = (name: string): string => readFileSync(join(folder.path, "ir", name), "utf8");
  const graphs = names.filter((name) => name.endsWith(".nir"));
  expect(graphs[0]).toBe("00-import.nir");
  expect(graphs.length).toBeGreaterThan(2);
  expect(new Set(graphs.map(text)).size, "each differs from the one before").toBe(graphs.length);
  for (const name of graphs) expect(await here(`opt ir/${name}`), name).toMatchObject({ code: 0, stdout: text(name) });
  expect((await here("opt ir/00-import.nir --passes cpu")).stdout).toBe(text(graphs.at(-1)!));
  const program = text("program.wasm.kir");
  expect(printProgram(parseProgram(program))).toBe(program);
  expect((await here("compile ir/00-import.nir --name m -t wasm --no-sign -o again.neo")).code).toBe(0);
  expect(readFileSync(join(folder.path, "again.neo")).equals(readFileSync(join(folder.path, "m.wasm.neo"))), "it compiles to the same bytes").toBe(true);
});

test("alternatives of --shape have a folder each; --stop-after ends the dump too and -o names its file", async () => {
  const folder = testFolder({ "open.onnx": openModel() });
  const args = "compile open.onnx -t wasm --shape N=1,2 --dump-ir after-each:ir --stop-after import -o import.nir";
  const { code, stdout } = await neo(args.split(" "), { cwd: folder.path });
  expect([code, stdout]).toEqual([0, "import.nir  1 ops behind import\nnext: neo opt import.nir --passes cpu\n"]);
  expect(readdirSync(join(folder.path, "ir"), { recursive: true }).sort()).toEqual(["N=1", "N=1/00-import.nir", "N=2", "N=2/00-import.nir"]);
  expect(readFileSync(join(folder.path, "import.nir"), "utf8")).toBe(readFileSync(join(folder.path, "ir", "N=1", "00-import.nir"), "utf8"));
});
