import { dimSymbol, bindDim, boundsOf, symbolsOf } from "../../ir/dims.ts";
import type { Value } from "../../ir/graph.ts";
import { lessEqual } from "../../ir/ops/comparison.ts";
import { constant } from "../../ir/ops/control.ts";
import { and } from "../../ir/ops/logic.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { tensor } from "../../ir/tensor.ts";
import { tensorType, type Dim, type TensorType } from "../../ir/types.ts";
import { asDeclared, flag, openRegion, sameTypes, Unfit, Unsized } from "./control.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { planLengths, type LengthPlan } from "./growth.ts";
import { boundHint, closedLoop, numberOf, tensorOf, type TensorLoop } from "./closed-loop.ts";
import { firstOf, lengthAt, limited, stretchTo } from "./longest.ts";
import type { Found } from "./problems.ts";
import { rowsOf } from "./open-sequences.ts";
import { discard } from "./regions.ts";
import { OpenSequence, Sequence, type Given } from "./scope.ts";

/**
 * A Loop whose carried values get longer turn by turn, as often as only a run tells. It carries them at the greatest length there can
 * be, with their true lengths beside them; its body sees tensors of those lengths.
 */
export function importGrowingLoop(loop: TensorLoop, s: Subgraphs): readonly Value[] {
  const { initial } = loop;
  const names = initial.map((_, i) => loop.node.output[i] ?? "");
  const bounds = names.map((name) => (name === "" ? undefined : s.bounds.of(name)));
  const trips = loop.trips && numberOf(s, loop.trips);
  let failed: Found | undefined;
  const probe = (plan: LengthPlan): readonly TensorType[] | undefined => {
    const { result, added } = s.problems.apart(() => probed(loop, s, plan));
    if (!result) failed = added;
    return result;
  };
  const facts = { name: loop.name, initial: initial.map(({ type }) => type), trips, bounds };
  const plan = planLengths(facts, probe);
  if (!plan) {
    if (failed) s.problems.take(failed);
    throw new Unfit("");
  }
  if ("why" in plan) throw new Unsized(plan.why, boundHint(names[plan.value]!));
  return built(loop, s, plan, names);
}

/** What a turn makes of the carried values of a plan. */
function probed(loop: TensorLoop, s: Subgraphs, plan: LengthPlan): readonly TensorType[] | undefined {
  let types: readonly TensorType[] | undefined;
  try {
    const region = openRegion(
      s,
      paramTypes(plan),
      (params) => {
        const results = turn(loop, s, plan, params);
        types = results.every((value) => value !== undefined) ? results.slice(1, 1 + loop.initial.length).map((value) => value.type) : undefined;
        return results;
      },
      paramLikes(loop, plan),
    );
    discard(region.ops);
  } catch (error) {
    if (error instanceof Unfit && error.message === "") return undefined;
    throw error;
  }
  types?.forEach((type, i) => {
    const before = plan.types[i]!;
    if (type.dtype !== before.dtype || type.shape.length !== before.shape.length) sameTypes(before, type, (a, b) => `carries ${a}, of which a turn makes ${b}`);
  });
  return types;
}

function paramTypes({ types, axes }: LengthPlan): readonly TensorType[] {
  return [tensorType("i64", []), ...types.map((type, i) => ({ ...type, shape: mostShape(type, i, axes) })), ...axes.map(() => tensorType("i64", []))];
}

function paramLikes({ initial }: TensorLoop, { axes }: LengthPlan): readonly (Value | undefined)[] {
  return [undefined, ...initial, ...axes.map(() => undefined)];
}

function mostShape({ shape }: TensorType, value: number, axes: LengthPlan["axes"]): readonly number[] {
  return shape.map((dim, axis) => axes.find((one) => one.value === value && one.axis === axis)?.most ?? (dim as number));
}

