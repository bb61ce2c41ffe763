import { expect } from "vitest";
import { NeoError, type ErrorCode } from "../../../src/support/errors.ts";

/** The NeoError that `run` ends in; fails where it ends in another way. */
export function refusal(run: () => unknown): NeoError {
  try {
    run();
  } catch (error) {
    if (error instanceof NeoError) return error;
    throw error;
  }
  return expect.fail("nothing was refused");
}

export function expectRefused(code: ErrorCode, run: () => unknown): NeoError {
  const error = refusal(run);
  expect(error.code, `${error.message} ${JSON.stringify(error.notes)}`).toBe(code);
  return error;
}

export function noteTexts(error: NeoError): string[] {
  return error.notes.map((note) => `${note.where}: ${note.text}`);
}
