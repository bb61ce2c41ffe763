import { boundsOf } from "../../ir/dims.ts";
import { Value } from "../../ir/graph.ts";
import { add } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { and } from "../../ir/ops/logic.ts";
import { loopOp } from "../../ir/ops/loop.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { printDim } from "../../ir/text/types.ts";
import type { Dim, TensorType } from "../../ir/types.ts";
import { flag, markedLike, sameStored, sameTypes, Unfit, Unsized, type ControlNode } from "./control.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { lengthAt, limited } from "./longest.ts";
import { dimsIn } from "./open-dims.ts";
import { castTo } from "./rearrange.ts";
import { closeRegions, type OpenRegion } from "./regions.ts";
import type { GraphProto } from "./schema.ts";
import type { Given } from "./scope.ts";

/** What is known of a loop before it runs. */
export interface LoopNode extends ControlNode {
  readonly body: GraphProto;
  readonly trips: Value | undefined;
  readonly condition: Value | undefined;
  readonly initial: readonly Given[];
  /** Names of the outputs that are stacked rows. */
  readonly rows: readonly string[];
}

/** A loop that carries tensors only. */
export interface TensorLoop extends LoopNode {
  readonly initial: readonly Value[];
  /** What is in sequences that are carried as slices of a tensor, by place. */
  readonly sequences?: readonly (TensorType | undefined)[];
}

/** `within`: turns that there can be, as far as lengths of what is carried tell. */
export function closedLoop(loop: TensorLoop, s: Subgraphs, region: OpenRegion, within?: number): readonly Value[] {
  const { initial, trips, condition } = loop;
  const carried = initial.length;
  const [again, ...results] = region.results;
  initial.forEach(({ type }, i) => sameTypes(type, results[i]!.type, (a, b) => `carries ${a}, of which a turn makes ${b}`));
  initial.forEach((value, i) => sameStored(s, value, results[i]!, (a, b) => `carries ${a}, of which a turn makes ${b}`));
  const turns = knownTurns(loop, s, again!);
  const most = results.length > carried && turns === undefined ? mostRows(loop, s, within) : undefined;
  if (turns === undefined && !trips && numberOf(s, again!) === 1) throw new Unfit("never ends");
  if (most?.isGiven) return withinRows(loop, s, region, most.turns);
  const { regions, captures } = closeRegions([region], ["body"]);
  const values = [...initial, ...captures];
  if (turns !== undefined) return markedLike(s, s.b.createAll(loopOp, { values }, { carried, turns }, regions), results);
  const length = tripsLength(loop, s, again!);
  const extent = length === undefined ? `${loop.name}/turns` : printDim(length);
  const rows = most ? { maxTrips: most.turns, extent } : {};
  return markedLike(s, s.b.createAll(loopOp, { trips: trips && asScalar(s, trips), condition, values }, { carried, ...rows }, regions), results);
}

/** How many turns there can be, where rows are stacked: what constants or else the caller says. */
function mostRows({ trips, rows }: LoopNode, s: Subgraphs, within: number | undefined): { readonly turns: number; readonly isGiven: boolean } {
  const given = rows.map((name) => s.bounds.of(name)).find((bound) => bound !== undefined);
  const length = trips && lengthIn(s, trips);
  const known = [trips && numberOf(s, trips), length && boundsOf(length)[1], within].filter(
    (most) => most !== undefined && most > 0 && most < 2 ** 31,
  ) as number[];
  const turns = Math.min(given ?? Infinity, ...known);
  if (turns > 0 && turns < 2 ** 31) return { turns, isGiven: turns < Math.min(Infinity, ...known) };
  throw new Unsized(
    "gives a row each turn, and how many turns there are hangs on the model's inputs",
    rows[0] && `say how many there can be: \`--bound ${rows[0]}=N\``,
  );
}

/** How many turns there are where the length of a tensor tells and nothing else ends the loop. */
function tripsLength({ trips, condition }: LoopNode, s: Subgraphs, again: Value): Dim | undefined {
  const isEnded = (condition !== undefined && numberOf(s, condition) !== 1) || numberOf(s, again) !== 1;
  const length = isEnded || !trips ? undefined : lengthIn(s, trips);
  return typeof length === "number" ? undefined : length;
}

/** The one number that a value is, as an extent, where it hangs on the lengths of tensors. */
function lengthIn(s: Subgraphs, value: Value): Dim | undefined {
  const dims = dimsIn(value, (from) => s.folder.constant(from));
  return dims?.length === 1 && boundsOf(dims[0]!)[0] >= 0 ? dims[0] : undefined;
}

/** No more turns than the caller says. Whether the loop would go on then is carried along, and ends the run in an error. */
function withinRows(loop: TensorLoop, s: Subgraphs, region: OpenRegion, maxTrips: number): readonly Value[] {
  const { initial, trips, condition, rows } = loop;
  const carried = initial.length;
  const [again, ...results] = region.results;
  const { type } = again!;
  const goes = s.b.create(reshape, { x: condition ?? flag(s.b, true) }, { shape: type.shape as readonly number[] });
  const [state, stacked] = [results.slice(0, carried), results.slice(carried)];
  const { params } = region;
  const wide: OpenRegion = { ...region, params: [...params, new Value(type)], results: [again!, ...state, again!, ...stacked] };
  const { regions, captures } = closeRegions([wide], ["body"]);
  const operands = { trips: trips && asScalar(s, trips), condition, values: [...initial, goes, ...captures] };
  const attrs = { carried: carried + 1, maxTrips, extent: `${loop.name}/turns` };
  const given = s.b.createAll(loopOp, operands, attrs, regions);
  const count = lengthAt(s.b, given[carried + 1]!, 0);
  const isAsked = operands.trips
    ? s.b.create(and, { a: asScalar(s, given[carried]!), b: s.b.create(less, { a: count, b: operands.trips }) })
    : asScalar(s, given[carried]!);
  limited(s.b, s.b.create(add, { a: count, b: castTo(s.b, isAsked, "i64") }), maxTrips, rows[0] ?? loop.name);
  return markedLike(s, given.toSpliced(carried, 1), results);
}

export function boundHint(name: string): string | undefined {
  return name === "" ? undefined : `say how long it can get: \`--bound ${name}=N\``;
}

function asScalar(s: Subgraphs, value: Value): Value {
  return value.type.shape.length === 0 ? value : s.b.create(reshape, { x: value }, { shape: [] });
}

/** How often the body runs, if constants alone decide it. */
export function knownTurns({ trips, condition }: LoopNode, s: Subgraphs, again: Value): number | undefined {
  const most = trips ? numberOf(s, trips) : Infinity;
  const starts = condition ? numberOf(s, condition) : 1;
  const goesOn = numberOf(s, again);
  if (starts === 0 || (most !== undefined && most <= 0)) return 0;
  if (most === undefined || starts === undefined || goesOn === undefined) return undefined;
  const turns = goesOn === 0 ? 1 : most;
  return turns < 2 ** 31 ? turns : undefined;
}

/** The number or flag that a value of one element is, whatever the inputs are. */
export function numberOf(s: Subgraphs, value: Value): number | undefined {
  const found = s.folder.constant(value);
  return found && Number(found.data[0]);
}

export function tensorOf(value: Given): Value {
  if (value instanceof Value) return value;
  throw new Unfit("gives a sequence, or nothing, where a tensor is wanted");
}
