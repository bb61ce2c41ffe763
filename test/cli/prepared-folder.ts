import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { foreignBundle, goodModel, openModel, otherModel, strangeModel, tampered, twoOutputs } from "./models.ts";
import { folderWith, neo } from "./run-neo.ts";

/** Loaded before neo, it gives the interpreter other numbers than compiled code, which has its own functions. */
export const WRONG_MATHS = "for (const name of ['tanh', 'exp', 'sqrt', 'sin', 'log']) { const was = Math[name]; Math[name] = (x) => was(x) + 0.25; }";

/** A folder with models, keys and bundles, good and bad ones, for commands to meet. */
export async function preparedFolder(): Promise<ReturnType<typeof folderWith>> {
  const folder = folderWith({
    "good.onnx": goodModel(),
    "open.onnx": openModel(),
    "strange.onnx": strangeModel(),
    "other.onnx": otherModel(),
    "two.onnx": twoOutputs(),
    "garbage.onnx": "this is no model at all, whatever its name says",
    "cut.onnx": goodModel().subarray(0, 90),
    "empty.onnx": "",
    "cut.npy": "\x93NUMPY",
    "cut.npz": "PK\x03\x04",
    "foreign.neo": foreignBundle(),
    "good.nir": "graph @same(%x: tensor<4xf32>) -> (tensor<4xf32>) {\n  %0 = neg %x : tensor<4xf32>\n  return %0\n}\n",
    "bad.nir": "graph @broken(%x: tensor<4xf32>) -> (tensor<4xf32>) {\n  %0 = frobnicate %x",
  });
  mkdirSync(join(folder.path, "folder"));
  const run = async (args: string, preload?: string): Promise<void> => {
    const { code, stderr } = await neo(args.split(" "), { cwd: folder.path, ...(preload ? { preload } : {}) });
    expect(code, stderr).toBe(0);
  };
  await run("keygen -o key");
  await run("keygen -o other");
  await run("compile good.onnx -t wasm --no-sign -o good.neo");
  await run("sign good.neo --key key.key -o signed.neo");
  await run("compile good.onnx -t wasm --no-sign -o wrong.neo", WRONG_MATHS);
  const signed = readFileSync(join(folder.path, "signed.neo"));
  writeFileSync(join(folder.path, "tampered.neo"), tampered(signed));
  writeFileSync(join(folder.path, "cut.neo"), signed.subarray(0, 5000));
  return folder;
}
