/** Byte ranges of one memory, sorted and apart from each other. */
export class Ranges {
  private ranges: readonly (readonly [number, number])[];

  constructor(ranges: readonly (readonly [number, number])[] = []) {
    this.ranges = ranges;
  }

  add(first: number, end: number): void {
    const apart = this.ranges.filter(([a, b]) => b < first || a > end);
    const touching = this.ranges.filter(([a, b]) => b >= first && a <= end);
    const merged: [number, number] = [Math.min(first, ...touching.map(([a]) => a)), Math.max(end, ...touching.map(([, b]) => b))];
    this.ranges = [...apart, merged].sort((x, y) => x[0] - y[0]);
  }

  covers(first: number, end: number): boolean {
    return first >= end || this.ranges.some(([a, b]) => a <= first && b >= end);
  }

  both(other: Ranges): Ranges {
    const common = this.ranges.flatMap(([a, b]) =>
      other.ranges.flatMap(([c, d]) => (Math.max(a, c) < Math.min(b, d) ? [[Math.max(a, c), Math.min(b, d)] as const] : [])),
    );
    return new Ranges(common);
  }

  copy(): Ranges {
    return new Ranges(this.ranges);
  }
}

/** What has been written of every memory, by a name for it. */
export class Written {
  private readonly spaces: Map<string, Ranges>;

  constructor(spaces: Map<string, Ranges> = new Map()) {
    this.spaces = spaces;
  }

  add(space: string, first: number, end: number): void {
    let ranges = this.spaces.get(space);
    if (!ranges) this.spaces.set(space, (ranges = new Ranges()));
    ranges.add(first, end);
  }

  covers(space: string, first: number, end: number): boolean {
    return this.spaces.get(space)?.covers(first, end) ?? first >= end;
  }

  copy(): Written {
    return new Written(new Map([...this.spaces].map(([space, ranges]) => [space, ranges.copy()])));
  }

  /** Keeps what both have written. */
  both(other: Written): Written {
    const spaces = [...this.spaces].flatMap(([space, ranges]) => {
      const theirs = other.spaces.get(space);
      return theirs ? [[space, ranges.both(theirs)] as const] : [];
    });
    return new Written(new Map(spaces));
  }
}
