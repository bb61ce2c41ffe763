/** What stands in cells for a value that is not known: pandas' words, and the question mark of old data sets. */
const MISSING = ["", "?", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"] as const;

const INFINITY = /^([-+]?)inf(inity)?$/i;

/** Reads cells that are no plain numbers. */
export class CellWords {
  private readonly missing: ReadonlySet<string>;
  /** Numbers that stand for a missing value. */
  readonly sentinels: readonly number[];

  /** `words` stand for missing values, too. */
  constructor(words: readonly string[] = []) {
    this.missing = new Set([...MISSING, ...words.map((word) => word.toLowerCase())]);
    this.sentinels = words.filter((word) => word.trim() !== "" && !Number.isNaN(Number(word))).map(Number);
  }

  isMissing(text: string): boolean {
    return this.missing.has(text.trim().toLowerCase());
  }

  /** NaN for what is missing, numbers of words; undefined for any other text. */
  valueOf(text: string): number | undefined {
    const word = text.trim();
    if (this.isMissing(word)) return NaN;
    const infinity = INFINITY.exec(word);
    if (infinity) return infinity[1] === "-" ? -Infinity : Infinity;
    if (/^true$/i.test(word)) return 1;
    if (/^false$/i.test(word)) return 0;
    return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : undefined;
  }
}
