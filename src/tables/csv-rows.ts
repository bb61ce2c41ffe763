import { NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import { CellWords } from "./cell-words.ts";
import { matchColumns, type Column, type Features } from "./columns.ts";
import { isHeader, separatorOf, splitLine } from "./csv-dialect.ts";
import { DecimalScanner, textOf } from "./decimal-scanner.ts";
import { PendingBytes } from "./pending-bytes.ts";
import type { RowBlock, RowReader } from "./row-block.ts";

export interface CsvOptions {
  readonly file: string;
  readonly features: Features;
  /** By feature: names of categories and the numbers they stand for; undefined for a feature of numbers. */
  readonly categories?: readonly (Categories | undefined)[];
  readonly header?: "auto" | "yes" | "no";
  /** One ASCII character; default: the one that stands in the first line most often. */
  readonly separator?: string;
  readonly drop?: readonly string[];
  readonly words?: CellWords;
}

export interface Categories {
  readonly codes: ReadonlyMap<string, number>;
  /** What a name that training did not see is: an error, or a missing value. */
  readonly unknown: "refuse" | "missing";
}

const [LF, CR, QUOTE, SPACE] = [10, 13, 34, 32];
const BOM = [0xef, 0xbb, 0xbf];

/**
 * Rows of a CSV file: numbers, missing values (empty, NaN, NA, ? …) and names of categories, in quotes or not, lines ended by LF or
 * CRLF. Columns go to features by the names in the header, else by place. Throws NEO1060 with line and column of a bad cell.
 */
export class CsvRows implements RowReader {
  hasHeader = false;
  private readonly options: CsvOptions;
  private readonly words: CellWords;
  private readonly pending = new PendingBytes();
  private readonly scanner = new DecimalScanner();
  private at = 0;
  /** Of the file, counted from 1. */
  private line = 1;
  private columns: readonly Column[] | undefined;
  /** By column: its feature, -1 for none; and whether it holds numbers only. */
  private places = new Int32Array(0);
  private plain = new Uint8Array(0);
  private separator = 44;
  /** Line feeds inside the cells of the row at `at`. */
  private linesInCells = 0;
  /** What `readCell` read. */
  private value = NaN;

  constructor(options: CsvOptions) {
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
    if (!this.columns && !this.start()) return false;
    const { places, plain, scanner, separator } = this;
    const { bytes, length, isLast } = this.pending;
    const { data, width, capacity } = block;
    const { sentinels } = this.words;
    if (length === 0) return false;
    this.linesInCells = 0;
    const last = places.length - 1;
    const lastFeed = bytes.lastIndexOf(LF, length - 1);
    let at = this.at;
    while (block.count < capacity && at <= lastFeed) {
      const row = block.count * width;
      const first = bytes[at]!;
      if (first === LF || (first === CR && bytes[at + 1] === LF)) {
        at += first === LF ? 1 : 2;
        this.begin(at, 1);
        continue;
      }
      for (let column = 0; column <= last; column++) {
        const feature = places[column]!;
        let value = NaN;
        let end = at;
        let stop = bytes[at]!;
        if (stop !== separator) {
          if (plain[column] === 1) {
            value = scanner.scan(bytes, at);
            end = scanner.end;
            stop = bytes[end]!;
          }
          if (end === at || (stop !== separator && stop !== LF && (stop !== CR || bytes[end + 1] !== LF || end + 1 >= length))) {
            end = this.readCell(at, column);
            if (end < 0) return false;
            value = this.value;
            stop = bytes[end]!;
          }
          if (sentinels.length > 0 && sentinels.includes(value)) value = NaN;
        }
        if (feature >= 0) data[row + feature] = value;
        if (stop === separator) {
          at = end + 1;
          if (column === last) throw this.refuse(`has more than ${last + 1} cells`, RAGGED);
        } else {
          if (end >= length && !isLast) return false;
          if (column < last) throw this.refuse(`has ${column + 1} cells, wanted ${last + 1}`, RAGGED);
          at = end + (stop === CR ? 2 : 1);
        }
      }
      block.count++;
      this.begin(at, 1);
    }
    return block.count === capacity;
  }

  /** The next row begins here. A row that is not all there is read again from its beginning. */
  private begin(at: number, lines: number): void {
    this.at = at;
    this.line += lines + this.linesInCells;
    this.linesInCells = 0;
  }

  /** Reads the first line, once it is there: what separates cells, and which features they are. */
  private start(): boolean {
    const { pending, options, words } = this;
    if (this.at === 0 && BOM.every((byte, i) => pending.bytes[i] === byte)) this.at = 3;
    let end = pending.bytes.indexOf(LF, this.at);
    for (; end < pending.length && isBlank(pending.bytes, this.at, end); end = pending.bytes.indexOf(LF, this.at)) this.begin(end + 1, 1);
    if (end >= pending.length) {
      if (!pending.isLast) return false;
      throw new NeoError({ code: "NEO1060", message: `${options.file} has no rows`, hint: "a table has a row for each prediction", file: options.file });
    }
    const line = new TextDecoder().decode(pending.bytes.subarray(this.at, end)).replace(/\r$/, "");
    const separator = options.separator ?? separatorOf(line);
    const cells = splitLine(line, separator);
    const { features, categories = [], header = "auto" } = options;
    const isValue = (text: string): boolean => categories.some((known) => known !== undefined && (known.unknown === "missing" || known.codes.has(text)));
    this.hasHeader = header === "yes" || (header === "auto" && isHeader(cells, features.names, words, isValue));
    this.columns = matchColumns(this.hasHeader ? cells : undefined, cells.length, features, { drop: options.drop ?? [], file: options.file });
    this.places = Int32Array.from(this.columns, ({ feature }) => feature);
    this.plain = Uint8Array.from(this.columns, ({ feature }) => Number(feature >= 0 && categories[feature] === undefined));
    this.separator = separator.charCodeAt(0);
    if (this.hasHeader) this.begin(end + 1, 1);
    return true;
  }

  /** Reads any cell into `value` and gives the place behind it: a separator or the end of the line. -1 where the cell is not all there. */
  private readCell(start: number, column: number): number {
    const { bytes, length, isLast } = this.pending;
    const { separator } = this;
    let at = start;
    while (bytes[at] === SPACE && separator !== SPACE) at++;
    const isQuoted = bytes[at] === QUOTE;
    let text: string;
    if (isQuoted) {
      const close = closingQuote(bytes, at + 1, length);
      if (close < 0 && isLast) throw this.refuse(`has a " that nothing closes`, 'a " in a quoted cell is written twice', column);
      if (close < 0) return -1;
      text = decode(bytes, at + 1, close).replaceAll('""', '"');
      at = close + 1;
      while (bytes[at] === SPACE && separator !== SPACE) at++;
    } else {
      while (bytes[at] !== separator && bytes[at] !== LF) at++;
      text = "";
    }
    const end = bytes[at] === LF && !isQuoted && at > start && bytes[at - 1] === CR ? at - 1 : at;
    const feed = bytes[end] === CR ? end + 1 : end;
    if (feed >= length && !isLast) return -1;
    if (bytes[end] !== separator && bytes[feed] !== LF) throw this.refuse("has letters behind a quoted cell", 'a " in a quoted cell is written twice', column);
    if (isQuoted) this.linesInCells += text.split("\n").length - 1;
    else text = decode(bytes, start, end);
    this.value = this.places[column]! < 0 ? NaN : this.valueOf(text, column);
    return end;
  }

  private valueOf(text: string, column: number): number {
    const known = this.options.categories?.[this.places[column]!];
    if (!known)
      return this.words.valueOf(text) ?? this.bad(text, "is no number", "cells are numbers, empty, NaN, NA or ?; --missing WORDS names others", column);
    const name = text.trim();
    const code = known.codes.get(name);
    if (code !== undefined) return code;
    if (known.unknown === "missing" || this.words.isMissing(name)) return NaN;
    const near = nearestWord(name, [...known.codes.keys()].slice(0, 200));
    return this.bad(text, `is no category that the model knows`, near ? `did you mean ${near}?` : "the model was trained with other categories", column);
  }

  private bad(text: string, what: string, hint: string, column: number): never {
    throw this.refuse(`${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)} ${what}`, hint, column);
  }

  private refuse(text: string, hint: string, column?: number): NeoError {
    const { file } = this.options;
    const { name } = column === undefined ? { name: "" } : this.columns![column]!;
    const place = column === undefined ? "" : this.hasHeader ? `, column ${column + 1} (${name})` : `, column ${column + 1}`;
    const line = this.line + this.linesInCells;
    return new NeoError({ code: "NEO1060", message: `${file}, line ${line}${place}: ${text}`, hint, file });
  }
}

const RAGGED = "all rows of a table have the same number of cells";

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  return start === end || (end === start + 1 && bytes[start] === CR);
}

/** The place of the quote that ends a quoted cell; -1 where it is not there. */
function closingQuote(bytes: Uint8Array, start: number, length: number): number {
  for (let at = start; at < length; at++) {
    if (bytes[at] !== QUOTE) continue;
    if (bytes[at + 1] !== QUOTE || at + 1 >= length) return at;
    at++;
  }
  return -1;
}

const decoder = new TextDecoder();

function decode(bytes: Uint8Array, start: number, end: number): string {
  return end - start < 40 && isAscii(bytes, start, end) ? textOf(bytes, start, end) : decoder.decode(bytes.subarray(start, end));
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! > 127) return false;
  return true;
}
