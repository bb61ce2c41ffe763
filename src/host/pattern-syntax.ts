import { HostProblem } from "./host-function.ts";

/** Whether a code point is one of a set. */
export type CharTest = (code: number) => boolean;

/** Where no character is passed: the start or end of the text or, where lines count, of a line, and edges of words. */
export type Edge = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "wordEdge" | "noWordEdge";

export type PatternNode =
  | { readonly kind: "char"; readonly test: CharTest }
  | { readonly kind: "edge"; readonly edge: Edge }
  | { readonly kind: "all" | "any"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly part: PatternNode; readonly least: number; readonly most: number };

interface Flags {
  readonly anyCase: boolean;
  readonly lines: boolean;
  /** A dot takes a line break, too. */
  readonly dotAll: boolean;
}

/** More than these RE2 refuses, too. */
const MOST_REPEATS = 1000;
const MOST_DEPTH = 200;

/** Reads a pattern in the syntax of RE2, which has no look-around and no references back: matching takes time by the length of the text. */
export function parsePattern(pattern: string): PatternNode {
  return new PatternReader(pattern).whole();
}

class PatternReader {
  private readonly chars: readonly string[];
  private at = 0;
  private depth = 0;
  private flags: Flags = { anyCase: false, lines: false, dotAll: false };

  constructor(pattern: string) {
    this.chars = Array.from(pattern);
  }

  whole(): PatternNode {
    const node = this.choice();
    if (this.at < this.chars.length) this.fail("a ) that closes nothing");
    return node;
  }

  private choice(): PatternNode {
    if (++this.depth > MOST_DEPTH) this.fail(`more than ${MOST_DEPTH} groups inside each other`);
    const outer = this.flags;
    const parts = [this.row()];
    while (this.accept("|")) parts.push(this.row());
    this.flags = outer;
    this.depth--;
    return parts.length === 1 ? parts[0]! : { kind: "any", parts };
  }

