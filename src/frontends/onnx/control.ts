import type { Builder } from "../../ir/builder.ts";
import { Value, type Op } from "../../ir/graph.ts";
import { constant, ifOp } from "../../ir/ops/control.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { equalTypes, type TensorType } from "../../ir/types.ts";
import type { Folder } from "./fold.ts";
import type { Place } from "./place.ts";
import type { Problems } from "./problems.ts";
import { closeRegions, discard, type OpenRegion } from "./regions.ts";
import type { GraphProto, NodeProto } from "./schema.ts";

/** What importers of nodes with subgraphs need of the importer of nodes. */
export interface Subgraphs {
  readonly folder: Folder;
  readonly problems: Problems;
  /** Where ops go at present. */
  readonly b: Builder;
  /** Lays a subgraph open on values for its inputs: its outputs, undefined where a problem was noted. */
  subgraph(graph: GraphProto, inputs: readonly Value[], place: Place, prefix: string): readonly (Value | undefined)[];
  /** Runs `build` with a builder of its own; if it throws, what it built is undone. */
  apart<T>(build: () => T): { readonly result: T; readonly ops: readonly Op[] };
}

/** A node with subgraphs, as its importers see it. */
export interface ControlNode {
  readonly node: NodeProto;
  readonly name: string;
  readonly operands: readonly (Value | undefined)[];
  readonly place: Place;
  /** Version of the default domain. */
  readonly opset: number;
}

/** Why a subgraph did not become a region. */
export class Unfit extends Error {}

/** The reason is a size that data decide. */
export class Unsized extends Unfit {}

export function graphOf(node: NodeProto, attribute: string): GraphProto {
  const graph = node.attribute.find(({ name }) => name === attribute)?.g;
  if (!graph) throw new Unfit(`has no ${attribute}`);
  return graph;
}

/** What `build` gives on parameters of these types, apart from all else. Throws `Unfit` where a problem was noted inside. */
export function openRegion(s: Subgraphs, types: readonly TensorType[], build: (params: readonly Value[]) => readonly (Value | undefined)[]): OpenRegion {
  const params = types.map((type) => new Value(type));
  const { result, ops } = s.apart(() => build(params));
  const results = result.filter((value) => value !== undefined);
  if (results.length === result.length) return { ops, params, results };
  discard(ops);
  throw new Unfit("");
}

/** What `build` makes of regions; if it fails they are undone. */
export function orDiscard<T>(regions: readonly OpenRegion[], build: () => T): T {
  try {
    return build();
  } catch (error) {
    for (const { ops } of regions) discard(ops);
    throw error;
  }
}

/** An If whose condition hangs on the inputs. */
export function importIf(c: ControlNode, s: Subgraphs): readonly Value[] {
  const [condition] = c.operands;
  if (!condition) throw new Unfit("has no condition");
  const graphs = ["then_branch", "else_branch"].map((branch) => graphOf(c.node, branch));
  const branches = graphs.map((graph) => openRegion(s, [], () => s.subgraph(graph, [], c.place, `${c.name}/`)));
  return orDiscard(branches, () => closedIf(condition, branches as [OpenRegion, OpenRegion], s));
}

function closedIf(condition: Value, branches: readonly [OpenRegion, OpenRegion], s: Subgraphs): readonly Value[] {
  const [then, otherwise] = branches;
  if (then.results.length !== otherwise.results.length) throw new Unfit(`has branches of ${then.results.length} and ${otherwise.results.length} outputs`);
  then.results.forEach(({ type }, i) => sameTypes(type, otherwise.results[i]!.type, (a, b) => `gives ${a} in one branch and ${b} in the other`));
  const { regions, captures } = closeRegions(branches, ["then", "else"]);
  return s.b.createAll(ifOp, { condition, captures }, {}, regions);
}

export function sameTypes(a: TensorType, b: TensorType, says: (a: string, b: string) => string): void {
  if (equalTypes(a, b)) return;
  const text = (type: TensorType): string => `${type.shape.join("x")}${type.shape.length > 0 ? " " : ""}${type.dtype}`;
  if (a.dtype !== b.dtype) throw new Unfit(says(text(a), text(b)));
  throw new Unsized(says(text(a), text(b)));
}

/** A bool or i64 under the rank that a subgraph declares for its input: 0, or 1 of one element. */
export function asDeclared(b: Builder, value: Value, graph: GraphProto, input: number): Value {
  const rank = graph.input[input]?.type?.tensorType?.shape?.dim.length ?? 0;
  return rank === 1 ? b.create(reshape, { x: value }, { shape: [1] }) : value;
}

export function flag(b: Builder, value: boolean): Value {
  return b.create(constant, {}, { value: tensor("bool", [], [value ? 1 : 0]) });
}
