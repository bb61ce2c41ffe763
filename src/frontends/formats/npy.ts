import { byteLength, decodeData, encodeData, type Data, type Tensor } from "../../ir/tensor.ts";
import { BITS, elementCount, type DType } from "../../ir/types.ts";
import { NeoError } from "../../support/errors.ts";
import { checkLimit, DEFAULT_LIMITS, limitError, safeProduct, type Limits } from "../../support/limits.ts";

/** numpy's array files, versions 1 to 3 (numpy.lib.format). Read by their header alone: nothing in them is evaluated. */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const LARGEST_HEADER = 65_536;

/** Element descriptions without their byte order. bfloat16 is what ml_dtypes writes: two bytes without a meaning. */
const DTYPES: Readonly<Record<string, DType>> = {
  f8: "f64",
  f4: "f32",
  f2: "f16",
  V2: "bf16",
  i8: "i64",
  i4: "i32",
  i2: "i16",
  i1: "i8",
  u8: "u64",
  u4: "u32",
  u2: "u16",
  u1: "u8",
  b1: "bool",
};

/** The array in an npy file, in row-major order. Throws NEO2012, or a limit. */
export function readNpy(bytes: Uint8Array, file: string, limits: Limits = DEFAULT_LIMITS): Tensor {
  checkLimit("fileBytes", limits, file, "bytes of the file:", bytes.length);
  const { text, end } = readHeader(bytes, file);
  const { descr, fortranOrder, shape } = parseHeader(text, file);
  const order = descr.charAt(0);
  const kind = /^[<>|=]/.test(descr) ? descr.slice(1) : descr;
  const isText = /^[US][0-9]{1,6}$/.test(kind);
  const dtype = isText ? "string" : Object.hasOwn(DTYPES, kind) ? DTYPES[kind]! : fail(file, `has elements "${descr}"`);
  checkLimit("rank", limits, file, "rank of the array:", shape.length);
  const elements = safeProduct(shape) ?? fail(file, `has the shape (${shape.join(", ")})`);
  const width = isText ? Number(kind.slice(1)) * (kind.startsWith("U") ? 4 : 1) : BITS[dtype] / 8;
  if (elements * Math.max(1, width) > limits.tensorBytes) throw limitError("tensorBytes", limits, file, "bytes of the array:", elements * width);
  const body = bytes.subarray(end);
  if (body.length < elements * width) fail(file, `has ${body.length} bytes of data, its shape (${shape.join(", ")}) of ${descr} wants ${elements * width}`);
  const data = isText ? decodeTexts(body, kind, elements, order) : decodeNumbers(body, dtype, elements, width, order);
  return { type: { dtype, shape }, data: fortranOrder ? toRowMajor(data, shape) : data };
}

/** Bytes that `np.load` reads. 4-bit integers, which numpy has not, become bytes. */
export function writeNpy(tensor: Tensor): Uint8Array {
  const { dtype, shape } = tensor.type;
  const { descr, body } = dtype === "string" ? encodeTexts(tensor.data as readonly string[]) : encodeNumbers(dtype, tensor.data);
  const header = headerFor(descr, shape, 0);
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}

/** The beginning of a file whose elements are written behind it, at least `size` bytes long: the same place for any number of rows. */
export function npyHeader(dtype: DType, shape: readonly number[], size = 0): Uint8Array {
  return headerFor(descrOf(dtype), shape, size);
}

/** What an npy file says before its elements, of its first bytes; undefined where they are too few to tell. */
export function readNpyHeader(bytes: Uint8Array, file: string): (Header & { readonly end: number }) | undefined {
  const isCut = bytes.length < LARGEST_HEADER + 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isCut && (bytes.length < 12 || bytes.length < (bytes[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true)))) return undefined;
  const { text, end } = readHeader(bytes, file);
  return { ...parseHeader(text, file), end };
}

