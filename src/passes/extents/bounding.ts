import { Builder, inferTypes } from "../../ir/builder.ts";
import { boundsOf, symbolsOf } from "../../ir/dims.ts";
import { shapeText } from "../../ir/broadcast.ts";
import type { Value } from "../../ir/graph.ts";
import { Op, type Graph } from "../../ir/graph.ts";
import { add, div, max, min, mul, sub } from "../../ir/ops/arithmetic.ts";
import { less } from "../../ir/ops/comparison.ts";
import { gather } from "../../ir/ops/gather.ts";
import { constant } from "../../ir/ops/control.ts";
import { cast } from "../../ir/ops/conversion.ts";
import { select } from "../../ir/ops/logic.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { longest } from "../../ir/ops/padded.ts";
import { tensor } from "../../ir/tensor.ts";
import { equalTypes, isStatic, type Dim, type DimSymbol, type DType, type TensorType } from "../../ir/types.ts";
import { InternalError, type Note } from "../../support/errors.ts";

/** Why an op has no form of fixed shape; says what would help. `inside`: the same of the ops of its regions, which is then all there is to say. */
export class Unbounded extends Error {
  readonly inside: readonly Note[];

  constructor(message: string, inside: readonly Note[] = []) {
    super(message);
    this.inside = inside;
  }
}

/** Gives every result of an op its fixed form. */
export type Handler = (op: Op, graph: Bounding) => void;

/** What sees to ops that read along open axes. */
export interface Reader {
  /** Whether `handle` sees to an axis of an operand along which the op reads. */
  along(op: Op, operand: number, axis: number): boolean;
  readonly handle: Handler;
}

/**
 * Builds the form of a graph in which every shape is fixed: tensors are as long as they can get, and what they are truly long is an
 * i32 beside them. What lies behind the true end means nothing; ops that would let it through to the front are written otherwise.
 */
export class Bounding {
  readonly b = new Builder();
  private readonly build: (graph: Graph, to: Bounding) => readonly Note[];
  private readonly values = new Map<Value, Value>();
  private readonly symbols = new Map<string, Value>();
  private readonly extents = new Map<string, Value>();
  /** Axes along which a value, as imported, is 0 behind its end once it is fixed. */
  private readonly zeros = new Map<Value, readonly number[]>();

  /** `build` gives the ops of a graph their fixed form, or says why some have none. */
  constructor(build: (graph: Graph, to: Bounding) => readonly Note[]) {
    this.build = build;
  }

  /** The same for a region: it sees nothing from outside. */
  inside(): Bounding {
    const child = new Bounding(this.build);
    child.b.loc = this.b.loc;
    return child;
  }

  buildAll(graph: Graph): readonly Note[] {
    return this.build(graph, this);
  }

  /** The fixed form of a value. */
  at(value: Value): Value {
    const found = this.values.get(value);
    if (!found) throw new InternalError("bound-extents", "a value is read before it is there");
    return found;
  }

  set(value: Value, fixed: Value): void {
    const wanted = longest(value.type);
    if (!equalTypes(fixed.type, wanted))
      throw new Unbounded(
        `gives ${shapeText(value.type.shape)}, which is not longest where what it reads is: ${shapeText(fixed.type.shape)} there, ${shapeText(wanted.shape)} at most`,
      );
    if (!fixed.name) fixed.name = value.name;
    this.values.set(value, fixed);
  }

  /** Notes that behind its end along an axis a value is 0, not just anything. */
  isZeroBehind(value: Value, axis: number): void {
    this.zeros.set(value, [...(this.zeros.get(value) ?? []), axis]);
  }

  /** A tensor with 0 behind its true end along the axes. */
  zeroed(value: Value, axes: readonly number[]): Value {
    const known = this.zeros.get(value) ?? [];
    const zero = value.type.dtype === "i64" || value.type.dtype === "u64" ? 0n : 0;
    return this.masked(
      value,
      axes.filter((axis) => !known.includes(axis)),
      zero,
    );
  }

  /** Says what the run-time value of a symbol is: an i32. Of an extent that hangs on others it is known. */
  define(dim: Dim, count: Value): void {
    if (typeof dim === "number" || dim.kind !== "symbol") return;
    if (!this.symbols.has(dim.name)) this.symbols.set(dim.name, count);
  }

  /** Whether the run-time value of a symbol is there. */
  knows(symbol: DimSymbol): boolean {
    return this.symbols.has(symbol.name);
  }

  /** The run-time value of an extent, an i32. */
  extent(dim: Dim): Value {
    if (typeof dim === "number") return this.word(dim);
    const key = JSON.stringify(dim);
    const known = this.extents.get(key);
    if (known) return known;
    const value = this.computed(dim);
    this.extents.set(key, value);
    return value;
  }

