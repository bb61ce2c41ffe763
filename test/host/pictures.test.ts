import { deflateSync, crc32 } from "node:zlib";
import jpeg from "jpeg-js";
import { describe, expect, test } from "vitest";
import { HostProblem } from "../../src/host/host-function.ts";
import { decodeImage } from "../../src/host/pictures.ts";
import { seededRandom } from "../../src/support/random.ts";

const decode = (file: Uint8Array, pixelFormat = "RGB"): { shape: readonly number[]; data: number[] } => {
  const [image] = decodeImage.run([{ dtype: "u8", shape: [file.length], data: file }], { pixelFormat });
  return { shape: image!.shape, data: Array.from(image!.data as Uint8Array) };
};

const random = seededRandom(7);

function chunk(kind: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(kind), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(typeof crc32 === "function" ? crc32(named) : 0);
  return Buffer.concat([length, named, sum]);
}

/** Each line with its filter in front. */
function png(width: number, height: number, depth: number, colour: number, lines: Uint8Array, palette?: Uint8Array): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([depth, colour], 8);
  const data = deflateSync(lines);
  const middle = data.length >> 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", head),
    ...(palette ? [chunk("PLTE", palette)] : []),
    chunk("IDAT", data.subarray(0, middle)),
    chunk("IDAT", data.subarray(middle)),
    chunk("IEND", new Uint8Array(0)),
    Buffer.from([1, 2, 3]),
  ]);
}

test("PNG of every filter", () => {
  const lines = [
    [0, 10, 20, 30, 40, 50, 60],
    [1, 10, 20, 30, 40, 50, 60],
    [2, 1, 2, 3, 4, 5, 6],
    [3, 1, 2, 3, 4, 5, 6],
    [4, 1, 2, 3, 4, 5, 250],
  ].flat();
  expect(decode(png(2, 5, 8, 2, Uint8Array.from(lines)))).toEqual({
    shape: [5, 2, 3],
    data: [...[10, 20, 30, 40, 50, 60], ...[10, 20, 30, 50, 70, 90], ...[11, 22, 33, 54, 75, 96], ...[6, 13, 19, 34, 49, 63], ...[7, 15, 22, 38, 54, 57]],
  });
});

test("PNG of grey, of grey with alpha, of a palette, of 16 bits", () => {
  expect(decode(png(8, 1, 1, 0, Uint8Array.of(0, 0b10100000))).data.filter((_, i) => i % 3 === 0)).toEqual([255, 0, 255, 0, 0, 0, 0, 0]);
  expect(decode(png(2, 1, 8, 4, Uint8Array.of(0, 7, 99, 8, 99))).data).toEqual([7, 7, 7, 8, 8, 8]);
  expect(decode(png(3, 1, 4, 3, Uint8Array.of(0, 0x01, 0x20), Uint8Array.of(1, 2, 3, 4, 5, 6))).data).toEqual([1, 2, 3, 4, 5, 6, 0, 0, 0]);
  expect(decode(png(1, 1, 16, 6, Uint8Array.of(0, 1, 255, 2, 255, 3, 255, 4, 255))).data).toEqual([1, 2, 3]);
});

test("PNM, and the orders of channels", () => {
  const file = Buffer.concat([Buffer.from("P6\n# a remark\n2 1\n255\n"), Buffer.from([10, 20, 30, 40, 50, 60])]);
  expect(decode(file)).toEqual({ shape: [1, 2, 3], data: [10, 20, 30, 40, 50, 60] });
  expect(decode(file, "BGR").data).toEqual([30, 20, 10, 60, 50, 40]);
  expect(decode(file, "Grayscale")).toEqual({ shape: [1, 2, 1], data: [18, 48] });
  expect(decode(Buffer.concat([Buffer.from("P5 1 2 255\n"), Buffer.from([9, 8])]))).toEqual({ shape: [2, 1, 3], data: [9, 9, 9, 8, 8, 8] });
});

