/**
 * A small FileCheck. CHECK lines of `script` are met by lines of `output` in order: CHECK somewhere later, CHECK-NEXT on the next line,
 * CHECK-SAME on the same line, CHECK-NOT nowhere up to the next match, CHECK-DAG anywhere in the block between other checks, CHECK-LABEL
 * first of all, cutting the output into parts that the checks between labels stay inside. `%[[X:\w+]]` captures, `%[[X]]` repeats,
 * `{{...}}` is a regular expression, runs of blanks are one blank.
 */
export function checkText(script: string, output: string): void {
  const checks = parseChecks(script);
  if (checks.length === 0) throw new Error("the chunk has no CHECK line");
  const lines = output.split("\n").map(squeeze);
  const captures = new Map<string, string>();
  for (const { label, checks: inside, from, to } of parts(checks, lines, captures)) {
    checkPart(label ? [label, ...inside] : inside, lines, from, to, captures);
  }
}

type Kind = "plain" | "next" | "same" | "not" | "dag" | "label";

interface Check {
  readonly kind: Kind;
  readonly pattern: string;
  /** Of the script, from 1. */
  readonly line: number;
}

const KINDS: Readonly<Record<string, Kind>> = { "": "plain", "-NEXT": "next", "-SAME": "same", "-NOT": "not", "-DAG": "dag", "-LABEL": "label" };

function parseChecks(script: string): readonly Check[] {
  return script.split("\n").flatMap((text, i) => {
    const found = /\/\/\s*CHECK(-[A-Z]+)?:(.*)$/.exec(text);
    if (!found) return [];
    const kind = KINDS[found[1] ?? ""];
    if (!kind) throw new Error(`line ${i + 1}: there is no CHECK${found[1]}`);
    return [{ kind, pattern: squeeze(found[2]!), line: i + 1 }];
  });
}

interface Part {
  readonly label: Check | undefined;
  readonly checks: readonly Check[];
  /** Lines of the output, `to` excluded. */
  readonly from: number;
  readonly to: number;
}

/** Labels are found first, in order; they capture nothing yet. */
function parts(checks: readonly Check[], lines: readonly string[], captures: ReadonlyMap<string, string>): readonly Part[] {
  const starts: { readonly check: number; readonly line: number }[] = [];
  let line = 0;
  checks.forEach((check, i) => {
    if (check.kind !== "label") return;
    const pattern = compile(check, captures);
    while (line < lines.length && !pattern.expression.test(lines[line]!)) line++;
    if (line === lines.length) throw failure(check, "is not in", lines);
    starts.push({ check: i, line: line++ });
  });
  const first = starts[0]?.check ?? checks.length;
  const before = first > 0 ? [{ label: undefined, checks: checks.slice(0, first), from: 0, to: starts[0]?.line ?? lines.length }] : [];
  return [
    ...before,
    ...starts.map((start, i) => ({
      label: checks[start.check]!,
      checks: checks.slice(start.check + 1, starts[i + 1]?.check ?? checks.length),
      from: start.line,
      to: starts[i + 1]?.line ?? lines.length,
    })),
  ];
}

function checkPart(checks: readonly Check[], lines: readonly string[], from: number, to: number, captures: Map<string, string>): void {
  // What follows a match begins behind it: on the same line for CHECK and CHECK-SAME.
  let line = from;
  let column = 0;
  let forbidden: Check[] = [];
  let block: { from: number; end: number; taken: Set<number> } | undefined;
  const part = lines.slice(from, to);
  const refuse = (endLine: number, endColumn: number): void => {
    for (const check of forbidden) {
      const { expression } = compile(check, captures);
      for (let at = line; at <= endLine && at < to; at++) {
        const text = lines[at]!.slice(at === line ? column : 0, at === endLine ? endColumn : undefined);
        if (expression.test(text)) throw failure(check, "stands in", part);
      }
    }
    forbidden = [];
  };
  for (const check of checks) {
    if (check.kind === "not") {
      forbidden.push(check);
      continue;
    }
    if (check.kind === "dag") {
      block ??= { from: line + (column > 0 ? 1 : 0), end: line, taken: new Set() };
      const at = findLine(check, lines, block.from, to, captures, block.taken);
      if (at === undefined) throw failure(check, "is not in", part);
      block.taken.add(at);
      block.end = Math.max(block.end, at);
      continue;
    }
    if (block) {
      [line, column] = [block.end, lines[block.end]!.length];
      block = undefined;
    }
    const last = check.kind === "next" ? line + 2 : check.kind === "same" ? line + 1 : to;
    const first = check.kind === "next" ? line + 1 : line;
    const found = find(check, lines, first, Math.min(last, to), first === line ? column : 0, captures);
    if (!found)
      throw failure(
        check,
        check.kind === "next" ? `is not on the line behind "${lines[line]}" in` : check.kind === "same" ? "is not on the same line in" : "is not in",
        part,
      );
    refuse(found.line, found.start);
    [line, column] = [found.line, found.end];
  }
  refuse(to - 1, Infinity);
}

interface Found {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

function find(check: Check, lines: readonly string[], from: number, to: number, column: number, captures: Map<string, string>): Found | undefined {
  const pattern = compile(check, captures);
  for (let line = from; line < to; line++) {
    const offset = line === from ? column : 0;
    const match = pattern.expression.exec(lines[line]!.slice(offset));
    if (!match) continue;
    pattern.names.forEach((name, i) => captures.set(name, match[i + 1]!));
    return { line, start: offset + match.index, end: offset + match.index + match[0].length };
  }
  return undefined;
}

function findLine(
  check: Check,
  lines: readonly string[],
  from: number,
  to: number,
  captures: Map<string, string>,
  taken: ReadonlySet<number>,
): number | undefined {
  for (let line = from; line < to; line++) if (!taken.has(line) && find(check, lines, line, line + 1, 0, captures)) return line;
  return undefined;
}

/** The expression of a check, and the names its groups capture. */
function compile(check: Check, captures: ReadonlyMap<string, string>): { readonly expression: RegExp; readonly names: readonly string[] } {
  const names: string[] = [];
  const source = check.pattern.replace(
    /\[\[(\w+):(.*?)\]\]|\[\[(\w+)\]\]|\{\{(.*?)\}\}|([^[{]+|[[{])/g,
    (_all, name?: string, body?: string, known?: string, regex?: string, plain?: string) => {
      if (name !== undefined) {
        names.push(name);
        return `(${body})`;
      }
      if (known !== undefined) {
        // In the same line a name may be repeated behind its capture.
        if (names.includes(known)) return `\\${names.indexOf(known) + 1}`;
        const value = captures.get(known);
        if (value === undefined) throw new Error(`line ${check.line}: nothing has captured ${known}`);
        return `${escape(value)}(?!\\w)`;
      }
      return regex !== undefined ? `(?:${regex})` : escape(plain!);
    },
  );
  return { expression: new RegExp(source), names };
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function squeeze(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

function failure(check: Check, relation: string, lines: readonly string[]): Error {
  const word = Object.entries(KINDS).find(([, kind]) => kind === check.kind)![0];
  return new Error(`line ${check.line}: CHECK${word} "${check.pattern}" ${relation}:\n${lines.join("\n")}`);
}