  private computed(dim: Exclude<Dim, number>): Value {
    if (dim.kind === "symbol") {
      const count = this.symbols.get(dim.name);
      if (!count) throw new Unbounded(`has the extent ${dim.name}, which no op before it gives`);
      return count;
    }
    const [a, b] = [this.extent(dim.left), this.extent(dim.right)];
    const { b: build } = this;
    const divisor = (): Value => build.create(max, { a: b, b: this.word(1) });
    switch (dim.operator) {
      case "add":
        return build.create(add, { a, b });
      case "sub":
        return build.create(max, { a: build.create(sub, { a, b }), b: this.word(0) });
      case "mul":
        return build.create(mul, { a, b });
      case "min":
        return build.create(min, { a, b });
      case "max":
        return build.create(max, { a, b });
      case "floorDiv":
        return build.create(div, { a, b: divisor() });
      case "ceilDiv":
        return build.create(div, { a: build.create(add, { a, b: build.create(sub, { a: divisor(), b: this.word(1) }) }), b: divisor() });
      case "mod":
        return build.create(sub, { a, b: build.create(mul, { a: build.create(div, { a, b: divisor() }), b: divisor() }) });
    }
  }

  /** An i32 of rank 0. */
  word(value: number): Value {
    return this.b.create(constant, {}, { value: tensor("i32", [], [value]) });
  }

  cast(x: Value, to: DType): Value {
    return x.type.dtype === to ? x : this.b.create(cast, { x }, { to });
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.b.create(reshape, { x }, { shape });
  }

  /** 0, 1, 2 … along an axis of a tensor of `rank`. */
  places(count: number, axis: number, rank: number): Value {
    const shape = Array.from({ length: rank }, (_, i) => (i === axis ? count : 1));
    return this.b.create(
      constant,
      {},
      {
        value: tensor(
          "i32",
          shape,
          Array.from({ length: count }, (_, i) => i),
        ),
      },
    );
  }

  /** A tensor of symbolic type with what lies behind its true end, along the axes given, set to a value of its dtype. */
  masked(value: Value, axes: readonly number[], fill: number | bigint | string): Value {
    return this.maskedFrom(this.at(value), value.type, axes, fill);
  }

  /** The same of a fixed tensor whose extents along the axes are those of a symbolic type. */
  maskedFrom(whole: Value, type: TensorType, axes: readonly number[], fill: number | bigint | string): Value {
    let x = whole;
    const other = this.b.create(constant, {}, { value: tensor(x.type.dtype, [], [fill]) });
    for (const axis of axes) {
      const dim = type.shape[axis]!;
      if (typeof dim === "number") continue;
      const isThere = this.b.create(less, { a: this.places(boundsOf(dim)[1], axis, x.type.shape.length), b: this.extent(dim) });
      x = this.b.create(select, { condition: isThere, a: x, b: other });
    }
    return x;
  }

  /** A tensor of symbolic type with its last element, along the axes given, in the place of all behind its true end. */
  edged(value: Value, axes: readonly number[]): Value {
    return axes.reduce((x, axis) => {
      const dim = value.type.shape[axis]!;
      if (typeof dim === "number") return x;
      const last = this.b.create(max, { a: this.b.create(sub, { a: this.extent(dim), b: this.word(1) }), b: this.word(0) });
      const places = this.b.create(min, { a: this.places(boundsOf(dim)[1], 0, 1), b: last });
      return this.b.create(gather, { x, indices: places }, { axis });
    }, this.at(value));
  }

  /** The op on fixed operands, its own if none are given. */
  copy(op: Op, operands: readonly (Value | undefined)[] = op.operands.map((value) => value && this.at(value))): readonly Value[] {
    const types = inferTypes(op.def, operands, op.attrs, op.regions);
    const made = new Op(op.def, operands, op.attrs, types, op.loc, op.regions);
    this.b.ops.push(made);
    return made.results;
  }
}

/** Axes whose extent is known at run time only. */
export function openAxes(type: TensorType): readonly number[] {
  return type.shape.flatMap((dim, axis) => (typeof dim === "number" ? [] : [axis]));
}

export function isOpen(op: Op): boolean {
  return [...op.operands, ...op.results].some((value) => value && !isStatic(value.type));
}

/** True where a symbol has no upper bound. */
export function isEndless(dim: Dim): boolean {
  return symbolsOf(dim).length > 0 && !Number.isFinite(boundsOf(dim)[1]);
}

/** Whether any value of a graph, regions apart, has an open extent. */
export function hasOpenValues(graph: Graph): boolean {
  return graph.params.some((value) => !isStatic(value.type)) || graph.ops.some((op) => op.results.some((value) => !isStatic(value.type)));
}