describe("JPEG", () => {
  const [width, height] = [37, 29];
  const smooth = (): Buffer =>
    Buffer.from(Array.from({ length: width * height }, (_, i) => [(i % width) * 6, Math.floor(i / width) * 8, 255 - (i % width) * 6, 255]).flat());

  /** Another decoder, with its own transform and a plainer filter for chroma. */
  const other = (file: Uint8Array): number[] => Array.from(jpeg.decode(file, { useTArray: true }).data).filter((_, i) => i % 4 < 3);

  test("is near what another decoder makes of it, and near what went in", () => {
    const file = jpeg.encode({ data: smooth(), width, height }, 90).data;
    const { shape, data } = decode(file);
    expect(shape).toEqual([height, width, 3]);
    const [found, given] = [other(file), Array.from(smooth()).filter((_, i) => i % 4 < 3)];
    const off = (wanted: readonly number[]): number => data.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]!), 0) / data.length;
    expect(off(found)).toBeLessThan(2);
    expect(off(given)).toBeLessThan(4);
  });

  test("that is damaged ends in a picture or in a refusal", () => {
    const file = jpeg.encode({ data: smooth(), width, height }, 60).data;
    for (let i = 0; i < 1500; i++) {
      const bad = Uint8Array.from(file);
      for (let k = 0; k < 3; k++) bad[Math.floor(random() * bad.length)] = Math.floor(random() * 256);
      try {
        decode(i % 3 === 0 ? bad.subarray(0, Math.floor(random() * bad.length)) : bad);
      } catch (error) {
        expect(error).toBeInstanceOf(HostProblem);
      }
    }
  });
});

test("TIFF in strips, of both orders of bytes", () => {
  for (const little of [true, false]) {
    const file = Buffer.alloc(200);
    const short = (value: number, at: number): unknown => (little ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at));
    const long = (value: number, at: number): unknown => (little ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at));
    file.write(little ? "II" : "MM");
    short(42, 2);
    long(8, 4);
    const entries: readonly (readonly [number, number, number, number])[] = [
      [256, 3, 1, 2],
      [257, 3, 1, 2],
      [258, 3, 3, 130],
      [259, 3, 1, 1],
      [262, 3, 1, 2],
      [273, 4, 2, 140],
      [277, 3, 1, 3],
      [278, 3, 1, 1],
    ];
    short(entries.length, 8);
    entries.forEach(([tag, kind, count, value], i) => {
      short(tag, 10 + 12 * i);
      short(kind, 12 + 12 * i);
      long(count, 14 + 12 * i);
      if (kind === 3 && count === 1) short(value, 18 + 12 * i);
      else long(value, 18 + 12 * i);
    });
    for (let i = 0; i < 3; i++) short(8, 130 + 2 * i);
    long(170, 140);
    long(160, 144);
    file.set([1, 2, 3, 4, 5, 6], 170);
    file.set([7, 8, 9, 10, 11, 12], 160);
    expect(decode(file)).toEqual({ shape: [2, 2, 3], data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] });
    short(5, 18 + 12 * 3);
    expect(() => decode(file)).toThrowError(/TIFF that is compressed/);
  }
});

test("files that lie, end or are something else are refused", () => {
  const good = png(2, 2, 8, 2, new Uint8Array(14));
  const huge = Uint8Array.from(good);
  huge.set([0x7f, 0xff, 0xff, 0xff], 16);
  for (const file of [
    huge,
    good.subarray(0, 20),
    good.subarray(0, 45),
    Buffer.from("P6 9999 9999 255\n"),
    Buffer.from("BM"),
    Buffer.from("GIF89a"),
    new Uint8Array(0),
  ])
    expect(() => decode(file)).toThrowError(HostProblem);
  for (let i = 0; i < 3000; i++) {
    const file = Uint8Array.from(good);
    for (let k = 0; k < 3; k++) file[Math.floor(random() * file.length)] = Math.floor(random() * 256);
    try {
      decode(file);
    } catch (error) {
      expect(error).toBeInstanceOf(HostProblem);
    }
  }
});
