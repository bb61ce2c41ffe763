import type { Note } from "../support/errors.ts";

export interface TextForm {
  readonly pattern?: RegExp;
  readonly maxLength?: number;
}

/** Narrows parsed JSON to strict types and collects what does not fit by its path. Returns a harmless value where something is wrong. */
export class Findings {
  readonly notes: Note[] = [];

  add(where: string, text: string): void {
    if (this.notes.length < 100) this.notes.push({ where, text });
  }

  /** Adds `text` unless `holds`. */
  check(holds: boolean, where: string, text: string): boolean {
    if (!holds) this.add(where, text);
    return holds;
  }

  record(value: unknown, where: string): Readonly<Record<string, unknown>> {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    this.add(where, "wanted an object");
    return {};
  }

  list<T>(value: unknown, where: string, each: (item: unknown, where: string) => T, maxLength = 4096): T[] {
    if (!Array.isArray(value)) {
      this.add(where, "wanted a list");
      return [];
    }
    if (!this.check(value.length <= maxLength, where, `found ${value.length} items, at most ${maxLength} are allowed`)) return [];
    return value.map((item, i) => each(item, `${where}[${i}]`));
  }

  text(value: unknown, where: string, { pattern, maxLength = 65_536 }: TextForm = {}): string {
    if (typeof value === "string" && value.length <= maxLength && (!pattern || pattern.test(value))) return value;
    this.add(where, typeof value !== "string" ? "wanted a text" : pattern ? `wanted a text like ${pattern.source}` : `wanted at most ${maxLength} characters`);
    return "";
  }

  word<T extends string>(value: unknown, where: string, words: readonly T[]): T {
    if (words.includes(value as T)) return value as T;
    this.add(where, `wanted one of ${words.join(", ")}`);
    return words[0]!;
  }

  integer(value: unknown, where: string, low = 0, high = Number.MAX_SAFE_INTEGER): number {
    if (Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high) return value as number;
    this.add(where, `found ${typeof value === "number" ? value : typeof value}, wanted an integer from ${low} to ${high}`);
    return low;
  }

  number(value: unknown, where: string, low = -Number.MAX_VALUE): number {
    if (typeof value === "number" && value >= low) return value;
    this.add(where, `wanted a number${low === 0 ? " of at least 0" : ""}`);
    return 0;
  }

  /** An object with free keys; safe under any of them. */
  map<T>(value: unknown, where: string, each: (item: unknown, where: string) => T): Readonly<Record<string, T>> {
    return Object.fromEntries(Object.entries(this.record(value, where)).map(([key, item]) => [key, each(item, `${where}[${JSON.stringify(key)}]`)]));
  }
}
