import { NeoError } from "../errors.ts";

/** RGBA, 8 bits each, rows from the top. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A few bytes of a file can ask for gigabytes of pixels: the size in the header is checked before anything is decoded. */
const MAX_PIXELS = 100e6;

/** A PNG or JPEG file, told by its content. */
export async function decodePicture(bytes: Uint8Array, file: string): Promise<Picture> {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (!isPng && !isJpeg) throw damaged(file, "is neither PNG nor JPEG");
  const size = isPng ? pngSize(bytes) : jpegSize(bytes);
  if (!size || size.width < 1 || size.height < 1) throw damaged(file, "has no readable size");
  if (size.width * size.height > MAX_PIXELS) {
    throw new NeoError({
      code: "NEO7040",
      message: `${file} has ${size.width}x${size.height} pixels, at most ${MAX_PIXELS / 1e6} million are decoded`,
      hint: "scale it down first",
      file,
    });
  }
  try {
    if (isPng) {
      const { PNG } = await import("pngjs");
      const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
      return { width, height, data: new Uint8Array(data) };
    }
    const { decode } = await import("jpeg-js");
    const { width, height, data } = decode(bytes, { useTArray: true, formatAsRGBA: true, maxMemoryUsageInMB: 512 });
    return { width, height, data };
  } catch (error) {
    throw damaged(file, (error as Error).message);
  }
}

/** A PNG file; the same picture gives the same bytes. */
export async function encodePng({ width, height, data }: Picture): Promise<Uint8Array> {
  const { PNG } = await import("pngjs");
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(PNG.sync.write(png));
}

function damaged(file: string, why: string): NeoError {
  return new NeoError({ code: "NEO1056", message: `the picture ${file} can't be read: ${why}`, hint: "PNG and JPEG files are read", file });
}

function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (bytes.length < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** The first start-of-frame segment. */
function jpegSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = bytes[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
  }
  return undefined;
}
