import type { Problems } from "./problems.ts";

/** How long the caller says that values get whose length nothing else bounds, by their names in the file. */
export class Bounds {
  private readonly given: ReadonlyMap<string, number>;
  private readonly unused: Set<string>;

  constructor(given: Readonly<Record<string, number>> = {}) {
    this.given = new Map(Object.entries(given));
    this.unused = new Set(this.given.keys());
  }

  of(name: string): number | undefined {
    this.unused.delete(name);
    return this.given.get(name);
  }

  /** A bound that nobody asked for is a mistake of the caller's. */
  report(problems: Problems): void {
    for (const [name, most] of this.given) {
      if (!Number.isSafeInteger(most) || most < 0) problems.add("binding", name, `is given ${most} as a bound: bounds are whole numbers`);
      else if (this.unused.has(name)) problems.add("binding", name, "is given a bound, and names no value that wants one");
    }
  }
}
