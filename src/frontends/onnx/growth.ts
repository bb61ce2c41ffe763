import { boundsOf, dimOf, dimSymbol, equalDims } from "../../ir/dims.ts";
import { shapeText } from "../../ir/broadcast.ts";
import type { Dim, TensorType } from "../../ir/types.ts";

/** An axis of a carried value that is not equally long before all turns. */
interface GrownAxis {
  /** Place among the carried values. */
  readonly value: number;
  readonly axis: number;
  /** Before the first turn. */
  readonly start: Dim;
  /** By how much each turn makes it longer, exactly; undefined: that hangs on the data. */
  growth: number | undefined;
  /** The least and the most before any turn that was seen so far. */
  low: number;
  high: number;
  /** The most that one turn adds. */
  step: number;
}

/** How long carried values are before a turn, along axes that grow, and the most they get. */
export interface LengthPlan {
  readonly axes: readonly { readonly value: number; readonly axis: number; readonly dim: Dim; readonly most: number; readonly bound: number | undefined }[];
  /** Types before a turn. */
  readonly types: readonly TensorType[];
  /** Turns there can be. */
  readonly turns: number | undefined;
}

/** What is known of a loop whose carried values grow. */
export interface GrowthFacts {
  readonly name: string;
  readonly initial: readonly TensorType[];
  /** Turns there can be, by constants. */
  readonly trips: number | undefined;
  /** How long the caller says that each carried value gets. */
  readonly bounds: readonly (number | undefined)[];
}

const ROUNDS = 12;
const MOST_GROWTH = 2 ** 31;
const MOST_LENGTH = 2 ** 31;

/**
 * Finds lengths for carried values that no turn leaves. `probe` tells what types a turn makes of those of a plan; each round looks at
 * them and widens the plan where they do not fit. Growth by the same number each turn makes lengths that hang on each other. The text
 * says why there is no plan, and which axis is at fault.
 */
export function planLengths(
  facts: GrowthFacts,
  probe: (plan: LengthPlan) => readonly TensorType[] | undefined,
): LengthPlan | { readonly why: string; readonly value: number } | undefined {
  const axes: GrownAxis[] = facts.initial.flatMap(({ shape }, value) =>
    shape.flatMap((start, axis) => {
      const [low, high] = boundsOf(start);
      return typeof start === "number" ? [] : [{ value, axis, start, growth: undefined, low, high, step: 0 }];
    }),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const plan = planOf(facts, axes);
    if ("why" in plan) return plan;
    const found = probe(plan);
    if (!found) return undefined;
    if (!widened(facts, axes, plan, found, round > ROUNDS / 2)) return plan;
  }
  const { value, axis } = axes.at(-1)!;
  return { value, why: whyEndless(facts, value, axis) };
}

/** Whether the plan had to change for what a turn makes. */
function widened(facts: GrowthFacts, axes: GrownAxis[], plan: LengthPlan, found: readonly TensorType[], isLate: boolean): boolean {
  let changed = false;
  plan.types.forEach((type, value) => {
    type.shape.forEach((dim, axis) => {
      const after = found[value]!.shape[axis]!;
      const known = axes.find((one) => one.value === value && one.axis === axis);
      const delta = dimOf("sub", after, dim);
      const [low, high] = boundsOf(after);
      if (!known) {
        if (equalDims(after, dim)) return;
        const [first, last] = boundsOf(dim);
        const canCount = facts.trips !== undefined || facts.bounds.some((bound) => bound !== undefined);
        const growth = canCount && typeof delta === "number" && delta > 0 ? delta : undefined;
        axes.push({
          value,
          axis,
          start: dim,
          growth,
          low: Math.min(first, low),
          high: Math.max(last, growth === undefined ? high : last),
          step: growth ?? Math.max(0, boundsOf(delta)[1]),
        });
        changed = true;
      } else if (known.growth !== undefined) {
        if (delta === known.growth) return;
        known.growth = undefined;
        known.low = Math.min(known.low, low);
        known.high = Math.max(known.high, facts.bounds[value] === undefined && facts.trips === undefined ? high : known.high);
        known.step = boundsOf(delta)[1];
        changed = true;
      } else {
        const most = plan.axes.find((one) => one.value === value && one.axis === axis)!.most;
        const grows = boundsOf(delta)[1];
        const fits = high <= most || facts.bounds[value] !== undefined || (plan.turns !== undefined && known.step > 0 && grows <= known.step);
        if (fits && low >= known.low) return;
        if (!fits && isLate && plan.turns !== undefined && Number.isFinite(grows)) known.step = Math.max(known.step, grows);
        else if (!fits) known.high = Math.max(known.high, high);
        known.low = Math.max(0, Math.min(known.low, isLate ? 0 : low));
        changed = true;
      }
    });
  });
  return changed;
}

