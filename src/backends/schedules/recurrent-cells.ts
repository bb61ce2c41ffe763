import type { KernelBuilder, Term } from "../../kernel/build.ts";
import type { CellFunction } from "./recurrent-activations.ts";

/** What a cell works on for one vector of hidden units: its sums, its state, and what it leaves behind. */
export interface CellMoment {
  readonly b: KernelBuilder;
  /** w * x + bias of a gate. */
  input(gate: number): Term;
  /** r * h + bias of a gate. */
  recurrent(gate: number): Term;
  readonly h: Term;
  readonly c: Term;
  /** Input, output, forget. */
  peephole(part: number): Term | undefined;
}

interface NextState {
  readonly h: Term;
  readonly c?: Term;
}

/** One kind of cell. `products`: the gates whose recurrent product is made before each step of `steps`, of h or of what the step before gave. */
export interface Cell {
  readonly gates: number;
  readonly hasC: boolean;
  /** Gates multiplied with h at first. */
  readonly first: readonly [from: number, to: number];
  /** GRU that resets h before the product: a vector that goes into a second product, of gate 2. */
  readonly reset?: (moment: CellMoment) => Term;
  readonly next: (moment: CellMoment) => NextState;
}

const one = (b: KernelBuilder, like: Term): Term => b.constant(like.type, 1);

/** Gates input, output, forget, cell. */
export function lstmCell([f, g, h]: readonly CellFunction[], inputForget: boolean): Cell {
  return {
    gates: 4,
    hasC: true,
    first: [0, 4],
    next(moment) {
      const { b, c } = moment;
      const sum = (gate: number): Term => b.let("s", b.add(moment.input(gate), moment.recurrent(gate)));
      const peeped = (gate: number, part: number, state: Term): Term => {
        const weight = moment.peephole(part);
        return weight ? b.madd(weight, state, sum(gate)) : sum(gate);
      };
      const forget = f!(b, peeped(2, 2, c));
      const open = inputForget ? b.sub(one(b, forget), forget) : f!(b, peeped(0, 0, c));
      const candidate = g!(b, sum(3));
      const next = b.let("c", b.madd(forget, c, b.mul(open, candidate)));
      const out = f!(b, peeped(1, 1, next));
      return { c: next, h: b.let("h", b.mul(out, h!(b, next))) };
    },
  };
}

/** Gates update, reset, hidden. */
export function gruCell([f, g]: readonly CellFunction[], linearBeforeReset: boolean): Cell {
  const gate = (moment: CellMoment, index: number): Term => f!(moment.b, moment.b.add(moment.input(index), moment.recurrent(index)));
  return {
    gates: 3,
    hasC: false,
    first: [0, linearBeforeReset ? 3 : 2],
    ...(linearBeforeReset ? {} : { reset: (moment: CellMoment) => moment.b.mul(gate(moment, 1), moment.h) }),
    next(moment) {
      const { b, h } = moment;
      const recurrent = linearBeforeReset ? b.mul(gate(moment, 1), moment.recurrent(2)) : moment.recurrent(2);
      const candidate = g!(b, b.add(moment.input(2), recurrent));
      const update = gate(moment, 0);
      return { h: b.let("h", b.madd(update, b.sub(h, candidate), candidate)) };
    },
  };
}

export function rnnCell([f]: readonly CellFunction[]): Cell {
  return { gates: 1, hasC: false, first: [0, 1], next: (moment) => ({ h: f!(moment.b, moment.b.add(moment.input(0), moment.recurrent(0))) }) };
}
