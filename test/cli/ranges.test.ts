import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeNpy } from "../../src/frontends/formats/npy.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { openModel } from "./models.ts";
import { neo, testFolder } from "./run-neo.ts";

const rows = (count: number): Uint8Array =>
  writeNpy(
    tensor(
      "f32",
      [count, 4],
      Float32Array.from({ length: 4 * count }, (_, i) => (i % 2 ? -i : i)),
    ),
  );

test("--shape N=2..8/2 compiles once for all these sizes, and runs those only", { timeout: 60_000 }, async () => {
  const { path } = testFolder({ "m.onnx": openModel(), "two.npy": rows(2), "six.npy": rows(6), "five.npy": rows(5), "ten.npy": rows(10) });
  const run = (words: string): ReturnType<typeof neo> => neo(words.split(" "), { cwd: path });
  expect(await run("compile m.onnx -t wasm --shape N=2..8/2 -o m.neo --no-sign")).toMatchObject({ code: 0 });
  expect((await run("inspect m.neo")).stdout).toMatch(/in +x +f32 +2\.\.8\/2x4\n/);
  for (const [file, count] of [
    ["two", 2],
    ["six", 6],
  ] as const) {
    for (const command of [
      `run m.neo --allow-unsigned --json --input x=@${file}.npy`,
      `run m.onnx --shape N=2..8/2 --executor interpreter --json --input x=@${file}.npy`,
    ]) {
      const { code, stdout, stderr } = await run(command);
      expect(code, stderr).toBe(0);
      const { result } = JSON.parse(stdout) as { result: { outputs: readonly { shape: number[]; data: number[] }[] } };
      const data = Array.from({ length: 4 * count }, (_, i) => (i % 2 ? 0 : i));
      expect(result.outputs).toMatchObject([{ shape: [count, 4], data: data.slice(0, result.outputs[0]!.data.length) }]);
    }
  }
  for (const file of ["five", "ten"]) {
    const refused = await run(`run m.neo --allow-unsigned --input x=@${file}.npy`);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/NEO1052[^]*wanted \[2\.\.8\/2, 4\]/) as string });
  }
  const { stdout } = await run("check m.onnx --shape N=2..8/2");
  expect(stdout).toMatch(/2 to 8, as --shape allows/);
});

test("the header of the C sources says where a length stands", async () => {
  const { path } = testFolder({ "m.onnx": openModel() });
  expect(await neo("compile m.onnx -t arm64 --emit c --shape N=2..8/2 -o c".split(" "), { cwd: path })).toMatchObject({ code: 0 });
  const header = readFileSync(join(path, "c", "model.h"), "utf8");
  expect(header).toMatch(/Axis 0 of inputs\[0\] is as long as the int32_t at arena \+ \d+ says: 2 to 8 in steps of 2, written before each run/);
  expect(header).toMatch(/Axis 0 of outputs\[0\] is as long as the int32_t at arena \+ \d+ says: 0 to 8, to be read after a run/);
});

test.each(["N=8..2", "N=1..", "N=1..8/3", "N=1..8/0", "N=a..b"])("--shape %s is no range", async (binding) => {
  const { path } = testFolder({ "m.onnx": openModel() });
  expect(await neo(["compile", "m.onnx", "-t", "wasm", "--shape", binding], { cwd: path })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/NEO1010/) as string,
  });
});
