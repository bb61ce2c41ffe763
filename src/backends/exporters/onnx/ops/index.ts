import { ACTIVATIONS } from "./activations.ts";
import { ATTENTION } from "./attention.ts";
import { CONVERSION } from "./conversion.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { MOVEMENT } from "./movement.ts";
import { NORMALISATION } from "./normalisation.ts";
import { PRODUCTS } from "./products.ts";
import { REDUCTION } from "./reduction.ts";
import { RESIZE } from "./resize.ts";
import type { Writer } from "./table.ts";
import { WINDOWS } from "./windows.ts";

/** How each op is written, by its name. An op is added to the table of its family. */
const WRITERS: ReadonlyMap<string, Writer> = new Map(
  [ACTIVATIONS, ATTENTION, CONVERSION, ELEMENTWISE, MOVEMENT, NORMALISATION, PRODUCTS, REDUCTION, RESIZE, WINDOWS].flatMap((table) => Object.entries(table)),
);

export function writerOf(name: string): Writer | undefined {
  return WRITERS.get(name);
}

/** Names of the ops that have a writer. */
export const WRITTEN_OPS: readonly string[] = [...WRITERS.keys()].sort();