  private row(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.at < this.chars.length && !this.isAt("|") && !this.isAt(")")) {
      if (this.accept("\\Q")) {
        const quoted = this.quoted();
        const last = quoted.pop();
        parts.push(...quoted, ...(last ? [this.repeated(last)] : []));
      } else parts.push(this.repeated(this.atom()));
    }
    return { kind: "all", parts };
  }

  private repeated(part: PatternNode): PatternNode {
    const limits = this.limits();
    if (!limits) return part;
    // Lazy or not is the same where all of a text has to match.
    this.accept("?");
    if (this.limits()) this.fail("two repetitions one behind the other");
    return { kind: "repeat", part, ...limits };
  }

  private limits(): { readonly least: number; readonly most: number } | undefined {
    if (this.accept("*")) return { least: 0, most: Infinity };
    if (this.accept("+")) return { least: 1, most: Infinity };
    if (this.accept("?")) return { least: 0, most: 1 };
    const counted = /^\{(\d{1,5})(,(\d{0,5}))?\}/.exec(this.chars.slice(this.at, this.at + 14).join(""));
    if (!counted) return undefined;
    this.at += counted[0].length;
    const least = Number(counted[1]);
    const most = counted[2] === undefined ? least : counted[3] === "" ? Infinity : Number(counted[3]);
    if (most < least || least > MOST_REPEATS || (most !== Infinity && most > MOST_REPEATS)) this.fail(`the repetition ${counted[0]}`);
    return { least, most };
  }

  private atom(): PatternNode {
    const char = this.chars[this.at++]!;
    switch (char) {
      case "(":
        return this.group();
      case "[":
        return this.char(this.set());
      case ".":
        return this.char(this.flags.dotAll ? () => true : (code) => code !== 10);
      case "^":
        return { kind: "edge", edge: this.flags.lines ? "lineStart" : "textStart" };
      case "$":
        return { kind: "edge", edge: this.flags.lines ? "lineEnd" : "textEnd" };
      case "*":
      case "+":
      case "?":
        return this.fail("a repetition of nothing");
      case "\\":
        return this.escape();
      default:
        return this.literal(char);
    }
  }

  private literal(char: string): PatternNode {
    const wanted = char.codePointAt(0)!;
    return this.char((code) => code === wanted);
  }

  private char(test: CharTest): PatternNode {
    return { kind: "char", test: this.flags.anyCase ? (code) => casesOf(code).some(test) : test };
  }

  private group(): PatternNode {
    const outer = this.flags;
    if (this.accept("?")) {
      const named = this.accept("P<") || this.accept("<");
      if (named) while (this.at < this.chars.length && !this.accept(">")) this.at++;
      else if (this.changeFlags()) return { kind: "all", parts: [] };
    }
    const node = this.choice();
    if (!this.accept(")")) this.fail("a ( without its )");
    this.flags = outer;
    return node;
  }

  /** True where the group was flags only, which count up to the end of the group round it. */
  private changeFlags(): boolean {
    let on = true;
    for (;;) {
      const char = this.chars[this.at++];
      if (char === ":") return false;
      if (char === ")") return true;
      if (char === "-" && on) on = false;
      else if (char === "i") this.flags = { ...this.flags, anyCase: on };
      else if (char === "m") this.flags = { ...this.flags, lines: on };
      else if (char === "s") this.flags = { ...this.flags, dotAll: on };
      else if (char !== "U") this.fail("a group that starts with ?, which RE2 does not know");
    }
  }

  private quoted(): PatternNode[] {
    const parts: PatternNode[] = [];
    while (this.at < this.chars.length && !this.accept("\\E")) parts.push(this.literal(this.chars[this.at++]!));
    return parts;
  }

  private escape(): PatternNode {
    const edge = EDGES[this.chars[this.at] ?? ""];
    if (edge) this.at++;
    return edge ? { kind: "edge", edge } : this.char(this.escapedSet() ?? sameAs(this.escapedChar()));
  }

  private escapedSet(): CharTest | undefined {
    const known = SETS[this.chars[this.at] ?? ""];
    if (known) {
      this.at++;
      return known;
    }
    if (!this.isAt("p") && !this.isAt("P")) return undefined;
    const isNot = this.chars[this.at++] === "P";
    const found = /^(?:\{(\^?)([A-Za-z_]{1,40})\}|()([A-Z]))/.exec(this.chars.slice(this.at, this.at + 44).join(""));
    if (!found) return this.fail("a \\p without the name of a class");
    this.at += found[0].length;
    const test = unicodeClass(found[2] ?? found[4]!) ?? this.fail(`the class ${found[0]}, which is not known`);
    return isNot !== (found[1] === "^") ? (code) => !test(code) : test;
  }

  private escapedChar(): number {
    const char = this.chars[this.at++];
    const rest = this.chars.slice(this.at, this.at + 10).join("");
    if (char === undefined) return this.fail("a \\ at its end");
    if (char in CONTROLS) return CONTROLS[char]!;
    const digits = char === "x" ? /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(rest) : null;
    if (digits) {
      this.at += digits[0].length;
      return parseInt(digits[1] ?? digits[2]!, 16);
    }
    const octal = /^[0-7]{1,3}/.exec(char + rest);
    if (octal && (char === "0" || octal[0].length > 1)) {
      this.at += octal[0].length - 1;
      return parseInt(octal[0], 8);
    }
    if (/[A-Za-z0-9]/.test(char)) this.fail(`\\${char}, which RE2 does not know`);
    return char.codePointAt(0)!;
  }

  /** Behind the opening bracket. */
  private set(): CharTest {
    const isNot = this.accept("^");
    const tests: CharTest[] = [];
    for (let first = true; first || !this.isAt("]"); first = false) {
      if (this.at >= this.chars.length) this.fail("a [ without its ]");
      const named = /^\[:(\^?)(\w{1,10}):\]/.exec(this.chars.slice(this.at, this.at + 16).join(""));
      if (named) {
        this.at += named[0].length;
        const test = POSIX[named[2]!] ?? this.fail(`the class ${named[0]}, which is not known`);
        tests.push(named[1] ? (code) => !test(code) : test);
        continue;
      }
      const wholeSet = this.isAt("\\") ? this.escapedSetHere() : undefined;
      if (wholeSet) tests.push(wholeSet);
      else tests.push(this.range());
    }
    this.at++;
    return (code) => tests.some((test) => test(code)) !== isNot;
  }

  private escapedSetHere(): CharTest | undefined {
    this.at++;
    const found = this.escapedSet();
    if (!found) this.at--;
    return found;
  }

  private range(): CharTest {
    const low = this.setChar();
    if (!this.isAt("-") || this.chars[this.at + 1] === "]" || this.at + 1 >= this.chars.length) return sameAs(low);
    this.at++;
    const high = this.setChar();
    if (high < low) this.fail("a range that ends before it starts");
    return (code) => code >= low && code <= high;
  }

  private setChar(): number {
    return this.accept("\\") ? this.escapedChar() : (this.chars[this.at++] ?? this.fail("a [ without its ]")).codePointAt(0)!;
  }

  private isAt(mark: string): boolean {
    return [...mark].every((char, i) => this.chars[this.at + i] === char);
  }

  private accept(mark: string): boolean {
    if (!this.isAt(mark)) return false;
    this.at += mark.length;
    return true;
  }

  private fail(what: string): never {
    throw new HostProblem(`has a pattern with ${what}`);
  }
}

