import { NeoError } from "../../src/support/errors.ts";

/** An error in one line: what the user would read of it first, or where ours was thrown. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof NeoError)) return (error as Error).stack?.split("\n").slice(0, 3).join(" ") ?? String(error);
  const [note] = error.notes;
  return `${error.code} ${error.message}${note ? ` (${note.where}: ${note.text})` : ""}`;
}