function headerFor(descr: string, shape: readonly number[], size: number): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.max(size, Math.ceil((10 + dict.length + 1) / 64) * 64) - 10;
  const bytes = new Uint8Array(10 + length).fill(0x20);
  bytes.set([...MAGIC, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(dict), 10);
  bytes[9 + length] = 0x0a;
  return bytes;
}

function readHeader(bytes: Uint8Array, file: string): { readonly text: string; readonly end: number } {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) fail(file, "does not begin as an npy file does");
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(file, `has version ${version}, wanted 1 to 3`);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) fail(file, "ends in its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LARGEST_HEADER || start + length > bytes.length) fail(file, `has a header of ${length} bytes, the file has ${bytes.length}`);
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, start + length));
  return { text, end: start + length };
}

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** The three entries of the header, a Python dict literal in any order. */
function parseHeader(text: string, file: string): Header {
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]{1,16})['"]/.exec(text)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(([0-9,\sL]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined)
    return fail(file, `has a header that is not one of a plain array: ${text.slice(0, 100).trim()}`);
  const dims = shape
    .split(",")
    .map((dim) => dim.trim().replace(/L$/, ""))
    .filter((dim) => dim !== "");
  if (dims.some((dim) => !/^[0-9]{1,16}$/.test(dim))) fail(file, `has the shape (${shape})`);
  return { descr, fortranOrder: order === "True", shape: dims.map(Number) };
}

function decodeNumbers(body: Uint8Array, dtype: DType, elements: number, width: number, order: string): Data {
  const bytes = body.slice(0, byteLength(dtype, elements));
  // "=" is the order of the machine that wrote the file, and those are little-endian.
  if (order === ">" && width > 1) for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  if (dtype === "bool") for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i] ? 1 : 0;
  return decodeData(dtype, bytes, elements);
}

function encodeNumbers(dtype: DType, data: Data): { readonly descr: string; readonly body: Uint8Array } {
  const stored = dtype === "i4" ? "i8" : dtype === "u4" ? "u8" : dtype;
  return { descr: descrOf(stored), body: encodeData(stored, data) };
}

function descrOf(dtype: DType): string {
  const kind = Object.keys(DTYPES).find((name) => DTYPES[name] === dtype)!;
  return `${BITS[dtype] === 8 ? "|" : "<"}${kind}`;
}

/** Fixed-width text: UCS-4 (U) or bytes (S), filled with NULs. */
function decodeTexts(body: Uint8Array, kind: string, elements: number, order: string): string[] {
  const isUcs4 = kind.startsWith("U");
  const length = Number(kind.slice(1));
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const codeAt = (at: number): number => (isUcs4 ? view.getUint32(at * 4, order !== ">") : body[at]!);
  return Array.from({ length: elements }, (_, i) => {
    const codes = Array.from({ length }, (_none, j) => codeAt(i * length + j));
    const text = codes.map((code) => (code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code))).join("");
    return text.replace(/\0+$/, "");
  });
}

function encodeTexts(texts: readonly string[]): { readonly descr: string; readonly body: Uint8Array } {
  const codes = texts.map((text) => Array.from(text, (letter) => letter.codePointAt(0)!));
  const length = Math.max(1, ...codes.map((letters) => letters.length));
  const body = new Uint8Array(texts.length * length * 4);
  const view = new DataView(body.buffer);
  codes.forEach((letters, i) => letters.forEach((code, j) => view.setUint32((i * length + j) * 4, code, true)));
  return { descr: `<U${length}`, body };
}

/** Column-major elements in row-major order. */
function toRowMajor(data: Data, shape: readonly number[]): Data {
  const result = data.slice() as Data & { [i: number]: unknown };
  const strides: number[] = [];
  shape.reduce((stride, dim, axis) => ((strides[axis] = stride), stride * dim), 1);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < elementCount(shape); to++) {
    result[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function fail(file: string, text: string): never {
  throw new NeoError({
    code: "NEO2012",
    message: `${file} is not a readable npy array: it ${text}`,
    hint: "write it with `numpy.save` from an array of numbers",
    file,
  });
}
