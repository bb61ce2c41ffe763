import { HostProblem } from "./host-function.ts";

/** Three bytes a pixel, red first, rows from the top. */
export interface JpegPicture {
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

interface Component {
  readonly id: number;
  readonly h: number;
  readonly v: number;
  readonly table: number;
  /** Blocks in a row, and rows of them, those that only fill the last unit included. */
  across: number;
  down: number;
  samples: Uint8Array;
  dc: number;
  codes: readonly [Codes, Codes] | undefined;
}

/** By length of code: the first code, the place of its symbol, and the last code. */
interface Codes {
  readonly last: Int32Array;
  readonly shift: Int32Array;
  readonly symbols: Uint8Array;
}

const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22,
  15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/** Baseline JPEG of one or three components, with the arithmetic of libjpeg: its integer transform, its triangle filter for chroma. */
export function decodeJpeg(file: Uint8Array, mostPixels: number): JpegPicture {
  return new JpegReader(file, mostPixels).run();
}

class JpegReader {
  private readonly file: Uint8Array;
  private readonly mostPixels: number;
  private readonly tables = new Map<number, Int32Array>();
  private readonly codes = new Map<number, Codes>();
  private components: Component[] = [];
  private height = 0;
  private width = 0;
  private restart = 0;
  private isRgb = false;
  private at = 2;
  private held = 0;
  private bitsHeld = 0;

  constructor(file: Uint8Array, mostPixels: number) {
    this.file = file;
    this.mostPixels = mostPixels;
  }

  run(): JpegPicture {
    for (;;) {
      if (this.byte() !== 0xff) return this.fail("is damaged between its parts");
      let marker = this.byte();
      while (marker === 0xff) marker = this.byte();
      if (marker === 0xd9) return this.fail("has no picture");
      const start = this.at;
      const end = start + this.word();
      switch (marker) {
        case 0xdb:
          while (this.at < end) this.quantisation();
          break;
        case 0xc4:
          while (this.at < end) this.huffman();
          break;
        case 0xc0:
        case 0xc1:
          this.frame();
          break;
        case 0xdd:
          this.restart = this.word();
          break;
        case 0xee:
          // Adobe's marker says that nothing was transformed.
          this.isRgb = end - start >= 14 && this.file[start + 2] === 0x41 && this.file[start + 13] === 0;
          break;
        case 0xda:
          this.scan();
          return this.picture();
        default:
          if (marker >= 0xc2 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) return this.fail("is not baseline (progressive, lossless or arithmetic)");
      }
      this.at = end;
    }
  }

  private byte(): number {
    return this.file[this.at++] ?? this.fail("is cut off");
  }

  private word(): number {
    return (this.byte() << 8) | this.byte();
  }

  private fail(what: string): never {
    throw new HostProblem(`has a JPEG that ${what}`);
  }

  private quantisation(): void {
    const head = this.byte();
    this.tables.set(
      head & 15,
      Int32Array.from({ length: 64 }, () => (head >> 4 ? this.word() : this.byte())),
    );
  }

  private huffman(): void {
    const id = this.byte();
    const counts = Array.from({ length: 16 }, () => this.byte());
    const symbols = Uint8Array.from({ length: counts.reduce((n, count) => n + count, 0) }, () => this.byte());
    const [last, shift] = [new Int32Array(17).fill(-1), new Int32Array(17)];
    let [code, place] = [0, 0];
    counts.forEach((count, i) => {
      shift[i + 1] = place - code;
      if (count > 0) last[i + 1] = code + count - 1;
      place += count;
      code = (code + count) << 1;
    });
    this.codes.set(id, { last, shift, symbols });
  }

