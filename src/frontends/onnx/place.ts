import type { Call } from "./functions.ts";
import type { Opsets } from "./library.ts";
import type { Scope } from "./scope.ts";

/** Where a list of nodes stands. */
export interface Place {
  readonly scope: Scope;
  readonly opsets: Opsets;
  /** Put before the names of its nodes: the calls that led here. */
  readonly prefix: string;
  readonly depth: number;
  /** The call whose function's body these nodes are. */
  readonly call?: Call | undefined;
}
