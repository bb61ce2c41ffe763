import { unzlibSync } from "fflate";
import { HostProblem, textAttr, wantInputs, type HostFunction } from "./host-function.ts";
import { decodeJpeg } from "./jpeg.ts";

/** Three bytes a pixel, red first, rows from the top. */
interface Picture {
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/** Pixels that a picture may have: its file says how many, and may say what it likes. */
const MOST_PIXELS = 2 ** 26;

/** The pixels of a file: PNG without interlacing, baseline JPEG, plain BMP, TIFF and PNM, told by its first bytes. What stands behind its end is not looked at. */
export const decodeImage: HostFunction = {
  results(inputs, attrs) {
    wantInputs(inputs, "u8");
    const format = textAttr(attrs, "pixelFormat");
    if (!["RGB", "BGR", "Grayscale"].includes(format)) throw new HostProblem(`gives pixels as ${format}`);
    if (inputs[0]!.shape.length !== 1) throw new HostProblem(`takes a file of rank ${inputs[0]!.shape.length}, wanted 1`);
    return [{ dtype: "u8", shape: [-1, -1, format === "Grayscale" ? 1 : 3] }];
  },
  run([x], attrs) {
    const format = textAttr(attrs, "pixelFormat");
    const { height, width, pixels } = pictureOf(Uint8Array.from(x!.data as ArrayLike<number>));
    if (format === "RGB") return [{ dtype: "u8", shape: [height, width, 3], data: pixels }];
    const count = height * width;
    const data = new Uint8Array(count * (format === "BGR" ? 3 : 1));
    for (let i = 0; i < count; i++) {
      const [r, g, b] = [pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!];
      // ITU-R 601 in 16 bits of fraction, as libraries of pictures have it.
      if (format === "Grayscale") data[i] = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
      else data.set([b, g, r], 3 * i);
    }
    return [{ dtype: "u8", shape: [height, width, format === "BGR" ? 3 : 1], data }];
  },
};

function pictureOf(file: Uint8Array): Picture {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (view.getUint32(0) === 0x89504e47) return png(file, view);
    if (view.getUint16(0) === 0xffd8) return decodeJpeg(file, MOST_PIXELS);
    if (view.getUint32(0) === 0x49492a00 || view.getUint32(0) === 0x4d4d002a) return tiff(file, view);
    if (view.getUint16(0) === 0x424d) return bmp(file, view);
    if (file[0] === 0x50 && (file[1] === 0x35 || file[1] === 0x36)) return pnm(file);
  } catch (error) {
    if (error instanceof RangeError) throw new HostProblem("has a picture that is cut off");
    throw error;
  }
  throw new HostProblem("has a file that is no PNG, JPEG, BMP, TIFF or binary PNM");
}

function sized(height: number, width: number): Picture {
  if (!(height > 0 && width > 0 && height * width <= MOST_PIXELS)) throw new HostProblem(`has a picture of ${width}x${height}`);
  return { height, width, pixels: new Uint8Array(3 * height * width) };
}

/** Windows bitmaps of 24 or 32 bits without compression. */
function bmp(file: Uint8Array, view: DataView): Picture {
  const [start, width, signed, bits, compression] = [
    view.getUint32(10, true),
    view.getInt32(18, true),
    view.getInt32(22, true),
    view.getUint16(28, true),
    view.getUint32(30, true),
  ];
  if ((bits !== 24 && bits !== 32) || compression !== 0) throw new HostProblem(`has a BMP of ${bits} bits, compression ${compression}`);
  const picture = sized(Math.abs(signed), width);
  const step = bits / 8;
  const stride = Math.ceil((width * step) / 4) * 4;
  if (start + stride * picture.height > file.length) throw new RangeError();
  for (let y = 0; y < picture.height; y++) {
    const row = start + stride * (signed < 0 ? y : picture.height - 1 - y);
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) picture.pixels[3 * (y * width + x) + c] = file[row + step * x + 2 - c]!;
  }
  return picture;
}

/** The first picture of a file, of 8 bits in strips without compression. */
function tiff(file: Uint8Array, view: DataView): Picture {
  const little = file[0] === 0x49;
  const directory = view.getUint32(4, little);
  const fields = new Map<number, number[]>();
  for (let i = 0; i < view.getUint16(directory, little); i++) {
    const at = directory + 2 + 12 * i;
    const [kind, count] = [view.getUint16(at + 2, little), view.getUint32(at + 4, little)];
    const width = kind === 3 ? 2 : 4;
    if ((kind !== 3 && kind !== 4) || count > file.length) continue;
    const from = count * width <= 4 ? at + 8 : view.getUint32(at + 8, little);
    fields.set(
      view.getUint16(at, little),
      Array.from({ length: count }, (_, k) => (kind === 3 ? view.getUint16(from + 2 * k, little) : view.getUint32(from + 4 * k, little))),
    );
  }
  const field = (tag: number, fallback: number): number => fields.get(tag)?.[0] ?? fallback;
  const samples = field(277, 1);
  const isGray = samples < 3;
  if (field(259, 1) !== 1 || field(284, 1) !== 1 || field(262, -1) !== (isGray ? 1 : 2) || samples > 4 || fields.get(258)?.some((bits) => bits !== 8) !== false)
    throw new HostProblem("has a TIFF that is compressed, or not of grey or colours of 8 bits");
  const picture = sized(field(257, 0), field(256, 0));
  const rows = Math.max(1, Math.min(picture.height, field(278, picture.height)));
  const strips = fields.get(273) ?? [];
  for (let y = 0; y < picture.height; y++) {
    const row = (strips[Math.floor(y / rows)] ?? file.length) + (y % rows) * picture.width * samples;
    if (row + picture.width * samples > file.length) throw new RangeError();
    for (let x = 0; x < picture.width; x++)
      for (let c = 0; c < 3; c++) picture.pixels[3 * (y * picture.width + x) + c] = file[row + x * samples + (isGray ? 0 : c)]!;
  }
  return picture;
}

