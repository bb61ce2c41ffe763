import { HostProblem } from "./host-function.ts";

/** Characters that the texts of a run may have in all: a chain of concatenations may double them with each link. */
const MOST_CHARACTERS = 2 ** 26;

/**
 * Texts by number. Code has i32 places instead of strings: equal texts have one place, so that code may compare and move them, and 0
 * is the empty text, so that zeroed memory holds empty ones. The first texts are those of the bundle; those of a run come behind them.
 */
export class TextTable {
  private readonly texts: string[] = [];
  private readonly places = new Map<string, number>();
  private characters = 0;
  private readonly base: TextTable | undefined;

  /** Texts behind those of `base`, which must not grow any more. */
  constructor(base?: TextTable) {
    this.base = base;
    if (!base) this.place("");
  }

  static of(texts: readonly string[]): TextTable {
    const table = new TextTable();
    for (const text of texts) table.place(text);
    return table;
  }

  get length(): number {
    return this.start + this.texts.length;
  }

  /** All of them, in the order of their places. */
  list(): readonly string[] {
    return [...(this.base?.list() ?? []), ...this.texts];
  }

  place(text: string): number {
    const known = this.find(text);
    if (known !== undefined) return known;
    this.characters += text.length;
    if (this.base && this.characters > MOST_CHARACTERS) throw new HostProblem(`has texts of more than ${MOST_CHARACTERS} characters`);
    const place = this.length;
    this.texts.push(text);
    this.places.set(text, place);
    return place;
  }

  /** Memory that means nothing may hold any number: what is no place is the empty text. */
  text(place: number): string {
    return (place < this.start ? this.base?.text(place) : this.texts[place - this.start]) ?? "";
  }

  /** Forgets the texts from `length` on. */
  shorten(length: number): void {
    for (const text of this.texts.splice(Math.max(0, length - this.start))) {
      this.places.delete(text);
      this.characters -= text.length;
    }
  }

  private get start(): number {
    return this.base?.length ?? 0;
  }

  private find(text: string): number | undefined {
    return this.base?.find(text) ?? this.places.get(text);
  }
}