function planOf(facts: GrowthFacts, axes: readonly GrownAxis[]): LengthPlan | { readonly why: string; readonly value: number } {
  // The turn that makes a value longer than its bound is the last.
  const within = axes.flatMap(({ value, growth, start }) => {
    const bound = facts.bounds[value];
    return bound === undefined || growth === undefined ? [] : [Math.max(0, Math.floor((bound - boundsOf(start)[1]) / growth)) + 1];
  });
  const turns = [facts.trips, ...within].reduce<number | undefined>((least, one) => (one === undefined ? least : Math.min(one, least ?? one)), undefined);
  const known: Known[] = [];
  const entries: LengthPlan["axes"][number][] = [];
  for (const one of [...axes].sort((a, b) => (a.growth ?? MOST_GROWTH) - (b.growth ?? MOST_GROWTH))) {
    const bound = facts.bounds[one.value];
    const most = mostOf(one, turns, bound);
    // Extents of damaged files may be as large as numbers get, or none at all.
    if (most === undefined || !(most < MOST_LENGTH) || Number.isNaN(one.low)) return { value: one.value, why: whyEndless(facts, one.value, one.axis) };
    if (bound !== undefined && bound < boundsOf(one.start)[1])
      return { value: one.value, why: `${describe(facts, one.value)}, which is longer along axis ${one.axis} than its bound ${bound} from the start` };
    const before = one.growth !== undefined && bound === undefined ? most - one.growth : most;
    const dim = dimBefore(one, known, () =>
      dimSymbol(
        `${facts.name}/${one.value}:${one.axis}`,
        one.growth === undefined ? one.low : boundsOf(one.start)[0],
        Math.max(before, boundsOf(one.start)[1]),
      ),
    );
    const proven = facts.trips !== undefined && one.step > 0 && boundsOf(one.start)[1] + facts.trips * one.step <= (bound ?? Infinity);
    entries.push({ value: one.value, axis: one.axis, dim, most: Math.max(most, boundsOf(dim)[1]), bound: bound === undefined || proven ? undefined : bound });
  }
  const types = facts.initial.map((type, value) => ({
    ...type,
    shape: type.shape.map((dim, axis) => entries.find((one) => one.value === value && one.axis === axis)?.dim ?? dim),
  }));
  return { axes: entries, types, turns };
}

/** The most there is behind any turn. */
function mostOf({ growth, start, high, step }: GrownAxis, turns: number | undefined, bound: number | undefined): number | undefined {
  const first = boundsOf(start)[1];
  if (growth === undefined && step === 0) return bound ?? high;
  const reached = turns === undefined ? undefined : first + turns * (growth ?? step);
  if (growth === undefined && reached === undefined) return bound ?? high;
  const most = bound === undefined ? reached : Math.min(bound, reached ?? bound);
  return most === undefined ? undefined : Math.max(most, first);
}

interface Known {
  readonly growth: number;
  readonly start: Dim;
  readonly dim: Dim;
}

/** An axis that grows as another does is as long as that one says. */
function dimBefore(one: GrownAxis, known: Known[], symbol: () => Dim): Dim {
  const { growth, start } = one;
  if (growth === undefined) return symbol();
  const like = known.find((other) => growth === other.growth && equalDims(start, other.start));
  if (like) return like.dim;
  const base = typeof start === "number" ? known.find((other) => typeof other.start === "number" && growth % other.growth === 0) : undefined;
  const dim = base ? dimOf("add", dimOf("mul", dimOf("sub", base.dim, base.start), growth / base.growth), start) : symbol();
  known.push({ growth, start, dim });
  return dim;
}

function whyEndless(facts: GrowthFacts, value: number, axis: number): string {
  return `${describe(facts, value)}, which gets longer along axis ${axis} turn by turn, and nothing says how long that can get`;
}

function describe({ initial }: GrowthFacts, value: number): string {
  const { shape, dtype } = initial[value]!;
  return `carries ${shape.length > 0 ? `${shapeText(shape)} ` : ""}${dtype}`;
}
