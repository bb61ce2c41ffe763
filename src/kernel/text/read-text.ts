import { NeoError, type ErrorCode } from "../../support/errors.ts";
import { Scanner, SyntaxMismatch } from "../../support/scanner.ts";

/** Names that do not fit, each with its offset: all are told at once. */
export class Problems {
  readonly list: { readonly at: number; readonly text: string }[] = [];

  add(at: number, text: string): void {
    this.list.push({ at, text });
  }
}

/** Reads a whole text, which may come from anywhere: the outcome is a record or a `NeoError`. */
export function readText<T>(text: string, file: string, read: (scanner: Scanner, problems: Problems) => T): T {
  const scanner = new Scanner(text);
  const problems = new Problems();
  const error = (code: ErrorCode, message: string, list: Problems["list"]): NeoError => {
    const notes = list.map(({ at, text: found }) => {
      const { line, column } = scanner.position(at);
      return { where: `${file}:${line}:${column}`, text: found };
    });
    return new NeoError({ code, message, file, notes });
  };
  try {
    const result = read(scanner, problems);
    scanner.skip();
    if (scanner.at < text.length) scanner.fail("the end");
    if (problems.list.length > 0) throw error("NEO2071", `${file} names what does not exist or exists already`, problems.list);
    return result;
  } catch (mismatch) {
    if (mismatch instanceof SyntaxMismatch) throw error("NEO2070", `${file} is not kernel text`, [{ at: mismatch.at, text: mismatch.message }]);
    throw mismatch;
  }
}
