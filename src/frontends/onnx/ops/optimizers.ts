import { add, div, mul, pow, sqrt, sub } from "../../../ir/ops/arithmetic.ts";
import { greater } from "../../../ir/ops/comparison.ts";
import { select } from "../../../ir/ops/logic.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { castTo, reshapeTo } from "../rearrange.ts";
import { since, type OperatorTable } from "./table.ts";

/** One step of training each: arithmetic over tensors, their gradients and what the optimizer remembers of them. */
export const OPTIMIZERS: OperatorTable = {
  Adagrad: since(1, importAdagrad),
  Adam: since(1, importAdam),
  Momentum: since(1, importMomentum),
};

function importAdagrad(c: NodeContext): readonly Value[] {
  const [decay, epsilon] = [c.float("decay_factor", 0), c.float("epsilon", 0)];
  return eachTensor(c, 1, ({ x, gradient, rate, turn, memory: [h], m }) => {
    const slower = m.over(rate, m.plus(m.number(1), m.times(turn, m.number(decay))));
    const squares = m.plus(h!, m.times(gradient, gradient));
    return [m.minus(x, m.over(m.times(slower, gradient), m.plus(m.root(squares), m.number(epsilon)))), squares];
  });
}

function importAdam(c: NodeContext): readonly Value[] {
  const [alpha, beta, epsilon] = [c.float("alpha", 0.9), c.float("beta", 0.999), c.float("epsilon", 0)];
  const kept = 1 - c.float("norm_coefficient_post", 0);
  return eachTensor(c, 2, ({ x, gradient, rate, turn, isLater, memory: [v, h], m }) => {
    const moving = m.plus(m.times(m.number(alpha), v!), m.times(m.number(1 - alpha), gradient));
    const squares = m.plus(m.times(m.number(beta), h!), m.times(m.number(1 - beta), m.times(gradient, gradient)));
    const left = (base: number): Value => m.minus(m.number(1), m.power(m.number(base), turn));
    const adjusted = m.choose(isLater, m.over(m.times(rate, m.root(left(beta))), left(alpha)), rate);
    const next = m.minus(x, m.over(m.times(adjusted, moving), m.plus(m.root(squares), m.number(epsilon))));
    return [kept === 1 ? next : m.times(m.number(kept), next), moving, squares];
  });
}

function importMomentum(c: NodeContext): readonly Value[] {
  const [alpha, beta] = [c.required("alpha", c.float("alpha")), c.required("beta", c.float("beta"))];
  const nesterov = c.word("mode", ["standard", "nesterov"]) === "nesterov";
  return eachTensor(c, 1, ({ x, gradient, rate, isLater, memory: [v], m }) => {
    const share = m.choose(isLater, m.number(beta), m.number(1));
    const moving = m.plus(m.times(m.number(alpha), v!), m.times(share, gradient));
    const way = nesterov ? m.plus(gradient, m.times(m.number(alpha), moving)) : moving;
    return [m.minus(x, m.times(rate, way)), moving];
  });
}

interface Turn {
  readonly x: Value;
  /** With the share of x that `norm_coefficient` adds. */
  readonly gradient: Value;
  readonly rate: Value;
  /** Number of the turn, as a float. */
  readonly turn: Value;
  readonly isLater: Value;
  readonly memory: readonly Value[];
  readonly m: ReturnType<typeof arithmetic>;
}

/** Operands: rate, turn, all tensors, all gradients, then each kind of memory; results: new tensors, then each kind of memory. */
function eachTensor(c: NodeContext, memories: number, update: (turn: Turn) => readonly Value[]): readonly Value[] {
  const tensors = (c.operands.length - 2) / (2 + memories);
  if (!Number.isInteger(tensors) || tensors < 1) c.fail(`has ${c.operands.length} inputs, wanted 2 and ${2 + memories} for each tensor`);
  const coefficient = c.float("norm_coefficient", 0);
  const isLater = c.b.create(greater, { a: reshapeTo(c.b, c.need(1, "T"), []), b: c.scalar(c.need(1, "T").type.dtype, 0) });
  const results: Value[][] = Array.from({ length: 1 + memories }, () => []);
  for (let i = 0; i < tensors; i++) {
    const [x, given, ...memory] = Array.from({ length: 2 + memories }, (_, kind) => c.need(2 + kind * tensors + i, `input of tensor ${i + 1}`));
    const m = arithmetic(c, x!);
    const [rate, turn] = [c.need(0, "R"), c.need(1, "T")].map((value) => castTo(c.b, reshapeTo(c.b, value, []), x!.type.dtype));
    const gradient = coefficient === 0 ? given! : m.plus(m.times(m.number(coefficient), x!), given!);
    update({ x: x!, gradient, rate: rate!, turn: turn!, isLater, memory, m }).forEach((value, kind) => results[kind]!.push(value));
  }
  return results.flat();
}

/** Formulas in the dtype of x. */
function arithmetic(c: NodeContext, x: Value) {
  return {
    number: (value: number): Value => c.scalar(x.type.dtype, value),
    plus: (a: Value, b: Value): Value => c.b.create(add, { a, b }),
    minus: (a: Value, b: Value): Value => c.b.create(sub, { a, b }),
    times: (a: Value, b: Value): Value => c.b.create(mul, { a, b }),
    over: (a: Value, b: Value): Value => c.b.create(div, { a, b }),
    power: (a: Value, b: Value): Value => c.b.create(pow, { a, b }),
    root: (value: Value): Value => c.b.create(sqrt, { x: value }),
    choose: (condition: Value, a: Value, b: Value): Value => c.b.create(select, { condition, a, b }),
  };
}
