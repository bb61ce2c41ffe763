import { NeoError } from "../support/errors.ts";
import type { RowBlock, RowReader } from "./row-block.ts";

/** Elements of an npy file of numbers, by its header's description. */
const ELEMENTS: Readonly<Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number, little: boolean) => number }>> = {
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  b1: { bytes: 1, read: (view, at) => view.getUint8(at) },
};

/** What an npy file says before its elements. */
interface NpyHeader {
  /** Where the elements begin. */
  readonly end: number;
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** Rows of a two-dimensional npy array in row-major order, which need not fit into memory. Throws NEO1060. */
export class NpyRows implements RowReader {
  readonly hasHeader = false;
  /** Rows that the header promises. */
  readonly rows: number;
  private readonly file: string;
  private readonly width: number;
  private readonly element: (typeof ELEMENTS)[string];
  private readonly isLittle: boolean;
  private rest = new Uint8Array(0);
  private at = 0;
  private read = 0;
  private skip: number;

  /** The header is that of the bytes which `feed` gets first. */
  constructor(header: NpyHeader, features: number, file: string) {
    const kind = /^[<>|=]?(\w+)$/.exec(header.descr)?.[1] ?? "";
    const fail = (text: string, hint: string): NeoError => new NeoError({ code: "NEO1060", message: `${file} ${text}`, hint, file });
    if (!Object.hasOwn(ELEMENTS, kind)) throw fail(`has elements "${header.descr}"`, "save an array of float32 or float64");
    if (header.fortranOrder && header.shape.length === 2 && header.shape[0]! > 1 && header.shape[1]! > 1)
      throw fail("has its elements column by column", "save numpy.ascontiguousarray(x)");
    if (header.shape.length !== 2 || header.shape[1] !== features)
      throw fail(`has the shape (${header.shape.join(", ")}), wanted (rows, ${features})`, "rows of the model's features, in the order of training");
    this.element = ELEMENTS[kind]!;
    this.isLittle = !header.descr.startsWith(">");
    this.rows = header.shape[0]!;
    this.width = features;
    this.file = file;
    this.skip = header.end;
  }

  feed(bytes: Uint8Array): void {
    const skipped = Math.min(this.skip, bytes.length);
    this.skip -= skipped;
    const kept = this.rest.subarray(this.at);
    const joined = new Uint8Array(kept.length + bytes.length - skipped);
    joined.set(kept);
    joined.set(bytes.subarray(skipped), kept.length);
    this.rest = joined;
    this.at = 0;
  }

  finish(): void {
    if (this.read + this.whole() < this.rows)
      throw new NeoError({
        code: "NEO1060",
        message: `${this.file} ends behind row ${this.read + this.whole()} of ${this.rows}`,
        hint: "was it copied whole?",
        file: this.file,
      });
  }

  fill(block: RowBlock): boolean {
    const { element, rest, isLittle } = this;
    const count = Math.min(this.whole(), block.capacity - block.count, this.rows - this.read);
    const view = new DataView(rest.buffer, this.at);
    const [first, size] = [block.count * block.width, count * this.width];
    for (let i = 0; i < size; i++) block.data[first + i] = element!.read(view, i * element!.bytes, isLittle);
    this.at += size * element!.bytes;
    this.read += count;
    block.count += count;
    return block.count === block.capacity;
  }

  /** Rows that are there to be read. */
  private whole(): number {
    return this.width === 0 ? this.rows - this.read : Math.floor((this.rest.length - this.at) / (this.width * this.element!.bytes));
  }
}
