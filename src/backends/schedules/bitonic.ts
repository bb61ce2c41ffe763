import { vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";

/** Keys and the places they came from, in two parameters of `size` elements each: a number of blocks, whose size is a power of two and at least `lanes`. */
export interface Pairs {
  readonly keys: string;
  readonly places: string;
  readonly elem: Elem;
  readonly size: number;
  readonly block: number;
  readonly lanes: number;
}

interface Pair {
  readonly key: Term;
  readonly place: Term;
}

/**
 * Brings the least block of pairs to the front, ascending, equal keys by their places: bitonic networks whose first step of each stage
 * mirrors one half, so that all comparisons go one way. What spans less than a vector is done in registers, all steps at once.
 * Each block is sorted; then the first and the last leave what is least of both in the first, the second and the last but one, and so on.
 */
export function emitSort(b: KernelBuilder, pairs: Pairs): void {
  const sorter = new Sorter(b, pairs);
  const { lanes, block } = pairs;
  sorter.inRegisters(pairs.size, [...steps(lanes)]);
  for (let size = lanes * 2; size <= block; size *= 2) {
    sorter.mirrored(size);
    sorter.merge(pairs.size, size / 4);
  }
  for (let blocks = pairs.size / block; blocks > 1; blocks = Math.ceil(blocks / 2)) {
    sorter.leastOf(blocks);
    sorter.merge(Math.floor(blocks / 2) * block, block / 2);
  }
}

const partner =
  (stride: number) =>
  (lane: number): number =>
    lane ^ stride;

/** Partners of each lane that sort a vector. */
function* steps(lanes: number): Generator<(lane: number) => number> {
  for (let size = 2; size <= lanes; size *= 2) {
    yield (lane) => lane - (lane % size) + size - 1 - (lane % size);
    for (let stride = size / 4; stride >= 1; stride /= 2) yield partner(stride);
  }
}

class Sorter {
  private readonly b: KernelBuilder;
  private readonly pairs: Pairs;
  private readonly keyType: Type;
  private readonly placeType: Type;

  constructor(b: KernelBuilder, pairs: Pairs) {
    this.b = b;
    this.pairs = pairs;
    this.keyType = vector(pairs.elem, pairs.lanes);
    this.placeType = vector("i32", pairs.lanes);
  }

  private cursors(base: number): [key: string, place: string] {
    return [this.b.cursor("k", this.pairs.keys, base), this.b.cursor("p", this.pairs.places, base)];
  }

  private load([key, place]: readonly [string, string]): Pair {
    return { key: this.b.let("k", this.b.load(this.keyType, key)), place: this.b.let("p", this.b.load(this.placeType, place)) };
  }

  private store([key, place]: readonly [string, string], pair: Pair): void {
    this.b.store(key, 0, pair.key);
    this.b.store(place, 0, pair.place);
  }

  private isGreater(a: Pair, c: Pair): Term {
    const { b } = this;
    const mask = { mask: this.pairs.lanes };
    const tie = b.op("and", mask, [b.compare("eq", a.key, c.key), b.compare("gt", a.place, c.place)]);
    return b.let("g", b.op("or", mask, [b.compare("gt", a.key, c.key), tie]));
  }

  private exchange(a: Pair, c: Pair): [low: Pair, high: Pair] {
    const { b } = this;
    const greater = this.isGreater(a, c);
    const choose = (yes: Pair, no: Pair): Pair => ({
      key: b.let("k", b.select(greater, yes.key, no.key)),
      place: b.let("p", b.select(greater, yes.place, no.place)),
    });
    return [choose(c, a), choose(a, c)];
  }

  private permuted(pair: Pair, lane: (i: number) => number): Pair {
    const { b, pairs } = this;
    const imm = Array.from({ length: pairs.lanes }, (_, i) => lane(i));
    return { key: b.let("k", b.op("shuffle", this.keyType, [pair.key], imm)), place: b.let("p", b.op("shuffle", this.placeType, [pair.place], imm)) };
  }

  private blended(low: Pair, high: Pair, isLow: (lane: number) => boolean): Pair {
    const { b, pairs } = this;
    const imm = Array.from({ length: pairs.lanes }, (_, i) => (isLow(i) ? i : pairs.lanes + i));
    return {
      key: b.let("k", b.op("shuffle", this.keyType, [low.key, high.key], imm)),
      place: b.let("p", b.op("shuffle", this.placeType, [low.place, high.place], imm)),
    };
  }

  private loop(trips: number, advance: Readonly<Record<string, number>>, body: () => void): void {
    if (trips === 1) body();
    else this.b.loop("s", trips, advance, body);
  }

  /** The first `size` pairs, bitonic in runs of twice the stride, sorted. */
  merge(size: number, stride: number): void {
    let step = stride;
    for (; step >= this.pairs.lanes && step >= 1; step /= 2) this.apart(size, step);
    const within: ((lane: number) => number)[] = [];
    for (; step >= 1; step /= 2) within.push(partner(step));
    this.inRegisters(size, within);
  }

  /** Of the first and the last of so many sorted blocks the least pairs go into the first, as a bitonic run; likewise inwards. */
  leastOf(blocks: number): void {
    const { block, lanes } = this.pairs;
    const [low, high] = [this.cursors(0), this.cursors(blocks * block - lanes)];
    const moved = (by: number): Record<string, number> => Object.fromEntries([...low.map((cursor) => [cursor, by]), ...high.map((cursor) => [cursor, -by])]);
    this.loop((Math.floor(blocks / 2) * block) / lanes, moved(lanes), () => {
      const mirror = this.load(high);
      const [least] = this.exchange(this.load(low), lanes === 1 ? mirror : this.permuted(mirror, (i) => lanes - 1 - i));
      this.store(low, least);
    });
  }

  /** Each of the first `size` elements against the one `stride` behind it. */
  private apart(size: number, stride: number): void {
    const { lanes } = this.pairs;
    const [low, high] = [this.cursors(0), this.cursors(stride)];
    const moved = (by: number): Record<string, number> => Object.fromEntries([...low, ...high].map((cursor) => [cursor, by]));
    this.loop(size / (2 * stride), moved(2 * stride), () =>
      this.loop(stride / lanes, moved(lanes), () => {
        const [least, most] = this.exchange(this.load(low), this.load(high));
        this.store(low, least);
        this.store(high, most);
      }),
    );
  }

  /** In each block of `size`, an element of the first half against its mirror image in the second. */
  mirrored(size: number): void {
    const { lanes } = this.pairs;
    const [low, high] = [this.cursors(0), this.cursors(size - lanes)];
    const moved = (first: number, second: number): Record<string, number> =>
      Object.fromEntries([...low.map((cursor) => [cursor, first]), ...high.map((cursor) => [cursor, second])]);
    const turned = (pair: Pair): Pair => (lanes === 1 ? pair : this.permuted(pair, (i) => lanes - 1 - i));
    this.loop(this.pairs.size / size, moved(size, size), () =>
      this.loop(size / 2 / lanes, moved(lanes, -lanes), () => {
        const [least, most] = this.exchange(this.load(low), turned(this.load(high)));
        this.store(low, least);
        this.store(high, turned(most));
      }),
    );
  }

  inRegisters(size: number, partners: readonly ((lane: number) => number)[]): void {
    if (partners.length === 0) return;
    const at = this.cursors(0);
    const { lanes } = this.pairs;
    this.loop(size / lanes, { [at[0]]: lanes, [at[1]]: lanes }, () => {
      let pair = this.load(at);
      for (const of of partners) {
        const [least, most] = this.exchange(pair, this.permuted(pair, of));
        pair = this.blended(least, most, (lane) => lane < of(lane));
      }
      this.store(at, pair);
    });
  }
}
