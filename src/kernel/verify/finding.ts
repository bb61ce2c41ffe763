/** One thing that a verifier found. */
export interface Finding {
  readonly rule:
    | "names"
    | "types"
    | "trips"
    | "access"
    | "bounds"
    | "ranges"
    | "registers"
    | "parallel"
    | "pressure"
    | "steps"
    | "slices"
    | "arguments"
    | "in place"
    | "unwritten";
  /** A kernel, or a step of a program. */
  readonly where: string;
  readonly text: string;
}

/** Collects findings of one place, each text once. */
export class Findings {
  readonly list: Finding[] = [];
  private readonly where: string;
  private readonly seen = new Set<string>();

  constructor(where: string) {
    this.where = where;
  }

  add(rule: Finding["rule"], text: string): void {
    if (this.seen.has(text)) return;
    this.seen.add(text);
    this.list.push({ rule, where: this.where, text });
  }
}
