import type { Value } from "../../ir/graph.ts";
import type { Note } from "../../support/errors.ts";

/** What importers have to say that is neither an op nor a problem. */
export class Remarks {
  readonly warnings: Note[] = [];
  private readonly names = new Map<Value, readonly string[]>();

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

/** Some words of a list, for a message. */
export function someOf(words: readonly string[]): string {
  return words.length > 8 ? `${words.slice(0, 8).join(", ")} and ${words.length - 8} more` : words.join(", ");
}