/** What the body gives of the turn, carried values and lengths. */
function turn(loop: TensorLoop, s: Subgraphs, plan: LengthPlan, [count, ...params]: readonly Value[]): readonly (Value | undefined)[] {
  const { body, initial } = loop;
  const carried = shortened(s, params.slice(0, initial.length), params.slice(initial.length), plan.axes, ({ dim }) => dim);
  const given = carried.map((value, i): Given => (loop.sequences?.[i] ? new OpenSequence(value) : value));
  const inputs = [asDeclared(s.b, count!, body, 0), asDeclared(s.b, flag(s.b, true), body, 1), ...given];
  return s.open(body, inputs, loop.place, `${loop.name}/`).map((value, i) => {
    const item = loop.sequences?.[i - 1];
    if (!item || value === undefined) return value === undefined ? undefined : tensorOf(value);
    const rows = value instanceof Sequence || value instanceof OpenSequence ? rowsOf(s.b, value, item) : undefined;
    if (!rows) throw new Unsized("carries a sequence of tensors of different shapes, and how often it turns hangs on the model's inputs");
    return rows;
  });
}

/** Values cut to their true lengths. Extents that hang on others stand behind them. */
function shortened(
  s: Subgraphs,
  values: readonly Value[],
  lengths: readonly Value[],
  axes: LengthPlan["axes"],
  dimOf: (axis: LengthPlan["axes"][number]) => Dim,
): readonly Value[] {
  const cut = [...values];
  axes.forEach((one, k) => {
    const value = cut[one.value]!;
    cut[one.value] = s.stored.mark(firstOf(s.b, value, one.axis, lengths[k]!, dimOf(one)), s.stored.of(value));
  });
  return cut;
}

function built(loop: TensorLoop, s: Subgraphs, plan: LengthPlan, names: readonly string[]): readonly Value[] {
  const { initial, name } = loop;
  const { axes } = plan;
  const most = (value: Value, i: number): Value => s.stored.mark(stretchTo(s.b, value, mostShape(value.type, i, axes)), s.stored.of(value));
  const region = openRegion(
    s,
    paramTypes(plan),
    (params) => {
      const results = turn(loop, s, plan, params);
      if (results.includes(undefined)) return results;
      s.b.loc = [name];
      const [again, ...rest] = results as readonly Value[];
      const carried = rest.slice(0, initial.length);
      const rows = rest.slice(initial.length);
      rows.forEach((row) => {
        if (row.type.shape.some((dim) => typeof dim !== "number")) throw new Unsized("stacks rows whose length differs from turn to turn");
      });
      let goesOn = again!;
      const lengths = axes.map(({ value, axis, bound }) => {
        const length = lengthAt(s.b, carried[value]!, axis);
        if (bound === undefined) return length;
        const isWithin = s.b.create(lessEqual, { a: length, b: s.b.create(constant, {}, { value: tensor("i64", [], [BigInt(bound)]) }) });
        goesOn = s.b.create(and, { a: goesOn, b: s.b.create(reshape, { x: isWithin }, { shape: goesOn.type.shape as readonly number[] }) });
        return limited(s.b, length, bound, names[value]!);
      });
      return [goesOn, ...carried.map(most), ...lengths, ...rows];
    },
    paramLikes(loop, plan),
  );
  const lengths = axes.map(({ value, axis }) => lengthAt(s.b, initial[value]!, axis));
  const wide: TensorLoop = { ...loop, initial: [...initial.map(most), ...lengths] };
  const results = closedLoop(wide, s, region, plan.turns);
  const [ends, rows] = [results.slice(initial.length, initial.length + axes.length), results.slice(initial.length + axes.length)];
  return [...shortened(s, results.slice(0, initial.length), ends, axes, (one) => afterwards(one, axes, name)), ...rows];
}

/** An extent behind the loop: under names of its own, as long as it can get. */
function afterwards({ dim, most }: LengthPlan["axes"][number], axes: LengthPlan["axes"], name: string): Dim {
  const symbols = symbolsOf(dim);
  const renamed = symbols.map((symbol) => {
    const own = axes.find((one) => typeof one.dim !== "number" && one.dim.kind === "symbol" && one.dim.name === symbol.name);
    return [symbol.name, dimSymbol(`${symbol.name.replace(name, `${name}/end`)}`, symbol.low, own?.most ?? symbol.high)] as const;
  });
  const after = bindDim(dim, Object.fromEntries(renamed));
  return typeof after === "number" || boundsOf(after)[1] <= most ? after : dimSymbol(`${name}/end ${most}`, 0, most);
}
