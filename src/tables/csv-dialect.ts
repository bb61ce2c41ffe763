import { NeoError } from "../support/errors.ts";
import type { CellWords } from "./cell-words.ts";

export const SEPARATORS = { comma: ",", semicolon: ";", tab: "\t", pipe: "|", space: " " } as const;

/** Splits one line of a table that is no number by number: the first. Quotes may hold separators; a doubled quote is one. */
export function splitLine(line: string, separator: string): string[] {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    const rest = line.slice(at);
    const quoted = /^ *"((?:[^"]|"")*)" */.exec(rest);
    const ends = quoted && (rest.length === quoted[0].length || rest[quoted[0].length] === separator);
    const end = line.indexOf(separator, ends ? at + quoted[0].length : at);
    cells.push(ends ? quoted[1]!.replaceAll('""', '"') : (end < 0 ? rest : line.slice(at, end)).trim());
    if (end < 0) return cells;
    at = end + 1;
  }
}

/** The separator that stands in the first line most often, outside of quotes; the first of those as often. */
export function separatorOf(line: string): string {
  const bare = line.replace(/"(?:[^"]|"")*"/g, "");
  const [comma, semicolon, tab, pipe, space] = Object.values(SEPARATORS).map((separator) => ({ separator, count: bare.split(separator).length - 1 }));
  const best = [comma!, semicolon!, tab!, pipe!].reduce((a, b) => (b.count > a.count ? b : a));
  // Spaces stand beside other separators, too.
  return best.count === 0 && space!.count > 0 ? " " : best.separator;
}

/** Whether a first line holds names: those of features, the numbers 0, 1, 2 … of a frame without names, or text that is no value. */
export function isHeader(cells: readonly string[], features: readonly string[], words: CellWords, isValue: (text: string) => boolean): boolean {
  const names = new Set(features);
  if (cells.some((cell) => names.has(cell))) return true;
  if (cells.length > 2 && cells.every((cell, i) => cell === String(i))) return true;
  return cells.some((cell) => words.valueOf(cell) === undefined && !isValue(cell));
}

/** `,`, `tab` and the like as the character. */
export function parseSeparator(word: string): string {
  const named = Object.hasOwn(SEPARATORS, word) ? SEPARATORS[word as keyof typeof SEPARATORS] : word === "\\t" ? "\t" : word;
  if (Object.values<string>(SEPARATORS).includes(named)) return named;
  throw new NeoError({
    code: "NEO1063",
    message: `--separator ${word}: there is no such separator`,
    hint: `one of ${Object.keys(SEPARATORS).join(", ")}, or the character itself`,
  });
}