  private frame(): void {
    const depth = this.byte();
    [this.height, this.width] = [this.word(), this.word()];
    const count = this.byte();
    if (depth !== 8 || (count !== 1 && count !== 3)) this.fail(`has ${count} components of ${depth} bits`);
    // A block takes two bits at least, and 256 pixels take four.
    if (this.height * this.width > 256 * this.file.length) this.fail(`is ${this.width}x${this.height} in ${this.file.length} bytes`);
    if (!(this.height > 0 && this.width > 0 && this.height * this.width <= this.mostPixels)) this.fail(`is ${this.width}x${this.height}`);
    this.components = Array.from({ length: count }, () => {
      const [id, sampling, table] = [this.byte(), this.byte(), this.byte()];
      const [h, v] = count === 1 ? [1, 1] : [sampling >> 4, sampling & 15];
      return { id, h, v, table, across: 0, down: 0, samples: new Uint8Array(0), dc: 0, codes: undefined };
    });
    const [h, v] = this.sampling();
    const others = this.components.slice(1);
    if (h < 1 || v < 1 || h > 2 || v > 2 || this.components[0]!.h !== h || this.components[0]!.v !== v || others.some((c) => c.h !== 1 || c.v !== 1))
      this.fail("has another subsampling than 4:4:4, 4:2:2, 4:4:0 and 4:2:0");
    for (const c of this.components) {
      c.across = Math.ceil(this.width / (8 * h)) * c.h;
      c.down = Math.ceil(this.height / (8 * v)) * c.v;
      c.samples = new Uint8Array(64 * c.across * c.down);
    }
  }

  private sampling(): readonly [number, number] {
    return [Math.max(...this.components.map((c) => c.h)), Math.max(...this.components.map((c) => c.v))];
  }

  private scan(): void {
    const count = this.byte();
    if (this.components.length === 0 || count !== this.components.length) this.fail("has its components apart");
    for (let i = 0; i < count; i++) {
      const id = this.byte();
      const tables = this.byte();
      const component = this.components.find((c) => c.id === id) ?? this.fail("names a component that it has not");
      const of = (key: number): Codes => this.codes.get(key) ?? this.fail("lacks a table of codes");
      component.codes = [of(tables >> 4), of(0x10 | (tables & 15))];
    }
    this.at += 3;
    const [first] = this.components;
    const [across, down] = [first!.across / first!.h, first!.down / first!.v];
    for (let unit = 0; unit < across * down; unit++) {
      if (this.restart > 0 && unit > 0 && unit % this.restart === 0) this.restarted();
      const [x, y] = [unit % across, Math.floor(unit / across)];
      for (const c of this.components) for (let v = 0; v < c.v; v++) for (let h = 0; h < c.h; h++) this.block(c, x * c.h + h, y * c.v + v);
    }
  }

  private restarted(): void {
    this.bitsHeld = 0;
    if (this.byte() !== 0xff || (this.byte() & 0xf8) !== 0xd0) this.fail("is damaged where it starts anew");
    for (const c of this.components) c.dc = 0;
  }

  private bit(): number {
    if (this.bitsHeld === 0) {
      const next = this.file[this.at] ?? this.fail("is cut off");
      // A marker ends the data.
      if (next === 0xff && this.file[this.at + 1] !== 0) this.fail("is cut off");
      [this.held, this.at] = [next, this.at + (next === 0xff ? 2 : 1)];
      this.bitsHeld = 8;
    }
    return (this.held >> --this.bitsHeld) & 1;
  }

  private symbol({ last, shift, symbols }: Codes): number {
    let code = 0;
    for (let length = 1; length <= 16; length++) {
      code = (code << 1) | this.bit();
      if (code <= last[length]!) return symbols[code + shift[length]!] ?? 0;
    }
    return this.fail("has a code that stands for nothing");
  }

  /** A number of so many bits; those that begin with 0 are negative. */
  private number(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) value = (value << 1) | this.bit();
    return bits > 0 && value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
  }

  private block(c: Component, x: number, y: number): void {
    const table = this.tables.get(c.table) ?? this.fail("lacks a table of steps");
    const data = new Int32Array(64);
    c.dc += this.number(Math.min(15, this.symbol(c.codes![0])));
    data[0] = c.dc * table[0]!;
    for (let k = 1; k < 64; k++) {
      const symbol = this.symbol(c.codes![1]);
      const bits = symbol & 15;
      if (bits === 0 && symbol !== 0xf0) break;
      k += symbol >> 4;
      if (k < 64) data[ZIGZAG[k]!] = this.number(bits) * table[k]!;
    }
    inverse(data, c.samples, 8 * (y * 8 * c.across + x), 8 * c.across);
  }

