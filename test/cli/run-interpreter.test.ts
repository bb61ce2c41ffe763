import { expect, test } from "vitest";
import { goodModel, openModel, twoOutputs } from "./models.ts";
import { WRONG_MATHS } from "./prepared-folder.ts";
import { neo, testFolder } from "./run-neo.ts";

interface Ran {
  readonly result: { readonly executor: string; readonly outputs: readonly { readonly name: string; readonly shape: number[]; readonly data: number[] }[] };
}

async function run(model: Uint8Array, flags: string, preload?: string): Promise<Ran["result"]> {
  const { path } = testFolder({ "m.onnx": model });
  const { code, stdout, stderr } = await neo(`run m.onnx --json ${flags}`.split(" "), { cwd: path, ...(preload ? { preload } : {}) });
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as Ran).result;
}

test("--executor interpreter computes what compiled code does, without making any", async () => {
  const flags = "--input 0.5,-1,2,0.25 --executor";
  const [interpreted, compiled] = [await run(goodModel(), `${flags} interpreter`), await run(goodModel(), `${flags} wasm`)];
  expect(interpreted.executor).toBe("interpreter");
  expect(interpreted.outputs).toMatchObject([{ name: "y", shape: [1, 4], data: compiled.outputs[0]!.data.map((y) => expect.closeTo(y, 5) as number) }]);
  const wrong = await run(goodModel(), `${flags} interpreter`, `${WRONG_MATHS} WebAssembly.compile = () => { throw new Error("code was made") };`);
  expect(wrong.outputs[0]!.data).toEqual(interpreted.outputs[0]!.data.map((y) => expect.closeTo(y + 0.25, 5) as number));
});

test("takes the shape that the inputs fit", async () => {
  const { outputs } = await run(openModel(), "--executor interpreter --shape N=1,2 --input 1,-2,3,-4,5,-6,7,-8");
  expect(outputs).toMatchObject([{ shape: [2, 4], data: [1, 0, 3, 0, 5, 0, 7, 0] }]);
});

test("--output writes its results", async () => {
  const folder = testFolder({ "m.onnx": twoOutputs() });
  expect((await neo("run m.onnx --executor interpreter --output o.npz".split(" "), { cwd: folder.path })).code).toBe(0);
  const again = await neo("run m.onnx --executor interpreter --input @o.npz".split(" "), { cwd: folder.path });
  expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/NEO1050/)]);
});