/** P5 and P6: three numbers in text, then a byte a sample. */
function pnm(file: Uint8Array): Picture {
  const head = /^P[56](?:\s+|#[^\n]*\n)+(\d{1,6})(?:\s+|#[^\n]*\n)+(\d{1,6})(?:\s+|#[^\n]*\n)+(\d{1,5})\s/.exec(String.fromCharCode(...file.subarray(0, 256)));
  if (!head || head[3] !== "255") throw new HostProblem("has a PNM without a head, or not of 255 steps");
  const picture = sized(Number(head[2]), Number(head[1]));
  const isGray = file[1] === 0x35;
  const samples = file.subarray(head[0].length, head[0].length + picture.pixels.length / (isGray ? 3 : 1));
  if (samples.length < picture.pixels.length / (isGray ? 3 : 1)) throw new RangeError();
  if (isGray) samples.forEach((value, i) => picture.pixels.fill(value, 3 * i, 3 * i + 3));
  else picture.pixels.set(samples);
  return picture;
}

/** Samples a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number | undefined>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function png(file: Uint8Array, view: DataView): Picture {
  const [width, height, depth, colour, interlace] = [view.getUint32(16), view.getUint32(20), file[24]!, file[25]!, file[28]!];
  const samples = SAMPLES[colour];
  if (!samples || ![1, 2, 4, 8, 16].includes(depth) || interlace !== 0)
    throw new HostProblem(`has a PNG of colour type ${colour}, ${depth} bits${interlace ? ", interlaced" : ""}`);
  // Deflated data are a thousandth of what they were at the least.
  if (height * width * samples * depth > 8 * 1100 * file.length) throw new HostProblem(`has a PNG of ${width}x${height} in ${file.length} bytes`);
  const picture = sized(height, width);
  const parts: Uint8Array[] = [];
  let palette: Uint8Array = new Uint8Array(0);
  for (let at = 8; at + 8 <= file.length;) {
    const [length, kind] = [view.getUint32(at), view.getUint32(at + 4)];
    const body = file.subarray(at + 8, at + 8 + length);
    if (kind === 0x49444154) parts.push(body);
    else if (kind === 0x504c5445) palette = body;
    else if (kind === 0x49454e44) break;
    at += 12 + length;
  }
  const packed = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  parts.reduce((at, part) => (packed.set(part, at), at + part.length), 0);
  const stride = Math.ceil((width * samples * depth) / 8);
  const lines = inflate(packed, (stride + 1) * height);
  unfilter(lines, height, stride, Math.max(1, (samples * depth) / 8));
  const scale = colour === 3 || depth >= 8 ? 1 : 255 / (2 ** depth - 1);
  const sample = (y: number, i: number): number => {
    const row = y * (stride + 1) + 1;
    if (depth >= 8) return lines[row + (i * depth) / 8]!;
    return ((lines[row + ((i * depth) >> 3)]! >> (8 - depth - ((i * depth) & 7))) & (2 ** depth - 1)) * scale;
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        picture.pixels[3 * (y * width + x) + c] = colour === 3 ? (palette[3 * sample(y, x) + c] ?? 0) : sample(y, x * samples + (samples < 3 ? 0 : c));
  return picture;
}

/** `size` bytes of a zlib stream; what it holds beyond them is not looked at. */
function inflate(packed: Uint8Array, size: number): Uint8Array {
  let lines: Uint8Array;
  // Two bytes of head and four of checksum: of a stream with nothing between them the library gives what it was handed.
  if (packed.length <= 6) throw new HostProblem("has a picture whose data are cut off");
  try {
    lines = unzlibSync(packed, { out: new Uint8Array(size) });
  } catch {
    throw new HostProblem("has a picture whose data are damaged");
  }
  if (lines.length < size) throw new HostProblem("has a picture whose data are cut off");
  return lines;
}

/** Takes back the filter of each line, in place; its first byte says which. */
function unfilter(lines: Uint8Array, height: number, stride: number, back: number): void {
  for (let y = 0; y < height; y++) {
    const row = y * (stride + 1) + 1;
    const filter = lines[row - 1]!;
    if (filter > 4) throw new HostProblem(`has a PNG with filter ${filter}`);
    for (let i = 0; i < stride; i++) {
      const left = i < back ? 0 : lines[row + i - back]!;
      const up = y === 0 ? 0 : lines[row + i - stride - 1]!;
      const corner = i < back || y === 0 ? 0 : lines[row + i - stride - 1 - back]!;
      lines[row + i]! += filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : filter === 4 ? paeth(left, up, corner) : 0;
    }
  }
}

function paeth(a: number, b: number, c: number): number {
  const [p, q, r] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return p <= q && p <= r ? a : q <= r ? b : c;
}
