import { describe, expect, test } from "vitest";
import { parsePreprocess, printPreprocess } from "../../src/package/preprocess-spec.ts";
import { pictureElements, resizeBilinear, type Picture } from "../../src/session/preprocess.ts";
import { load } from "../../src/session/index.ts";
import { bundleOf, port, wasmArtifact } from "./tiny-model.ts";

const picture = (width: number, height: number, pixel: (x: number, y: number) => readonly number[]): Picture => ({
  width,
  height,
  data: Uint8Array.from({ length: 4 * width * height }, (_, i) => pixel((i >> 2) % width, Math.floor((i >> 2) / width))[i % 4]!),
});

/** Red counts columns, green rows, blue is 100. */
const ramp = (width: number, height: number): Picture => picture(width, height, (x, y) => [x, y, 100, 255]);

describe("the words of --preprocess", () => {
  test("are read and printed", () => {
    const text = "rgb,nchw,resize:48xW,mean:127.5,scale:127.5";
    const spec = parsePreprocess(text, "x");
    expect(spec).toEqual({ channels: "rgb", layout: "nchw", resize: { height: 48 }, mean: [127.5], scale: [127.5] });
    expect(printPreprocess(spec)).toBe(text);
    expect(parsePreprocess("gray", "x")).toEqual({ channels: "gray", layout: "nchw", mean: [0], scale: [1] });
    expect(parsePreprocess("bgr,nhwc,resize:2x3,mean:1:2:3,scale:4:5:6", "x")).toMatchObject({
      resize: { height: 2, width: 3 },
      mean: [1, 2, 3],
      scale: [4, 5, 6],
    });
  });

  test("are all named where they are wrong", () => {
    expect(() => parsePreprocess("rgb,bgr,resize:0x4,mean:a,scale:0,crop", "x")).toThrowError(
      expect.objectContaining({
        code: "NEO1053",
        notes: ["bgr", "resize:0x4", "mean:a", "scale:0", "crop"].map((where) => expect.objectContaining({ where })),
      }),
    );
    expect(() => parsePreprocess("gray,mean:1:2:3", "x")).toThrowError(
      expect.objectContaining({ notes: [{ where: "mean", text: "found 3 values, wanted 1 or 1" }] }),
    );
  });
});

describe("a picture as elements", () => {
  test("by planes and by pixels, in both channel orders", () => {
    const planes = pictureElements(ramp(2, 2), parsePreprocess("rgb,nchw", "x"), port("x", [1, 3, 2, 2]));
    expect([...planes]).toEqual([0, 1, 0, 1, 0, 0, 1, 1, 100, 100, 100, 100]);
    const pixels = pictureElements(ramp(2, 2), parsePreprocess("bgr,nhwc", "x"), port("x", [1, 2, 2, 3]));
    expect([...pixels]).toEqual([100, 0, 0, 100, 0, 1, 100, 1, 0, 100, 1, 1]);
  });

  test("each channel has its own mean and scale", () => {
    const elements = pictureElements(
      picture(1, 1, () => [10, 20, 30, 255]),
      parsePreprocess("rgb,mean:1:2:3,scale:2:3:9", "x"),
      port("x", [1, 3, 1, 1]),
    );
    expect([...elements]).toEqual([4.5, 6, 3]);
  });

  test("transparent pixels stand on white", () => {
    const elements = pictureElements(
      picture(2, 1, (x) => [0, 0, 0, x * 51]),
      parsePreprocess("gray", "x"),
      port("x", [1, 1, 2]),
    );
    expect([...elements]).toEqual([255, 204]);
  });

  test("gray is the luma of BT.601", () => {
    const of = (...rgb: number[]): number =>
      pictureElements(
        picture(1, 1, () => [...rgb, 255]),
        parsePreprocess("gray", "x"),
        port("x", [1, 1, 1]),
      )[0]!;
    expect([of(255, 0, 0), of(0, 255, 0), of(0, 0, 255), of(255, 255, 255)]).toEqual([76, 150, 29, 255]);
  });

  test("a free width keeps proportions, and zeros follow to the right", () => {
    const elements = pictureElements(
      picture(3, 2, () => [255, 255, 255, 255]),
      parsePreprocess("gray,resize:4xW,mean:127.5,scale:127.5", "x"),
      port("x", [1, 1, 4, 8]),
    );
    expect([...elements.subarray(0, 8)]).toEqual([1, 1, 1, 1, 1, 1, 0, 0]);
  });

  test("a picture too wide is squeezed", () => {
    const elements = pictureElements(
      picture(100, 1, () => [255, 255, 255, 255]),
      parsePreprocess("gray,resize:1xW", "x"),
      port("x", [1, 1, 1, 4]),
    );
    expect([...elements]).toEqual([255, 255, 255, 255]);
  });
});

