import { HostProblem } from "./host-function.ts";

const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** `size` bytes of a zlib stream (RFC 1950, 1951), whose checksum is not looked at. */
export function inflate(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length < 2 || (bytes[0]! & 15) !== 8 || (bytes[1]! & 32) !== 0) throw new HostProblem("has a picture whose data are not deflated");
  return new Inflater(bytes.subarray(2), size).run();
}

/** Codes by length, and the symbols in the order of their codes. */
interface Huffman {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

class Inflater {
  private readonly from: Uint8Array;
  private readonly out: Uint8Array;
  private at = 0;
  private bit = 0;
  private end = 0;

  constructor(from: Uint8Array, size: number) {
    this.from = from;
    this.out = new Uint8Array(size);
  }

  run(): Uint8Array {
    for (let last = false; !last && this.end < this.out.length;) {
      last = this.bits(1) === 1;
      const kind = this.bits(2);
      if (kind === 0) this.stored();
      else if (kind === 1) this.block(FIXED, FIXED_DISTANCES);
      else if (kind === 2) this.dynamic();
      else this.fail();
    }
    if (this.end < this.out.length) this.fail();
    return this.out;
  }

  private stored(): void {
    if (this.bit > 0) [this.bit, this.at] = [0, this.at + 1];
    const length = this.bits(16);
    this.bits(16);
    for (let i = 0; i < length; i++) this.put(this.bits(8));
  }

  private dynamic(): void {
    const [literals, distances, codes] = [this.bits(5) + 257, this.bits(5) + 1, this.bits(4) + 4];
    const lengths = new Uint8Array(19);
    for (let i = 0; i < codes; i++) lengths[CODE_ORDER[i]!] = this.bits(3);
    const code = huffman(lengths);
    const all = new Uint8Array(literals + distances);
    for (let i = 0; i < all.length;) {
      const symbol = this.symbol(code);
      const [value, repeat] =
        symbol < 16 ? [symbol, 1] : symbol === 16 ? [all[i - 1] ?? 0, 3 + this.bits(2)] : [0, symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7)];
      all.fill(value, i, i + repeat);
      i += repeat;
    }
    this.block(huffman(all.subarray(0, literals)), huffman(all.subarray(literals)));
  }

  private block(literals: Huffman, distances: Huffman): void {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === 256 || this.end >= this.out.length) return;
      if (symbol < 256) {
        this.put(symbol);
        continue;
      }
      const length = (LENGTHS[symbol - 257] ?? this.fail()) + this.bits(LENGTH_BITS[symbol - 257]!);
      const code = this.symbol(distances);
      const distance = (DISTANCES[code] ?? this.fail()) + this.bits(code < 4 ? 0 : (code >> 1) - 1);
      if (distance > this.end) this.fail();
      for (let i = 0; i < length; i++) this.put(this.out[this.end - distance]!);
    }
  }

  private put(byte: number): void {
    if (this.end < this.out.length) this.out[this.end++] = byte;
  }

  private symbol({ counts, symbols }: Huffman): number {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length < 16; length++) {
      code |= this.bits(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return this.fail();
  }

  private bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      if (this.at >= this.from.length) this.fail();
      value |= ((this.from[this.at]! >> this.bit) & 1) << i;
      this.bit = (this.bit + 1) & 7;
      if (this.bit === 0) this.at++;
    }
    return value;
  }

  private fail(): never {
    throw new HostProblem("has a picture whose data are cut off or damaged");
  }
}

function huffman(lengths: Uint8Array): Huffman {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const offsets = new Uint16Array(16);
  for (let i = 1; i < 15; i++) offsets[i + 1] = offsets[i]! + counts[i]!;
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => void (length > 0 && (symbols[offsets[length]!++] = symbol)));
  return { counts, symbols };
}

const FIXED = huffman(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)));
const FIXED_DISTANCES = huffman(new Uint8Array(30).fill(5));
