import { boundsOf } from "../../ir/dims.ts";
import { Value } from "../../ir/graph.ts";
import { add } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { and } from "../../ir/ops/logic.ts";
import { loopOp } from "../../ir/ops/loop.ts";
import { concat, reshape } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { printDim } from "../../ir/text/types.ts";
import { tensorType, type Dim, type TensorType } from "../../ir/types.ts";
import {
  asDeclared,
  flag,
  graphOf,
  markedLike,
  openRegion,
  orDiscard,
  sameStored,
  sameTypes,
  Unfit,
  Unsized,
  type ControlNode,
  type Subgraphs,
} from "./control.ts";
import { importGrowingLoop } from "./growing-loop.ts";
import { lengthAt, limited } from "./longest.ts";
import { dimsIn } from "./open-dims.ts";
import { castTo, reshapeTo } from "./rearrange.ts";
import { closeRegions, discard, type OpenRegion } from "./regions.ts";
import type { GraphProto } from "./schema.ts";
import { itemType, rowsOf } from "./open-sequences.ts";
import { OpenSequence, Sequence, type Given } from "./scope.ts";

/** Nodes that a loop may become where it can't stay one; more of them would make the program too long. */
const MOST_WRITTEN_OUT = 1 << 13;

/** What is known of a loop before it runs. */
interface LoopNode extends ControlNode {
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

function carriesTensors(loop: LoopNode): loop is TensorLoop {
  return loop.initial.every((value) => value instanceof Value);
}

/**
 * A Loop stays one where its body has the same types in each turn. Where it has not, or gives rows whose number only the
 * body's own arithmetic on constants tells, its turns are written out one after another.
 */
export function importLoop(c: ControlNode, s: Subgraphs): readonly Given[] {
  const loop = loopNode(c);
  if (!carriesTensors(loop)) {
    const written = attempt(() => writtenOut(loop, s));
    if (written instanceof Unsized && written.message === "") return withRows(loop, s);
    if (written instanceof Unfit) throw written;
    return written;
  }
  if (loop.initial.every((value) => s.folder.constant(value))) {
    const { result } = s.problems.apart(() => attempt(() => computed(loop, s)));
    if (!(result instanceof Unfit)) return result;
  }
  const kept = s.problems.apart(() => attempt(() => asLoop(loop, s)));
  if (kept.result instanceof Unfit) {
    const written = s.problems.apart(() => attempt(() => writtenOut(loop, s)));
    if (!(written.result instanceof Unfit)) {
      s.problems.take(written.added);
      return written.result;
    }
  }
  if (kept.result instanceof Unsized && kept.added.size === 0) {
    const grown = s.problems.apart(() => attempt(() => importGrowingLoop(loop, s)));
    s.problems.take(grown.added);
    if (grown.result instanceof Unfit) throw grown.result;
    return grown.result;
  }
  s.problems.take(kept.added);
  if (kept.result instanceof Unfit) throw kept.result;
  return kept.result;
}

/** Sequences that get longer as often as a run says are carried as slices of tensors. */
function withRows(loop: LoopNode, s: Subgraphs): readonly Given[] {
  const sequences = itemTypes(loop, s);
  const initial = loop.initial.map((value, i) => {
    const isOne = value instanceof Sequence || value instanceof OpenSequence;
    const rows = isOne ? rowsOf(s.b, value, sequences[i]) : value;
    if (rows instanceof Value) return rows;
    throw new Unsized("carries a sequence, of which nothing tells that all its tensors are of one shape, and how often it turns hangs on the model's inputs");
  });
  const results = importGrowingLoop({ ...loop, initial, sequences }, s);
  return results.map((value, i) => (sequences[i] ? new OpenSequence(value) : value));
}

/** What is in the sequences that a loop carries: of empty ones what a turn puts there. */
function itemTypes({ initial, body, name, place }: LoopNode, s: Subgraphs): readonly (TensorType | undefined)[] {
  const known = initial.map(itemType);
  if (initial.every((value, i) => value instanceof Value || known[i])) return known;
  // What is wrong with the body is noted when it is imported in earnest.
  const { result: tried } = s.problems.apart(() =>
    s.apart(() => {
      const count = s.b.create(constant, {}, { value: tensor("i64", [], [0n]) });
      return s.open(body, [asDeclared(s.b, count, body, 0), asDeclared(s.b, flag(s.b, true), body, 1), ...initial], place, `${name}/`);
    }),
  );
  const { result, ops } = tried;
  discard(ops);
  return known.map((type, i) => type ?? (initial[i] instanceof Value ? undefined : itemType(result[i + 1])));
}

/** A loop over constants that reads nothing else is what it computes: shapes may hang on that. */
function computed(loop: TensorLoop, s: Subgraphs): readonly Value[] {
  const { result, ops } = s.apart(() => turnByTurn(loop, s, (value) => value instanceof Value && s.folder.constant(value) !== undefined));
  const known = result.map((value) => (value instanceof Value ? s.folder.constant(value) : undefined));
  discard(ops);
  return known.map((value) => {
    if (!value) throw new Unsized("");
    return s.b.create(constant, {}, { value });
  });
}

function loopNode(c: ControlNode): LoopNode {
  const body = graphOf(c.node, "body");
  const [trips, condition] = c.operands;
  const initial = c.given.slice(2);
  if (body.input.length !== initial.length + 2) throw new Unfit(`carries ${initial.length} values, its body takes ${body.input.length - 2}`);
  if (body.output.length < initial.length + 1) throw new Unfit(`carries ${initial.length} values, its body gives ${body.output.length - 1}`);
  const rows = c.node.output.slice(initial.length).filter((output) => output !== "");
  return { ...c, body, trips, condition, initial, rows };
}

function attempt<T>(run: () => T): T | Unfit {
  try {
    return run();
  } catch (error) {
    if (error instanceof Unfit) return error;
    throw error;
  }
}

function asLoop(loop: TensorLoop, s: Subgraphs): readonly Value[] {
  const { body, initial } = loop;
  const types = [tensorType("i64", []), ...initial.map(({ type }) => type)];
  // The condition is true whenever the body runs.
  const build = ([turn, ...carried]: readonly Value[]): readonly (Value | undefined)[] => {
    const inputs = [asDeclared(s.b, turn!, body, 0), asDeclared(s.b, flag(s.b, true), body, 1), ...carried];
    return s.subgraph(body, inputs, loop.place, `${loop.name}/`);
  };
  const region = openRegion(s, types, build, [undefined, ...initial]);
  return orDiscard([region], () => closedLoop(loop, s, region));
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
function knownTurns({ trips, condition }: LoopNode, s: Subgraphs, again: Value): number | undefined {
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

/** One turn after another, as long as constants say that there is one more. */
function writtenOut(loop: LoopNode, s: Subgraphs): readonly Given[] {
  const { result, ops } = s.apart(() => turnByTurn(loop, s));
  s.b.ops.push(...ops);
  return result;
}

/** `accepts` is asked for each value that a turn gives. */
function turnByTurn(loop: LoopNode, s: Subgraphs, accepts: (value: Given) => boolean = () => true): readonly Given[] {
  const { body, initial } = loop;
  const most = loop.trips ? numberOf(s, loop.trips) : Infinity;
  let goesOn = loop.condition ? numberOf(s, loop.condition) : 1;
  let state: readonly Given[] = initial;
  const rows: (readonly Value[])[] = [];
  const start = s.nodes;
  for (let turn = 0; ; turn++) {
    if (most === undefined || goesOn === undefined) throw new Unsized("");
    if (turn >= most || goesOn === 0) break;
    if (s.nodes - start + turn > MOST_WRITTEN_OUT) throw new Unsized("");
    const count = s.b.create(constant, {}, { value: tensor("i64", [], [BigInt(turn)]) });
    const inputs = [asDeclared(s.b, count, body, 0), asDeclared(s.b, flag(s.b, true), body, 1), ...state];
    const results = s.open(body, inputs, loop.place, `${loop.name}/${turn}/`);
    const found = results.filter((value) => value !== undefined);
    if (found.length !== results.length || !found.every(accepts)) throw new Unfit("");
    goesOn = numberOf(s, tensorOf(found[0]!));
    state = found.slice(1, 1 + initial.length);
    rows.push(found.slice(1 + initial.length).map(tensorOf));
  }
  s.b.loc = [loop.name];
  return [...state, ...stacked(loop, s, rows)];
}

export function tensorOf(value: Given): Value {
  if (value instanceof Value) return value;
  throw new Unfit("gives a sequence, or nothing, where a tensor is wanted");
}

function stacked({ body, initial }: LoopNode, s: Subgraphs, rows: readonly (readonly Value[])[]): readonly Value[] {
  const count = body.output.length - 1 - initial.length;
  return Array.from({ length: count }, (_, k) => {
    if (rows.length === 0) throw new Unsized("");
    const slices = rows.map((row) => reshapeTo(s.b, row[k]!, [1, ...row[k]!.type.shape]));
    slices.forEach(({ type }) => sameTypes(slices[0]!.type, type, (a, b) => `stacks ${a} and ${b}`));
    return s.stored.mark(slices.length === 1 ? slices[0]! : s.b.create(concat, { xs: slices }, { axis: 0 }), s.stored.of(rows[0]![k]));
  });
}
