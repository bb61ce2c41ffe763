import type { Op } from "../ir/graph.ts";
import { elementCount, isFloat, type DType } from "../ir/types.ts";
import { I32, type KernelBuilder, type Term } from "../kernel/build.ts";
import { builderFor, clear } from "./padded-result.ts";
import type { RegionContext } from "./schedule.ts";
import { copyRun, unitOfRun } from "./schedules/indexing.ts";
import { compareIntegers } from "./schedules/integer-expressions.ts";
import { emitNest } from "./schedules/nest.ts";
import { loadElement } from "./schedules/storage.ts";

/**
 * Compares every slice with every other: the first equal one names a group, and a group stands behind as many as there are groups
 * before it. Quadratic, and the same for every rank, axis and dtype.
 */
export function lowerUnique(op: Op, context: RegionContext): void {
  const x = context.operandAt(0)!;
  const [values, indices, inverse, counts, count] = op.results.map((_, i) => context.result(op, i)) as [typeof x, typeof x, typeof x, typeof x, typeof x];
  const { shape, elem } = values.layout;
  const given = op.attrs["axis"] as number;
  const axis = op.attrs["flat"] === true ? 0 : given < 0 ? given + shape.length : given;
  const [outer, size, inner] = [elementCount(shape.slice(0, axis)), shape[axis]!, elementCount(shape.slice(axis + 1))];
  for (const place of [values, indices, inverse, counts]) clear(place, context, op);
  const sorted = op.attrs["sorted"] === true;
  const b = builderFor(op, context, `${x.dtype}_${outer}x${size}x${inner}${sorted ? "_sorted" : ""}`);
  b.param("x", elem, x.layout.size, "in");
  b.param("values", elem, values.layout.size, "inout");
  for (const [name, place] of Object.entries({ indices, inverse, counts })) b.param(name, "i64", place.layout.size, "inout");
  b.param("count", "i32", count.layout.size, "out");
  b.param("first", "i32", Math.max(1, size), "inout");
  const total = b.let("n", b.constant(I32, 0));
  if (size > 0) {
    const slices = new Slices(b, x.dtype, { outer, size, inner });
    emitFirsts(b, slices, size);
    emitGroups(b, slices, { size, inner, outer, elem, sorted, total });
  }
  b.store(b.cursor("c", "count"), 0, total);
  context.call(b.finish(), {
    x: x.buffer,
    values: values.buffer,
    indices: indices.buffer,
    inverse: inverse.buffer,
    counts: counts.buffer,
    count: count.buffer,
    first: context.scratch("i32", Math.max(1, size)),
  });
}

/** Two places in x, compared element by element: i stays while j goes over all. */
class Slices {
  readonly i: string;
  readonly j: string;
  readonly step: number;
  private readonly b: KernelBuilder;
  private readonly dtype: DType;
  private readonly dims: readonly { readonly trips: number; readonly steps: readonly number[] }[];

  constructor(b: KernelBuilder, dtype: DType, { outer, size, inner }: { readonly outer: number; readonly size: number; readonly inner: number }) {
    this.b = b;
    this.dtype = dtype;
    this.step = inner;
    [this.i, this.j] = [b.cursor("i", "x"), b.cursor("j", "x")];
    this.dims = [
      { trips: outer, steps: [size * inner, size * inner] },
      { trips: inner, steps: [1, 1] },
    ];
  }

  /** -1, 0 or 1 as slice j is less than slice i, equal or greater; NaNs are equal and greatest. */
  order(): Term {
    const { b, dtype } = this;
    const result = b.let("o", b.constant(I32, 0));
    emitNest(b, this.dims, [this.i, this.j], () => {
      const [left, right] = [b.let("l", loadElement(b, dtype, 1, this.j)), b.let("r", loadElement(b, dtype, 1, this.i))];
      const own = b.let("o", b.sub(this.isLess(right, left), this.isLess(left, right)));
      b.set(result, b.select(b.compare("eq", result, b.constant(I32, 0)), own, result));
    });
    return result;
  }

