import { InternalError, NeoError } from "../support/errors.ts";

/** An error as it stands in the JSON envelope. */
export function errorDiagnostic(error: unknown): object {
  if (!(error instanceof NeoError)) {
    return {
      code: error instanceof InternalError ? "NEO9001" : "NEO9000",
      severity: "error",
      message: error instanceof Error ? error.message : String(error),
      notes: [],
    };
  }
  return {
    code: error.code,
    severity: "error",
    message: error.message,
    ...(error.file ? { file: error.file } : {}),
    notes: error.notes.map(({ where, text, op, opset, reason, nearest, code }) => ({ where, text, op, opset, reason, nearest, code })),
    ...(error.hint ? { hint: error.hint } : {}),
    docs: `neo explain ${error.code}`,
    ...(error.awsName ? { awsName: error.awsName } : {}),
  };
}
