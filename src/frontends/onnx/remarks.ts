import type { Value } from "../../ir/graph.ts";
import type { Note } from "../../support/errors.ts";
import { WordInputs } from "./word-inputs.ts";

/** What importers have to say that is neither an op nor a problem. */
export class Remarks {
  readonly warnings: Note[] = [];
  private readonly names = new Map<Value, readonly string[]>();
  /** Set when the inputs are known. */
  wordInputs = new WordInputs([]);

  warn(where: string, text: string): void {
    this.warnings.push({ where, text });
  }

  /** Names what the last axis of `value` counts, or where it holds whole numbers, what they stand for. */
  label(value: Value, labels: readonly string[]): void {
    this.names.set(value, labels);
  }

  labelsOf(value: Value): readonly string[] | undefined {
    return this.names.get(value);
  }
}
