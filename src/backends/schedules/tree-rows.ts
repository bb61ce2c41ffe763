import type { Place } from "../schedule.ts";
import type { FloatElem } from "./tree-columns.ts";
import type { TreeOutput } from "./tree-leaves.ts";

/** What one op `trees` reads and writes. */
export interface TreeRows {
  readonly x: Place;
  readonly y: Place;
  readonly elem: FloatElem;
  readonly features: number;
  readonly rows: number;
  readonly output: TreeOutput;
  readonly loc: readonly string[];
}
