import type { ProblemKind } from "./problems.ts";

/** A tensor that can't be read, and in which way. */
export class TensorProblem extends Error {
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
