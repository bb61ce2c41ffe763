import type { Builder } from "../../ir/builder.ts";
import { Value } from "../../ir/graph.ts";
import { shapeText } from "../../ir/broadcast.ts";
import { constant, ifOp } from "../../ir/ops/control.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { equalTypes, isFloat, type TensorType } from "../../ir/types.ts";
import { branchLengths, cutToLengths, withLengths } from "./branch-lengths.ts";
import type { Place } from "./place.ts";
import type { Found } from "./problems.ts";
import { broadcastTo } from "./rearrange.ts";
import { closeRegions, discard, type OpenRegion } from "./regions.ts";
import type { GraphProto, NodeProto } from "./schema.ts";
import { joined, joinsOf, type Join } from "./joins.ts";
import { OpenOptional, OpenSequence, Sequence, type Given } from "./scope.ts";
import type { Subgraphs } from "./subgraphs.ts";

/** A node with subgraphs, as its importers see it. */
export interface ControlNode {
  readonly node: NodeProto;
  readonly name: string;
  readonly operands: readonly (Value | undefined)[];
  /** The same with sequences among them. */
  readonly given: readonly Given[];
  readonly place: Place;
  /** Version of the default domain. */
  readonly opset: number;
}

/** Why a subgraph did not become a region. */
export class Unfit extends Error {}

