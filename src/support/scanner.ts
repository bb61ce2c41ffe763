/** Reads text from a position onwards, without a token table: in types, "1x3xf32" are other tokens than elsewhere. */

/** Counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What stands there is not what the grammar wants; whoever starts the reading turns it into a `NeoError`. */
export class SyntaxMismatch extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

export class Scanner {
  readonly text: string;
  /** Offset of what is read next. */
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Passes white space and comments up to the end of their line. */
  skip(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === 32 || (code >= 9 && code <= 13)) this.at++;
      else if (code === 47 && this.text.charCodeAt(this.at + 1) === 47) {
        const end = this.text.indexOf("\n", this.at);
        this.at = end < 0 ? this.text.length : end;
      } else return;
    }
  }

  /** Passes a comment, which must come right here. */
  comment(): void {
    const start = this.at;
    this.skip();
    if (this.at === start) this.fail("a comment (//)");
  }

  /** True when `mark` comes next; it is not passed. */
  isAt(mark: string): boolean {
    this.skip();
    return this.text.startsWith(mark, this.at);
  }

  accept(mark: string): boolean {
    if (!this.isAt(mark)) return false;
    this.at += mark.length;
    return true;
  }

  expect(mark: string): void {
    if (!this.accept(mark)) this.fail(`"${mark}"`);
  }

  /** What the sticky pattern matches right here, white space passed. Patterns must match short things: long ones exhaust the regex stack. */
  match(pattern: RegExp, what: string): string {
    return this.tryMatch(pattern) ?? this.fail(what);
  }

  tryMatch(pattern: RegExp): string | undefined {
    this.skip();
    return this.tryMatchHere(pattern);
  }

  /** As `tryMatch`, with no white space in front. */
  tryMatchHere(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** A JSON string in quotes. */
  string(): string {
    this.skip();
    const start = this.at;
    if (this.text[start] !== '"') this.fail("a string in quotes");
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"' && this.text[end] !== "\n") end += this.text[end] === "\\" ? 2 : 1;
    if (this.text[end] !== '"') this.fail("a string that ends on its line");
    this.at = end + 1;
    try {
      return JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      this.at = start;
      return this.fail("a string as JSON writes it");
    }
  }

  /** Items between the marks, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    if (this.accept(close)) return items;
    do items.push(item());
    while (this.accept(","));
    this.expect(close);
    return items;
  }

  /** Says what is found here and what was wanted. */
  fail(wanted: string): never {
    this.skip();
    const end = this.text.indexOf("\n", this.at);
    const rest = this.text.slice(this.at, Math.min(end < 0 ? this.text.length : end, this.at + 24));
    throw new SyntaxMismatch(`found ${rest === "" ? "the end" : JSON.stringify(rest)}, wanted ${wanted}`, this.at);
  }

  position(at: number): Position {
    let line = 1;
    let start = 0;
    for (let end = this.text.indexOf("\n"); end >= 0 && end < at; end = this.text.indexOf("\n", end + 1)) {
      line++;
      start = end + 1;
    }
    return { line, column: at - start + 1 };
  }
}
