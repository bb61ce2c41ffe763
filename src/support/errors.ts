/**
 * Errors of `neo`. `NeoError` is about the input (file, flag, bundle, machine): it has a code whose first digit
 * decides the exit code, the places, and one hint. `InternalError` is about us.
 */

/** One place an error speaks of: a node, file, JSON path or flag, in the user's own names. */
export interface Note {
  readonly where: string;
  readonly text: string;
  /** Of a node: its operator by the name that the file gives it, and the version of its domain that the file imports. */
  readonly op?: string | undefined;
  readonly opset?: number | undefined;
  /** What kind of thing is in the way. */
  readonly reason?: NoteReason | undefined;
  /** The form nearest to what was found that is taken. */
  readonly nearest?: string | undefined;
  /** Of the kind of this finding, where an error tells of several kinds. */
  readonly code?: ErrorCode | undefined;
}

export type NoteReason = "operator" | "opset" | "attribute" | "dtype" | "rank" | "shape" | "length" | "dim" | "constant" | "binding" | "structure";

/** `NEO` and four digits; the page of each code is in `docs/errors`. */
export type ErrorCode = `NEO${number}`;

export interface NeoErrorInit {
  readonly code: ErrorCode;
  readonly message: string;
  readonly notes?: readonly Note[];
  readonly hint?: string;
  readonly file?: string;
  /** The class Amazon SageMaker Neo reported for the same cause, where one fits. */
  readonly awsName?: string;
  readonly cause?: unknown;
}

/** Something is wrong with what we were given. Never thrown for a bug of ours. */
export class NeoError extends Error {
  readonly code: ErrorCode;
  readonly notes: readonly Note[];
  readonly hint: string | undefined;
  readonly file: string | undefined;
  readonly awsName: string | undefined;

  constructor(init: NeoErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "NeoError";
    this.code = init.code;
    this.notes = init.notes ?? [];
    this.hint = init.hint;
    this.file = init.file;
    this.awsName = init.awsName;
  }
}

/** A broken invariant of ours; names the pass, rule or op it was found in. Exit 1. */
export class InternalError extends Error {
  readonly where: string;

  constructor(where: string, message: string) {
    super(`${where}: ${message}`);
    this.name = "InternalError";
    this.where = where;
  }
}

const EXIT_BY_AREA: Readonly<Record<string, number>> = { 1: 2, 2: 3, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 6, 9: 1 };

/** Exit code of the process for an error: by the first digit of its code; 1 for everything that is not a NeoError. */
export function exitCodeFor(error: unknown): number {
  if (!(error instanceof NeoError)) return 1;
  return EXIT_BY_AREA[error.code.charAt(3)] ?? 1;
}
