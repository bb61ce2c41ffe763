import { Value } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import { concat } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { tensorType, type TensorType } from "../../ir/types.ts";
import { asDeclared, flag, graphOf, openRegion, orDiscard, sameTypes, Unfit, Unsized, type ControlNode } from "./control.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { closedLoop, numberOf, tensorOf, type LoopNode, type TensorLoop } from "./closed-loop.ts";
import { importGrowingLoop } from "./growing-loop.ts";
import { reshapeTo } from "./rearrange.ts";
import { discard } from "./regions.ts";
import { itemType, rowsOf } from "./open-sequences.ts";
import { OpenSequence, Sequence, type Given } from "./scope.ts";

/** Nodes that a loop may become where it can't stay one; more of them would make the program too long. */
const MOST_WRITTEN_OUT = 1 << 13;

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

function stacked({ body, initial }: LoopNode, s: Subgraphs, rows: readonly (readonly Value[])[]): readonly Value[] {
  const count = body.output.length - 1 - initial.length;
  return Array.from({ length: count }, (_, k) => {
    if (rows.length === 0) throw new Unsized("");
    const slices = rows.map((row) => reshapeTo(s.b, row[k]!, [1, ...row[k]!.type.shape]));
    slices.forEach(({ type }) => sameTypes(slices[0]!.type, type, (a, b) => `stacks ${a} and ${b}`));
    return s.stored.mark(slices.length === 1 ? slices[0]! : s.b.create(concat, { xs: slices }, { axis: 0 }), s.stored.of(rows[0]![k]));
  });
}
