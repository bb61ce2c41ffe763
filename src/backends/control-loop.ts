import type { Op } from "../ir/graph.ts";
import type { Tensor } from "../ir/tensor.ts";
import { elementCount } from "../ir/types.ts";
import { flagToWord, nextTurn, rowKernel, setWord, tripsToWord, turnToCount, turnToTensor } from "./control-kernels.ts";
import { plainLayout } from "./layout.ts";
import type { OpenBuffer } from "./open-steps.ts";
import { clear } from "./padded-result.ts";
import type { Destination, Place, RegionContext } from "./schedule.ts";

/** Steps count turns in an i32. */
const MOST_TRIPS = 2 ** 31 - 2;

interface LoopAttrs {
  readonly carried: number;
  readonly turns: number;
  readonly maxTrips: number;
  readonly counted: boolean;
}

export function lowerLoop(op: Op, context: RegionContext): void {
  const { carried, turns, maxTrips, counted } = op.attrs as never as LoopAttrs;
  const [body] = op.regions;
  const turnsOf = new Turns(op, context, carried, 2);
  const counter = body!.params[0];
  const isCounted = counter!.uses.size > 0 || op.results.length > carried;
  if (isCounted) turnsOf.count();
  const trips = turns >= 0 ? turns : tripsOf(op, context, maxTrips > 0 ? maxTrips : MOST_TRIPS);
  const goesOn = constantFlag(body!.outputs[0]!.producer);
  const condition = turns >= 0 ? undefined : conditionOf(op, context, goesOn);
  turnsOf.enter();
  if (counted) op.results.slice(carried, -1).forEach((_, k) => clear(context.result(op, carried + k), context, op));
  const steps = context.open.apart(() => {
    const turn = counter!.uses.size > 0 ? turnsOf.asTensor() : unread(context, counter!.type.shape as readonly number[]);
    const destinations = [undefined, ...turnsOf.destinations(1)];
    const [again, ...results] = context.region(body!, [turn, ...turnsOf.state, ...turnsOf.operands(2 + carried)], destinations);
    turnsOf.leave(results);
    if (condition && goesOn === undefined) context.call(flagToWord(context.target, op.loc), { x: again!.buffer, y: condition });
  });
  context.open.push({ kind: "loop", trips, ...(condition ? { condition } : {}), body: steps });
  if (counted) turnsOf.tell(context.result(op, op.results.length - 1));
}

export function lowerScan(op: Op, context: RegionContext): void {
  const { carried, captured } = op.attrs as { readonly carried: number; readonly captured: number };
  const scanned = op.operands.length - captured;
  const turns = op.operands[carried]!.type.shape[0] as number;
  const turnsOf = new Turns(op, context, carried, 0);
  turnsOf.count();
  turnsOf.enter();
  const steps = context.open.apart(() => {
    const slices = turnsOf.slices(carried, scanned);
    const params = [...turnsOf.state, ...slices, ...turnsOf.operands(scanned)];
    turnsOf.leave(context.region(op.regions[0]!, params, turnsOf.destinations(0)));
  });
  context.open.push({ kind: "loop", trips: turns, body: steps });
}

/** What goes round in the turns of one loop or scan: carried values, the counter, rows. */
class Turns {
  private readonly op: Op;
  private readonly context: RegionContext;
  private readonly carried: number;
  private readonly first: number;
  private turn: OpenBuffer | undefined;

  /** `first` is the position of the first carried operand. */
  constructor(op: Op, context: RegionContext, carried: number, first: number) {
    this.op = op;
    this.context = context;
    this.carried = carried;
    this.first = first;
  }

  /** Where the carried values are in each turn. */
  get state(): readonly Place[] {
    return Array.from({ length: this.carried }, (_, k) => this.context.result(this.op, k));
  }

  operands(from: number): readonly Place[] {
    return this.op.operands.slice(from).map((_, i) => this.context.operandAt(from + i)!);
  }

  count(): void {
    const { context, op } = this;
    this.turn = context.open.word("turn");
    context.call(setWord(0, context.target, op.loc), { y: this.turn });
  }

