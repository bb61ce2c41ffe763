import { HostProblem, textAttr, wantInputs, type HostFunction } from "./host-function.ts";
import { isWordCode, parsePattern, type CharTest, type Edge, type PatternNode } from "./pattern-syntax.ts";

type Instruction =
  | { readonly kind: "char"; readonly test: CharTest }
  | { readonly kind: "edge"; readonly edge: Edge }
  | { readonly kind: "split"; readonly to: number[] }
  | { readonly kind: "match" };

/** A pattern with many counted repetitions inside each other gets longer than it looks. */
const MOST_INSTRUCTIONS = 20_000;

/** Whether all of a text is of a pattern. All ways through the pattern are walked at once: no pattern makes it slow. */
export class Pattern {
  private readonly code: Instruction[] = [];
  private work = 0;

  constructor(pattern: string) {
    this.add(parsePattern(pattern));
    this.emit({ kind: "match" });
  }

  matches(text: string): boolean {
    const codes = Array.from(text, (char) => char.codePointAt(0)!);
    let now = this.reached([0], codes, 0);
    for (const [i, code] of codes.entries()) {
      if (now.length === 0) return false;
      const next: number[] = [];
      for (const at of now) {
        const step = this.code[at]!;
        if (step.kind === "char" && step.test(code)) next.push(at + 1);
      }
      now = this.reached(next, codes, i + 1);
    }
    return now.some((at) => this.code[at]!.kind === "match");
  }

  /** Where one gets from some instructions without passing a character. */
  private reached(from: readonly number[], codes: readonly number[], place: number): number[] {
    const seen = new Set<number>();
    const found: number[] = [];
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const step = this.code[at]!;
      if (step.kind === "split") open.push(...step.to);
      else if (step.kind !== "edge") found.push(at);
      else if (isEdge(step.edge, codes, place)) open.push(at + 1);
    }
    return found;
  }

  private add(node: PatternNode): void {
    if (++this.work > 4 * MOST_INSTRUCTIONS) throw new HostProblem("has a pattern that is too large");
    switch (node.kind) {
      case "char":
      case "edge":
        return void this.emit(node);
      case "all":
        return node.parts.forEach((part) => this.add(part));
      case "any": {
        const ends: number[][] = [];
        const starts = this.emitSplit();
        for (const part of node.parts) {
          starts.push(this.code.length);
          this.add(part);
          ends.push(this.emitSplit());
        }
        return ends.forEach((end) => end.push(this.code.length));
      }
      case "repeat":
        return this.repeat(node.part, node.least, node.most);
    }
  }

  private repeat(part: PatternNode, least: number, most: number): void {
    for (let i = 0; i < least; i++) this.add(part);
    if (most === Infinity) {
      const start = this.code.length;
      const ways = this.emitSplit();
      ways.push(this.code.length);
      this.add(part);
      this.emitSplit().push(start);
      ways.push(this.code.length);
      return;
    }
    const skips: number[][] = [];
    for (let i = least; i < most; i++) {
      const ways = this.emitSplit();
      ways.push(this.code.length);
      this.add(part);
      skips.push(ways);
    }
    skips.forEach((ways) => ways.push(this.code.length));
  }

  private emitSplit(): number[] {
    const to: number[] = [];
    this.emit({ kind: "split", to });
    return to;
  }

  private emit(instruction: Instruction): void {
    if (this.code.push(instruction) > MOST_INSTRUCTIONS) throw new HostProblem("has a pattern that is too large");
  }
}

function isEdge(edge: Edge, codes: readonly number[], place: number): boolean {
  const [before, after] = [codes[place - 1], codes[place]];
  switch (edge) {
    case "textStart":
      return before === undefined;
    case "textEnd":
      return after === undefined;
    case "lineStart":
      return before === undefined || before === 10;
    case "lineEnd":
      return after === undefined || after === 10;
    default: {
      const isChange = (before !== undefined && isWordCode(before)) !== (after !== undefined && isWordCode(after));
      return isChange === (edge === "wordEdge");
    }
  }
}

export const fullMatch: HostFunction = {
  results(inputs, attrs) {
    wantInputs(inputs, "string");
    void new Pattern(textAttr(attrs, "pattern"));
    return [{ dtype: "bool", shape: inputs[0]!.shape }];
  },
  run([x], attrs) {
    const pattern = new Pattern(textAttr(attrs, "pattern"));
    return [{ dtype: "bool", shape: x!.shape, data: Uint8Array.from(x!.data as ArrayLike<string>, (text) => (pattern.matches(text) ? 1 : 0)) }];
  },
};
