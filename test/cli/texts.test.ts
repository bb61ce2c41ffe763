import { expect, test } from "vitest";
import { ENVELOPES } from "../../src/cli/schemas.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { neo, testFolder } from "./run-neo.ts";

/** Numbers are read from strings, doubled by code, and written again. */
const model = writeOnnx({
  opset: 20,
  nodes: [
    node("Cast", ["x"], ["n"], { to: 1 }, { name: "read" }),
    node("Add", ["n", "n"], ["m"], {}, { name: "double" }),
    node("Cast", ["m"], ["y"], { to: 8 }, { name: "write" }),
  ],
  inputs: [value("x", "string", [3])],
  outputs: [value("y", "string")],
});

function inFolder(): (args: string) => ReturnType<typeof neo> {
  const folder = testFolder({ "m.onnx": model });
  return (args) => neo(args.split(" "), { cwd: folder.path });
}

test("what runs in steps of the host is in the reports of check, compile and inspect", async () => {
  const here = inFolder();
  const checked = await here("check m.onnx -t wasm");
  expect(checked.code, checked.stderr).toBe(0);
  expect(checked.stdout).toContain("2 of 3 ops (66.7 %) run in steps of the host");
  expect(checked.stdout).toMatch(/textToNumber +1 +33\.3 % +read\n/);
  const compiled = await here("compile m.onnx -t wasm --no-sign -o m.neo --json");
  expect(compiled.code, compiled.stderr).toBe(0);
  const document: unknown = JSON.parse(compiled.stdout);
  expect(ENVELOPES.get("compile")!.safeParse(document).error?.issues).toBeUndefined();
  expect(document).toMatchObject({
    result: {
      regions: [
        { accelerator: "cpu", nodes: 1, macShare: 1 },
        { accelerator: "host", nodes: 2, macShare: 0, reason: "functions of the session: textToNumber, numberToText" },
      ],
    },
  });
  expect((await here("inspect m.neo")).stdout).toContain("\nsteps of the host: numberToText, textToNumber\n");
  const run = await here("run m.neo --allow-unsigned --input x=1.5,-2,1e3 --json");
  expect(JSON.parse(run.stdout)).toMatchObject({ result: { outputs: [{ dtype: "string", data: ["3", "-4", "2000"] }] } });
  expect((await here("run m.neo --allow-unsigned --input x=1,2,3")).stdout).toContain('y  3xstring  ["2", "4", "6"]');
  const wrong = await here("run m.neo --allow-unsigned --input x=1,2,three");
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("NEO1057")]);
});

test("--no-fallback makes them an error that names the nodes", async () => {
  const here = inFolder();
  for (const command of ["check m.onnx -t wasm --no-fallback", "compile m.onnx -t wasm --no-sign --no-fallback -o n.neo"]) {
    const refused = await here(command);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("NEO3101");
    expect(refused.stderr).toMatch(/write.*runs as numberToText/);
  }
});

test("sources come with what the host has to do", async () => {
  const here = inFolder();
  const emitted = await here("compile m.onnx -t wasm --emit wasm -o sources --json");
  expect(emitted.code, emitted.stderr).toBe(0);
  const { files } = (JSON.parse(emitted.stdout) as { result: { files: { path: string }[] } }).result;
  expect(files.map(({ path }) => path.replace(/^.*[/\\]/, ""))).toEqual(["model.wasm", "weights.bin", "steps.json"]);
});

test("an optional input is left out by --set x=none, the length of a sequence is a --shape", async () => {
  const branch = (op: string, from: string) => ({ nodes: [node(op, [from], ["r"])], outputs: [value("r", "f32")] });
  const held = { elem_type: { tensor_type: { elem_type: 1, shape: { dim: [{ dim_value: 2 }] } } } };
  const bytes = writeOnnx({
    opset: 18,
    nodes: [
      node("OptionalHasElement", ["o"], ["has"]),
      node("ConcatFromSequence", ["s"], ["flat"], { axis: 0 }),
      node("If", ["has"], ["y"], { then_branch: { graph: branch("OptionalGetElement", "o") }, else_branch: { graph: branch("Neg", "flat") } }),
    ],
    inputs: [
      { name: "o", dtype: "f32", type: { optional_type: held } },
      { name: "s", dtype: "f32", type: { sequence_type: held } },
    ],
    outputs: [value("y", "f32")],
  });
  const other = testFolder({ "o.onnx": bytes });
  const compiled = await neo(["compile", "o.onnx", "-t", "wasm", "--no-sign", "-o", "o.neo", "--set", "o=none", "--shape", "s=2"], { cwd: other.path });
  expect(compiled.code, compiled.stderr).toBe(0);
  expect((await neo(["inspect", "o.neo"], { cwd: other.path })).stdout).toContain("s of main: a sequence of 2");
  const run = await neo(["run", "o.neo", "--allow-unsigned", "--input", "s[0]=1,2", "--input", "s[1]=3,4", "--json"], { cwd: other.path });
  expect(JSON.parse(run.stdout)).toMatchObject({ result: { outputs: [{ name: "y", data: [-1, -2, -3, -4] }] } });
});