/** The reason is a size that data decide. */
export class Unsized extends Unfit {
  /** Instead of the usual hint. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

export function graphOf(node: NodeProto, attribute: string): GraphProto {
  const graph = node.attribute.find(({ name }) => name === attribute)?.g;
  if (!graph) throw new Unfit(`has no ${attribute}`);
  return graph;
}

/**
 * What `build` gives on parameters of these types, apart from all else; those that stand for `likes` hold what these do. Throws `Unfit`
 * where a problem was noted inside.
 */
export function openRegion(
  s: Subgraphs,
  types: readonly TensorType[],
  build: (params: readonly Value[]) => readonly (Value | undefined)[],
  likes: readonly (Value | undefined)[] = [],
): OpenRegion {
  const params = types.map((type, i) => s.stored.mark(new Value(type), s.stored.of(likes[i])));
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

/**
 * An If whose condition hangs on the inputs. Sizes are fixed, so a branch for other sizes may not fit them: it would fail if it
 * were chosen. It gives NaN then, and a warning says so here.
 */
export function importIf(c: ControlNode, s: Subgraphs, joins: readonly (Join | undefined)[] = []): readonly Given[] {
  const [condition] = c.operands;
  if (!condition) throw new Unfit("has no condition");
  const forms: Form[] = [];
  const given: (readonly (Given | undefined)[])[] = [];
  const [then, otherwise] = BRANCHES.map((branch) => tried(s, () => openBranch(c, s, branch, joins, forms, given)));
  const branches: OpenRegion[] = [];
  for (const [branch, other] of [
    [then!, otherwise!],
    [otherwise!, then!],
  ] as const) {
    const region = branch.region ?? (other.region && misfit(branch.added) ? nothing(s, other.region) : undefined);
    if (region) branches.push(region);
    else s.problems.take(branch.added);
  }
  if (branches.length < BRANCHES.length) {
    for (const { ops } of branches) discard(ops);
    throw new Unfit("");
  }
  [then!, otherwise!].forEach(({ region, added }, i) => {
    if (!region) s.problems.remarks.warn(c.name, `gives NaN where its condition chooses the ${BRANCHES[i]}, which does not fit these shapes: ${misfit(added)}`);
  });
  const isOneForm = JSON.stringify(forms[0]) === JSON.stringify(forms.at(-1));
  const wanted = isOneForm || joins.length > 0 || given.length < BRANCHES.length ? [] : joinsOf(given[0]!, given[1]!);
  if (wanted.some((join) => join)) {
    for (const { ops } of branches) discard(ops);
    return importIf(c, s, wanted);
  }
  return orDiscard(branches, () => {
    if (!isOneForm) throw new Unsized("gives sequences of different lengths, or an optional that holds something, in one branch only");
    return regrouped(closedIf(condition, branches as unknown as [OpenRegion, OpenRegion], s, c.name), forms[0]!);
  });
}

/** What the outputs of a branch are: one tensor, so many in a sequence, as many as a run says, or nothing. */
type Form = readonly ("one" | "rows" | "optional" | "absent" | number)[];

function regrouped(values: readonly Value[], form: Form): readonly Given[] {
  let at = 0;
  return form.map((part): Given => {
    if (part === "absent") return part;
    if (part === "rows") return new OpenSequence(values[at++]!);
    if (part === "optional") return new OpenOptional(values[at++]!, values[at++]!);
    return part === "one" ? values[at++]! : new Sequence(values.slice(at, (at += part)));
  });
}

const BRANCHES = ["then_branch", "else_branch"] as const;

interface Tried {
  readonly region: OpenRegion | undefined;
  readonly added: Found;
}

/** Sequences are laid out flat; `forms` gets what they were, `given` what the branch itself gives. */
function openBranch(
  c: ControlNode,
  s: Subgraphs,
  branch: string,
  joins: readonly (Join | undefined)[],
  forms: Form[],
  given: (readonly (Given | undefined)[])[],
): OpenRegion {
  const graph = graphOf(c.node, branch);
  return openRegion(s, [], () => {
    const own = s.open(graph, [], c.place, `${c.name}/`);
    given.push(own);
    const results = own.map((result, i) => joined(s.b, result, joins[i]));
    forms.push(results.map(formOf));
    return results.flatMap(valuesOf);
  });
}

function formOf(result: Given | undefined): Form[number] {
  if (result instanceof Sequence) return result.items.length;
  if (result instanceof OpenSequence) return "rows";
  return result instanceof OpenOptional ? "optional" : result === "absent" ? "absent" : "one";
}

function valuesOf(result: Given | undefined): readonly (Value | undefined)[] {
  if (result instanceof Sequence) return result.items;
  if (result instanceof OpenSequence) return [result.rows];
  if (result instanceof OpenOptional) return [result.value, result.has];
  return result === "absent" ? [] : [result instanceof Value ? result : undefined];
}

/** `open`, or the problems that it noted. */
function tried(s: Subgraphs, open: () => OpenRegion): Tried {
  const { result, added } = s.problems.apart(() => {
    try {
      return open();
    } catch (error) {
      if (error instanceof Unfit && error.message === "") return undefined;
      throw error;
    }
  });
  if (result) s.problems.take(added);
  return { region: result, added };
}

/** What does not fit, where that is all there is. Forms that we have not are no misfit of the file. */
function misfit(added: Found): string | undefined {
  const ours = [...added.values()].some(({ shown }) => shown.some(({ awsName }) => awsName?.endsWith("NotImplemented")));
  const fits = !ours && added.size > 0 && [...added.keys()].every((kind) => kind === "node");
  const first = [...added.values()][0]?.shown[0];
  return fits && first ? `${first.where}: ${first.text}` : undefined;
}

/** NaN of the types that the other branch gives. */
function nothing(s: Subgraphs, other: OpenRegion): OpenRegion | undefined {
  if (!other.results.every(({ type }) => isFloat(type.dtype))) return undefined;
  return openRegion(s, [], () =>
    other.results.map(({ type }) => {
      const x = s.b.create(constant, {}, { value: tensor(type.dtype, [], [NaN]) });
      return broadcastTo(s.b, x, type.shape);
    }),
  );
}

function closedIf(condition: Value, given: readonly [OpenRegion, OpenRegion], s: Subgraphs, name: string): readonly Value[] {
  if (given[0].results.length !== given[1].results.length) throw new Unfit(`has branches of ${given[0].results.length} and ${given[1].results.length} outputs`);
  const lengths = branchLengths(given[0], given[1], name);
  const branches = given.map((region) => withLengths(s, region, lengths)) as [OpenRegion, OpenRegion];
  const [then, otherwise] = branches;
  then.results.forEach(({ type }, i) => sameTypes(type, otherwise.results[i]!.type, (a, b) => `gives ${a} in one branch and ${b} in the other`));
  then.results.forEach((value, i) => sameStored(s, value, otherwise.results[i]!, (a, b) => `gives ${a} in one branch and ${b} in the other`));
  const { regions, captures } = closeRegions(branches, ["then", "else"]);
  return cutToLengths(s, markedLike(s, s.b.createAll(ifOp, { condition, captures }, {}, regions), then.results), lengths);
}

/** Results of a control op hold what its regions give. */
export function markedLike(s: Subgraphs, results: readonly Value[], likes: readonly Value[]): readonly Value[] {
  return results.map((value, i) => s.stored.mark(value, s.stored.of(likes[i])));
}

export function sameStored(s: Subgraphs, a: Value, b: Value, says: (a: string, b: string) => string): void {
  const name = (value: Value): string => s.stored.of(value)?.name ?? value.type.dtype;
  if (name(a) !== name(b)) throw new Unfit(says(name(a), name(b)));
}

export function sameTypes(a: TensorType, b: TensorType, says: (a: string, b: string) => string): void {
  if (equalTypes(a, b)) return;
  const text = (type: TensorType): string => `${type.shape.length > 0 ? `${shapeText(type.shape)} ` : ""}${type.dtype}`;
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