  private isLess(a: Term, c: Term): Term {
    const { b, dtype } = this;
    const [one, zero] = [b.constant(I32, 1), b.constant(I32, 0)];
    if (!isFloat(dtype)) return b.select(compareIntegers("lt")({ b, args: [a, c], attrs: {}, from: [dtype, dtype], to: dtype, type: a.type }), one, zero);
    const isOnlyNan = b.op("and", { mask: 1 }, [b.compare("eq", a, a), b.compare("ne", c, c)]);
    return b.select(b.op("or", { mask: 1 }, [b.compare("lt", a, c), isOnlyNan]), one, zero);
  }
}

/** first[i] = the least j whose slice equals slice i. */
function emitFirsts(b: KernelBuilder, slices: Slices, size: number): void {
  const to = b.cursor("f", "first");
  const i = b.let("i", b.constant(I32, 0));
  b.loop("i", size, { [slices.i]: slices.step, [to]: 1 }, () => {
    const first = b.let("f", i);
    const j = b.let("j", b.constant(I32, 0));
    b.loop("j", size, { [slices.j]: slices.step }, () => {
      const isEqual = b.compare("eq", slices.order(), b.constant(I32, 0));
      b.set(first, b.select(isEqual, b.pmin(first, j), first));
      b.set(j, b.add(j, b.constant(I32, 1)));
    });
    b.store(to, 0, first);
    b.set(i, b.add(i, b.constant(I32, 1)));
  });
}

interface Groups {
  readonly size: number;
  readonly inner: number;
  readonly outer: number;
  readonly elem: Parameters<typeof unitOfRun>[0];
  readonly sorted: boolean;
  readonly total: Term;
}

function emitGroups(b: KernelBuilder, slices: Slices, { size, inner, outer, elem, sorted, total }: Groups): void {
  const c = (value: number): Term => b.constant(I32, value);
  const inside = (at: Term): Term => b.let("a", b.pmin(b.pmax(at, c(0)), c(size - 1)));
  const flag = (mask: Term): Term => b.select(mask, c(1), c(0));
  const [own, other, inverse] = [b.cursor("f", "first"), b.cursor("g", "first"), b.cursor("v", "inverse")];
  const [indices, counts] = [b.cursor("p", "indices"), b.cursor("m", "counts")];
  const unit = unitOfRun(elem, inner, 1);
  const [from, to] = [b.cursor("s", "x", 0, unit.elem), b.cursor("t", "values", 0, unit.elem)];
  const i = b.let("i", c(0));
  b.loop("i", size, { [slices.i]: slices.step, [own]: 1, [inverse]: 1 }, () => {
    const first = b.let("f", b.load(I32, own));
    const rank = b.let("r", c(0));
    const j = b.let("j", c(0));
    b.loop("j", size, { [slices.j]: slices.step, [other]: 1 }, () => {
      const isFirst = b.let("q", flag(b.compare("eq", b.load(I32, other), j)));
      const isBefore = b.let("e", sorted ? flag(b.compare("lt", slices.order(), c(0))) : flag(b.compare("lt", j, first)));
      b.set(rank, b.add(rank, b.mul(isFirst, isBefore)));
      b.set(j, b.add(j, c(1)));
    });
    const group = inside(rank);
    b.store(inverse, 0, b.convert(group, "i64"));
    b.store(indices, 0, b.convert(first, "i64"), group);
    const long = { elem: "i64", lanes: 1 } as const;
    b.store(counts, 0, b.add(b.load(long, counts, 0, group), b.constant(long, 1n)), group);
    const [source, target] = [b.let("a", b.mul(inside(first), c(unit.count))), b.let("a", b.mul(group, c(unit.count)))];
    emitNest(b, [{ trips: outer, steps: [size * unit.count, size * unit.count] }], [from, to], () => copyRun(b, unit, from, to, source, target));
    b.set(total, b.add(total, flag(b.compare("eq", first, i))));
    b.set(i, b.add(i, c(1)));
  });
}