  /** Writes how many turns there were. */
  tell(to: Place): void {
    const { context, op } = this;
    context.call(turnToCount(context.target, op.loc), { turn: this.turn!, y: to.buffer });
  }

  enter(): void {
    this.state.forEach((to, k) => this.context.transfer(this.context.operandAt(this.first + k)!, to));
  }

  asTensor(): Place {
    const { context, op } = this;
    const layout = plainLayout("i64", []);
    const buffer = context.scratch("i64", layout.size);
    context.call(turnToTensor(context.target, op.loc), { turn: this.turn!, y: buffer });
    return { buffer, layout, dtype: "i64" };
  }

  /** The slices of this turn of the operands from `from` to `to`, not included. */
  slices(from: number, to: number): readonly Place[] {
    const { context, op } = this;
    return op.operands.slice(from, to).map((value, i) => {
      const rows = context.operandAt(from + i)!;
      const shape = rows.layout.shape.slice(1);
      const layout = plainLayout(rows.layout.elem, shape);
      const slice: Place = { buffer: context.scratch(layout.elem, layout.size), layout, dtype: value!.type.dtype };
      this.moveRow("take", slice, rows);
      return slice;
    });
  }

  /** Carried values may be computed where they are kept, once nobody reads the old ones. `skipped`: parameters in front of the carried ones. */
  destinations(skipped: number): readonly Destination[] {
    const { params } = this.op.regions[0]!;
    return this.state.map((place, k) => ({ place, replaces: params[skipped + k]! }));
  }

  /** Puts what a turn gave where the next one finds it. */
  leave(results: readonly Place[]): void {
    results.slice(this.carried).forEach((row, k) => this.moveRow("put", row, this.context.result(this.op, this.carried + k)));
    if (this.turn) this.context.call(nextTurn(this.context.target, this.op.loc), { y: this.turn });
  }

  private moveRow(way: "put" | "take", row: Place, rows: Place): void {
    const { context, op } = this;
    const { elem, shape } = row.layout;
    const turns = rows.layout.shape[0]!;
    const elements = elementCount(shape);
    if (turns * elements === 0) return;
    const dense = way === "put" ? this.dense(row) : row;
    const kernel = rowKernel(way, { elem, dtype: row.dtype, elements, turns }, context.target, op.loc);
    context.call(kernel, { turn: this.turn!, x: dense.buffer, rows: rows.buffer });
  }

  /** A result of a region in row-major order from the first byte of its buffer. */
  private dense(row: Place): Place {
    return this.context.relayout(row, { ...plainLayout(row.layout.elem, row.layout.shape, 0), size: row.layout.size });
  }
}

function constantFlag(producer: Op | undefined): boolean | undefined {
  return producer?.name === "constant" ? Boolean((producer.attrs["value"] as Tensor).data[0]) : undefined;
}

/** Turns at most, known or read from a word. */
function tripsOf(op: Op, context: RegionContext, most: number): number | OpenBuffer {
  const trips = context.operandAt(0);
  if (!trips) return most;
  if (trips.constant) return Number(clamped(trips.constant[0] as bigint, most));
  const word = context.open.word("trips");
  context.call(tripsToWord(most, context.target, op.loc), { x: trips.buffer, y: word });
  return word;
}

function clamped(trips: bigint, most: number): bigint {
  return trips < 0n ? 0n : trips > BigInt(most) ? BigInt(most) : trips;
}

/** The word that says whether to go on; undefined where nothing ever stops the loop but its trips. */
function conditionOf(op: Op, context: RegionContext, goesOn: boolean | undefined): OpenBuffer | undefined {
  const given = context.operandAt(1);
  if (goesOn === true && (!given || given.constant?.[0] === 1)) return undefined;
  const word = context.open.word("go on");
  if (given) context.call(flagToWord(context.target, op.loc), { x: given.buffer, y: word });
  else context.call(setWord(1, context.target, op.loc), { y: word });
  return word;
}

/** A parameter that nobody reads needs no data. */
function unread(context: RegionContext, shape: readonly number[]): Place {
  const layout = plainLayout("i64", shape);
  return { buffer: context.scratch("i64", layout.size), layout, dtype: "i64" };
}
