import type { Builder } from "../../ir/builder.ts";
import type { Op, Value } from "../../ir/graph.ts";
import type { Bounds } from "./bounds.ts";
import type { Folder } from "./fold.ts";
import type { Place } from "./place.ts";
import type { Problems } from "./problems.ts";
import type { GraphProto } from "./schema.ts";
import type { Given } from "./scope.ts";
import type { StoredValues } from "./stored-values.ts";

/** What importers of nodes with subgraphs need of the importer of nodes. */
export interface Subgraphs {
  readonly folder: Folder;
  readonly problems: Problems;
  readonly bounds: Bounds;
  readonly stored: StoredValues;
  /** Where ops go at present. */
  readonly b: Builder;
  /** Nodes imported so far, those of attempts included. */
  readonly nodes: number;
  /** Lays a subgraph open on values for its inputs: its outputs, undefined where a problem was noted. */
  subgraph(graph: GraphProto, inputs: readonly Given[], place: Place, prefix: string): readonly (Value | undefined)[];
  /** The same, where outputs may be sequences or absent. */
  open(graph: GraphProto, inputs: readonly Given[], place: Place, prefix: string): readonly (Given | undefined)[];
  /** Runs `build` with a builder of its own; if it throws, what it built is undone. */
  apart<T>(build: () => T): { readonly result: T; readonly ops: readonly Op[] };
}