  private picture(): JpegPicture {
    const { height, width } = this;
    const pixels = new Uint8Array(3 * height * width);
    const [h, v] = this.sampling();
    const planes = this.components.map((c, i) => (i === 0 || (h === 1 && v === 1) ? { samples: c.samples, stride: 8 * c.across } : this.widened(c, h, v)));
    const [luma, blues, reds] = planes;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = 3 * (y * width + x);
        const a = luma!.samples[y * luma!.stride + x]!;
        if (!blues || !reds) {
          pixels.fill(a, at, at + 3);
          continue;
        }
        const [b, c] = [blues.samples[y * blues.stride + x]!, reds.samples[y * reds.stride + x]!];
        if (this.isRgb) pixels.set([a, b, c], at);
        else {
          const [blue, red] = [b - 128, c - 128];
          pixels[at] = clamp(a + ((91881 * red + 32768) >> 16));
          pixels[at + 1] = clamp(a + ((-22554 * blue - 46802 * red + 32768) >> 16));
          pixels[at + 2] = clamp(a + ((116130 * blue + 32768) >> 16));
        }
      }
    }
    return { height, width, pixels };
  }

  /** A triangle filter: three parts of the nearer sample, one of the farther. */
  private widened(c: Component, h: number, v: number): { readonly samples: Uint8Array; readonly stride: number } {
    const from = 8 * c.across;
    const [columns, rows] = [Math.ceil(this.width / h), Math.ceil(this.height / v)];
    const stride = columns * h;
    const samples = new Uint8Array(stride * rows * v);
    for (let y = 0; y < rows * v; y++) {
      const near = v === 1 ? y : y >> 1;
      const far = v === 1 ? y : Math.min(rows - 1, Math.max(0, y & 1 ? near + 1 : near - 1));
      const sum = (x: number): number => (v === 1 ? c.samples[near * from + x]! : 3 * c.samples[near * from + x]! + c.samples[far * from + x]!);
      for (let x = 0; x < columns; x++) {
        const here = sum(x);
        if (h === 1) samples[y * stride + x] = (here + (y & 1 ? 2 : 1)) >> 2;
        else {
          const [left, right] = [x > 0 ? sum(x - 1) : here, x < columns - 1 ? sum(x + 1) : here];
          const bits = v === 1 ? 2 : 4;
          samples[y * stride + 2 * x] = x === 0 && v === 1 ? here : (3 * here + left + (v === 1 ? 1 : 8)) >> bits;
          samples[y * stride + 2 * x + 1] = x === columns - 1 && v === 1 ? here : (3 * here + right + (v === 1 ? 2 : 7)) >> bits;
        }
      }
    }
    return { samples, stride };
  }
}

function clamp(x: number): number {
  return x < 0 ? 0 : x > 255 ? 255 : x;
}

/** The inverse cosine transform in integers of 13 bits of fraction, columns then rows (Loeffler, Ligtenberg and Moschytz, as libjpeg has it). */
function inverse(data: Int32Array, to: Uint8Array, at: number, stride: number): void {
  for (let i = 0; i < 8; i++) pass(data, i, 8, 11);
  for (let i = 0; i < 8; i++) {
    pass(data, 8 * i, 1, 18);
    for (let k = 0; k < 8; k++) to[at + i * stride + k] = clamp(data[8 * i + k]! + 128);
  }
}

function pass(d: Int32Array, at: number, step: number, shift: number): void {
  const v = (k: number): number => d[at + k * step]!;
  const e = (v(2) + v(6)) * 4433;
  const [e2, e3] = [e - v(6) * 15137, e + v(2) * 6270];
  const [e0, e1] = [(v(0) + v(4)) * 8192, (v(0) - v(4)) * 8192];
  const even = [e0 + e3, e1 + e2, e1 - e2, e0 - e3];
  const [z1, z2, z3, z4] = [v(7) + v(1), v(5) + v(3), v(7) + v(3), v(5) + v(1)];
  const z5 = (z3 + z4) * 9633;
  const [s1, s2, s3, s4] = [z1 * -7373, z2 * -20995, z3 * -16069 + z5, z4 * -3196 + z5];
  const odd = [v(1) * 12299 + s1 + s4, v(3) * 25172 + s2 + s3, v(5) * 16819 + s2 + s4, v(7) * 2446 + s1 + s3];
  const round = 1 << (shift - 1);
  for (let k = 0; k < 4; k++) {
    d[at + k * step] = (even[k]! + odd[k]! + round) >> shift;
    d[at + (7 - k) * step] = (even[k]! - odd[k]! + round) >> shift;
  }
}
