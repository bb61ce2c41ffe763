import { vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";

/** Keys and the places they came from, in two parameters of `size` elements each, a power of two and at least `lanes`. */
export interface Pairs {
  readonly keys: string;
  readonly places: string;
  readonly elem: Elem;
  readonly size: number;
  readonly lanes: number;
}

interface Pair {
  readonly key: Term;
  readonly place: Term;
}

/**
 * Sorts pairs ascending, equal keys by their places: a bitonic network whose first step of each stage mirrors one half, so that all
 * comparisons go one way. What spans less than a vector is done in registers, all steps at once.
 */
export function emitSort(b: KernelBuilder, pairs: Pairs): void {
  const sorter = new Sorter(b, pairs);
  sorter.inRegisters([...steps(pairs.lanes)]);
  for (let size = pairs.lanes * 2; size <= pairs.size; size *= 2) {
    sorter.mirrored(size);
    let stride = size / 4;
    for (; stride >= pairs.lanes && stride >= 1; stride /= 2) sorter.apart(stride);
    const within: ((lane: number) => number)[] = [];
    for (; stride >= 1; stride /= 2) within.push(partner(stride));
    sorter.inRegisters(within);
  }
}

const partner = (stride: number) => (lane: number): number => lane ^ stride;

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
    const choose = (yes: Pair, no: Pair): Pair => ({ key: b.let("k", b.select(greater, yes.key, no.key)), place: b.let("p", b.select(greater, yes.place, no.place)) });
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
    return { key: b.let("k", b.op("shuffle", this.keyType, [low.key, high.key], imm)), place: b.let("p", b.op("shuffle", this.placeType, [low.place, high.place], imm)) };
  }

  private loop(trips: number, advance: Readonly<Record<string, number>>, body: () => void): void {
    if (trips === 1) body();
    else this.b.loop("s", trips, advance, body);
  }

  /** Each element against the one `stride` behind it. */
  apart(stride: number): void {
    const { size, lanes } = this.pairs;
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
    const moved = (first: number, second: number): Record<string, number> => Object.fromEntries([...low.map((cursor) => [cursor, first]), ...high.map((cursor) => [cursor, second])]);
    const turned = (pair: Pair): Pair => (lanes === 1 ? pair : this.permuted(pair, (i) => lanes - 1 - i));
    this.loop(this.pairs.size / size, moved(size, size), () =>
      this.loop(size / 2 / lanes, moved(lanes, -lanes), () => {
        const [least, most] = this.exchange(this.load(low), turned(this.load(high)));
        this.store(low, least);
        this.store(high, turned(most));
      }),
    );
  }

  inRegisters(partners: readonly ((lane: number) => number)[]): void {
    if (partners.length === 0) return;
    const at = this.cursors(0);
    const { size, lanes } = this.pairs;
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
