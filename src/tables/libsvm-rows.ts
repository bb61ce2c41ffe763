import { NeoError } from "../support/errors.ts";
import { CellWords } from "./cell-words.ts";
import { DecimalScanner, textOf } from "./decimal-scanner.ts";
import { PendingBytes } from "./pending-bytes.ts";
import type { RowBlock, RowReader } from "./row-block.ts";

export interface LibsvmOptions {
  readonly file: string;
  /** The number of the first feature. */
  readonly indexBase: 0 | 1;
  /** What a feature is that a line does not name. */
  readonly absent: number;
  readonly words?: CellWords;
}

const [LF, CR, TAB, SPACE, HASH, COLON] = [10, 13, 9, 32, 35, 58];

/**
 * Rows of a libsvm file: `label qid:7 3:0.5 12:1`, features by number. The first word of a line, the label with or without a weight, is
 * skipped, as are qid and comments behind #. Throws NEO1060 with the line.
 */
export class LibsvmRows implements RowReader {
  readonly hasHeader = false;
  private readonly options: LibsvmOptions;
  private readonly words: CellWords;
  private readonly pending = new PendingBytes();
  private readonly scanner = new DecimalScanner();
  private at = 0;
  private line = 1;

  constructor(options: LibsvmOptions) {
    this.options = options;
    this.words = options.words ?? new CellWords();
  }

  feed(bytes: Uint8Array): void {
    this.pending.feed(bytes, this.at, this.options.file);
    this.at = 0;
  }

  finish(): void {
    this.pending.finish(this.at);
  }

  fill(block: RowBlock): boolean {
    const { bytes, length } = this.pending;
    if (length === 0) return false;
    const lastFeed = bytes.lastIndexOf(LF, length - 1);
    for (; block.count < block.capacity && this.at <= lastFeed; this.line++) {
      const start = skipBlanks(bytes, this.at);
      if (bytes[start] === LF || bytes[start] === HASH) this.at = lineEnd(bytes, start) + 1;
      else {
        this.at = this.readLine(skipWord(bytes, start), block) + 1;
        block.count++;
      }
    }
    return block.count === block.capacity;
  }

  /** Reads the features of a line into the next row of the block; gives the place of its line feed. */
  private readLine(start: number, { data, width, count }: RowBlock): number {
    const { bytes } = this.pending;
    const { scanner } = this;
    const { indexBase, absent } = this.options;
    const { sentinels } = this.words;
    const row = count * width;
    data.fill(absent, row, row + width);
    for (let at = skipBlanks(bytes, start); ; at = skipBlanks(bytes, at)) {
      const first = bytes[at]!;
      if (first === LF) return at;
      if (first === HASH) return lineEnd(bytes, at);
      const word = at;
      let index = 0;
      for (let digit = 0; (digit = bytes[at]! ^ 48) <= 9; at++) index = index * 10 + digit;
      if (at === word || bytes[at] !== COLON) {
        if (textOf(bytes, word, word + 4) !== "qid:") throw this.refuse(word, "is no FEATURE:VALUE");
        at = skipWord(bytes, at);
        continue;
      }
      const feature = index - indexBase;
      if (feature < 0 || feature >= width)
        throw this.refuse(word, `has a feature that the model has not: its ${width} are counted from ${indexBase} to ${width - 1 + indexBase}`);
      const from = at + 1;
      let value = scanner.scan(bytes, from);
      at = scanner.end;
      if (at === from || bytes[at]! > SPACE) {
        at = skipWord(bytes, from);
        const known = this.words.valueOf(textOf(bytes, from, at));
        if (known === undefined || at === from) throw this.refuse(word, "has a value that is no number");
        value = known;
      }
      data[row + feature] = sentinels.length > 0 && sentinels.includes(value) ? NaN : value;
    }
  }

  private refuse(word: number, text: string): NeoError {
    const { file } = this.options;
    const shown = textOf(this.pending.bytes, word, Math.min(skipWord(this.pending.bytes, word), word + 60));
    return new NeoError({
      code: "NEO1060",
      message: `${file}, line ${this.line}: ${JSON.stringify(shown)} ${text}`,
      hint: "lines are LABEL FEATURE:VALUE …; --index-base says whether the first feature is 0 or 1",
      file,
    });
  }
}

/** Whether text looks like libsvm: its first line that says something is words of NUMBER:VALUE behind a label. */
export function isLibsvm(text: string): boolean {
  const line = text.split("\n").find((candidate) => candidate.trim() !== "" && !candidate.trim().startsWith("#")) ?? "";
  return /^\s*[-+.\dA-Za-z]+(:[-+.\d]+)?(\s+(qid|\d+):\S+)+\s*(#.*)?$/.test(line);
}

function skipBlanks(bytes: Uint8Array, at: number): number {
  while (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === CR) at++;
  return at;
}

function skipWord(bytes: Uint8Array, at: number): number {
  while (bytes[at]! > SPACE) at++;
  return at;
}

function lineEnd(bytes: Uint8Array, at: number): number {
  while (bytes[at] !== LF) at++;
  return at;
}