describe("bilinear resize", () => {
  test("has half-pixel centres and clamps at the edge", () => {
    expect([...resizeBilinear([Float64Array.of(0, 100)], 2, 1, 4, 1)[0]!]).toEqual([0, 25, 75, 100]);
    expect([...resizeBilinear([Float64Array.of(0, 100, 200, 40)], 4, 1, 2, 1)[0]!]).toEqual([50, 120]);
    expect([...resizeBilinear([Float64Array.of(0, 100)], 1, 2, 1, 4)[0]!]).toEqual([0, 25, 75, 100]);
  });

  test("of the same size is the picture itself", () => {
    expect(resizeBilinear([Float64Array.of(1, 2)], 2, 1, 2, 1)).toEqual([Float64Array.of(1, 2)]);
  });

  test("agrees with weights computed by hand on both axes", () => {
    const plane = Float64Array.from({ length: 12 }, (_, i) => i * 20);
    const [found] = resizeBilinear([plane], 4, 3, 7, 5);
    const at = (i: number, from: number, to: number): number => Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    for (let y = 0; y < 5; y++) for (let x = 0; x < 7; x++) expect(found![y * 7 + x]).toBe(Math.round(20 * at(x, 4, 7) + 80 * at(y, 3, 5)));
  });
});

describe("a session's pictures", () => {
  const preprocess = { x: parsePreprocess("gray,resize:1xW", "x") };
  const bytes = bundleOf(
    [
      [1, 1, 1, 4],
      [1, 1, 1, 8],
    ],
    [wasmArtifact([4, 8])],
    { preprocess },
  );

  test("go to the narrowest program that holds them", async () => {
    const session = await load(bytes, { trust: "unsigned" });
    const widthFor = (width: number): number => session.preprocess("x", ramp(width, 1)).shape[3]!;
    expect([1, 4, 5, 8, 20].map(widthFor)).toEqual([4, 4, 8, 8, 8]);
    const input = session.preprocess(
      "x",
      picture(3, 1, (x) => [x, x, x, 255]),
    );
    expect(input).toEqual({ dtype: "f32", shape: [1, 1, 1, 4], data: Float32Array.of(0, 1, 2, 0) });
    expect((await session.run({ x: input }))["y"]!.data).toEqual(Float32Array.of(0, 3, 6, 0));
  });

  test("are refused for inputs without preprocessing, and where the size is another", async () => {
    const plain = await load(bundleOf([[1, 1, 2, 2]], [wasmArtifact([4])], { preprocess: { x: parsePreprocess("gray", "x") } }), { trust: "unsigned" });
    expect(plain.preprocess("x", ramp(2, 2)).shape).toEqual([1, 1, 2, 2]);
    expect(() => plain.preprocess("x", ramp(3, 2))).toThrowError(
      expect.objectContaining({
        code: "NEO1054",
        notes: [
          { where: "picture", text: "3x2" },
          { where: "x", text: "f32 [1, 1, 2, 2], gray,nchw,mean:0,scale:1" },
        ],
      }),
    );
    expect(() => plain.preprocess("y", ramp(2, 2))).toThrowError(expect.objectContaining({ code: "NEO1054" }));
  });

  test("are checked against the model when it is built", () => {
    const build = (words: string, name = "x") => bundleOf([[1, 1, 1, 4]], [wasmArtifact([4])], { preprocess: { [name]: parsePreprocess(words, name) } });
    expect(() => build("rgb")).toThrowError(
      expect.objectContaining({
        code: "NEO1056",
        notes: [{ where: "x=rgb,nchw,mean:0,scale:1", text: "found f32 [1, 1, 1, 4], wanted one picture: [1, 3, H, W]" }],
      }),
    );
    expect(() => build("gray,resize:2xW")).toThrowError(
      expect.objectContaining({ notes: [{ where: expect.anything(), text: "found f32 [1, 1, 1, 4], resize gives 2xW" }] }),
    );
    expect(() => build("gray", "X")).toThrowError(expect.objectContaining({ notes: [{ where: "X", text: "is no input, did you mean x?" }] }));
  });
});