function sameAs(wanted: number): CharTest {
  return (code) => code === wanted;
}

/** The code point and its other case. */
function casesOf(code: number): readonly number[] {
  const char = String.fromCodePoint(code);
  return [code, char.toLowerCase().codePointAt(0)!, char.toUpperCase().codePointAt(0)!];
}

function unicodeClass(name: string): CharTest | undefined {
  if (name === "Any") return () => true;
  for (const property of [name, `Script=${name}`]) {
    try {
      const one = new RegExp(`^\\p{${property}}$`, "u");
      return (code) => one.test(String.fromCodePoint(code));
    } catch {
      // Not that kind of name.
    }
  }
  return undefined;
}

function oneOf(ranges: string): CharTest {
  const one = new RegExp(`^[${ranges}]$`);
  return (code) => code < 128 && one.test(String.fromCharCode(code));
}

export const isWordCode: CharTest = oneOf("0-9A-Za-z_");

const EDGES: Readonly<Record<string, Edge | undefined>> = { A: "textStart", z: "textEnd", b: "wordEdge", B: "noWordEdge" };

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

function withOpposites(sets: Readonly<Record<string, CharTest>>): Readonly<Record<string, CharTest | undefined>> {
  return Object.fromEntries(
    Object.entries(sets).flatMap(
      ([name, test]) =>
        [
          [name, test],
          [name.toUpperCase(), (code: number) => !test(code)],
        ] as const,
    ),
  );
}

const SETS = withOpposites({ d: oneOf("0-9"), w: isWordCode, s: oneOf("\\t\\n\\f\\r ") });

const POSIX: Readonly<Record<string, CharTest | undefined>> = {
  alnum: oneOf("0-9A-Za-z"),
  alpha: oneOf("A-Za-z"),
  ascii: (code) => code < 128,
  blank: oneOf("\\t "),
  cntrl: (code) => code < 32 || code === 127,
  digit: oneOf("0-9"),
  graph: (code) => code > 32 && code < 127,
  lower: oneOf("a-z"),
  print: (code) => code >= 32 && code < 127,
  punct: oneOf("!-/:-@\\[-`{-~"),
  space: oneOf("\\t\\n\\v\\f\\r "),
  upper: oneOf("A-Z"),
  word: isWordCode,
  xdigit: oneOf("0-9A-Fa-f"),
};
