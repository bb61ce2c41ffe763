import type { DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { plainLayout } from "../layout.ts";
import { advanceOf, emitNest } from "./nest.ts";
import { loadElement, memoryElem, registerElem, storeElement } from "./storage.ts";
import { boxesOf, mergeDims, paddedShape, sortDims, type Dim, type View } from "./view.ts";

export interface LineOperand {
  readonly param: string;
  readonly dtype: DType;
  readonly view: View;
  readonly access: "in" | "out" | "inout";
  /** Scratch of one line, or of as many as there are lanes: its view has the axes of a line only, dense. */
  readonly local?: boolean;
}

/** Scratch that holds a line, or a line a lane. */
export function localOperand(param: string, dtype: DType, shape: readonly number[], axes: readonly number[], lanes: number): LineOperand {
  const count = axes.reduce((n, axis) => n * shape[axis]!, 1);
  const layout = plainLayout(memoryElem(dtype), axes.map((axis) => shape[axis]!), count * (lanes - 1));
  return { param, dtype, access: "inout", local: true, view: { layout, axes: shape.map((_, axis) => ({ axis: axes.indexOf(axis), start: 0, step: axes.includes(axis) ? 1 : 0 })) } };
}

/** An iteration whose elements along `axes` form lines that are worked on together: reduced, normalised, scanned. Operand 0 decides the order. */
export interface LineSpace {
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  readonly operands: readonly LineOperand[];
  readonly lanes: number;
  /** Vectors can't. */
  readonly scalarOnly?: boolean;
  /** False: no vectors along a line, only across lines. */
  readonly along?: boolean;
}

/** Elements at one step of a line: `lanes` of them, of one line or of neighbouring lines. */
export interface LineElement {
  load(operand: number): Term;
  store(operand: number, value: Term): void;
}

export interface Line {
  readonly lanes: number;
  /** Lanes are neighbours in a line, not lines. The last vector of a line may then overlap the one before: `fold` must not change what it reads. */
  readonly along: boolean;
  /** Folds a line from `first`; the results are the same in all lanes that belong to a line. `step` may also store. */
  fold(first: readonly Term[], step: (held: readonly Term[], at: LineElement) => readonly Term[], join: (k: number, a: Term, b: Term) => Term, unroll?: number): Term[];
  map(body: (at: LineElement) => void): void;
  /** Operands that have one element a line. */
  load(operand: number): Term;
  store(operand: number, value: Term): void;
}

/** A part of every line: `shift` from the line's first element, by operand, and loops. */
interface Segment {
  readonly shift: readonly number[];
  readonly dims: readonly Dim[];
}

/** Declares the operands' parameters and emits `body` for every line: in vectors along the lines, or across them, or one by one. */
export function emitLines(b: KernelBuilder, space: LineSpace, body: (line: Line) => void): void {
  for (const { param, dtype, view, access } of space.operands) b.param(param, memoryElem(dtype), view.layout.size, access);
  const { kept, segments } = splitSpace(withPadding(space));
  for (const box of kept) emitBox(b, space, box.bases, mergeDims(sortDims(box.dims, orderOf(space, box.dims))), segments, body);
}

/** Channels counted to whole blocks where operand 0 is an image: a single one, or one whose results are padded, too. */
function withPadding(space: LineSpace): LineSpace {
  const [first] = space.operands;
  const writes = space.operands.filter((operand) => operand.access !== "in");
  const padsResults = writes.every(({ view }) => view.layout.shape.length === space.shape.length && view.layout.strides[0]! > view.layout.shape[1]!);
  if (space.scalarOnly || space.axes.includes(1) || !first || !(space.shape[0] === 1 || padsResults)) return space;
  const shape = paddedShape(space.shape, first.view.layout, space.operands.map(({ view }) => view), space.lanes);
  return shape ? { ...space, shape } : space;
}

function splitSpace(space: LineSpace) {
  const part = (inLine: boolean) => {
    const axes = [...space.shape.keys()].filter((axis) => space.axes.includes(axis) === inLine);
    const views = space.operands.map(({ view }): View => ({ layout: view.layout, axes: axes.map((axis) => view.axes[axis]!) }));
    return boxesOf(axes.map((axis) => space.shape[axis]!), views);
  };
  const offsets = space.operands.map(({ view }) => view.layout.offset);
  const segments = part(true).map((box): Segment => ({
    shift: box.bases.map((base, k) => base - offsets[k]!),
    dims: mergeDims(sortDims(box.dims, 0)),
  }));
  return { kept: part(false), segments };
}

/** The operand that moves in every kept dim orders them. */
function orderOf(space: LineSpace, dims: readonly Dim[]): number {
  const moving = (k: number): number => dims.filter((dim) => dim.trips > 1 && dim.steps[k] !== 0).length;
  return space.operands.reduce((best, _, k) => (moving(k) > moving(best) ? k : best), 0);
}

const isUnit = (dim: Dim | undefined): boolean => dim !== undefined && dim.steps.every((step) => step === 0 || step === 1) && dim.steps.includes(1);

function emitBox(b: KernelBuilder, space: LineSpace, bases: readonly number[], kept: readonly Dim[], segments: readonly Segment[], body: (line: Line) => void): void {
  const { lanes } = space;
  const vectors = lanes > 1 && !space.scalarOnly;
  const across = kept.at(-1);
  const alongFits = segments.every((segment) => isUnit(segment.dims.at(-1)) && segment.dims.at(-1)!.trips >= lanes);
  if (vectors && space.along !== false && alongFits) {
    const cursors = cursorsOf(b, space, bases);
    return emitNest(b, kept, cursors, () => body(new LineEmitter(b, space, segments, cursors, lanes, true)));
  }
  if (vectors && isUnit(across) && across!.trips >= lanes) {
    const outer = kept.slice(0, -1);
    const whole = Math.floor(across!.trips / lanes);
    const cursors = cursorsOf(b, space, bases);
    const starts = across!.steps.map((step) => step * (across!.trips - lanes));
    const last = across!.trips % lanes > 0 ? cursorsOf(b, space, bases.map((base, k) => base + starts[k]!)) : [];
    return emitNest(b, outer.map((dim) => ({ trips: dim.trips, steps: [...dim.steps, ...(last.length > 0 ? dim.steps : [])] })), [...cursors, ...last], () => {
      const apart = segments.map((segment) => withLocalLanes(space, segment, lanes));
      emitNest(b, [{ trips: whole, steps: across!.steps.map((step) => step * lanes) }], cursors, () => body(new LineEmitter(b, space, apart, cursors, lanes, false, across)));
      if (last.length > 0) body(new LineEmitter(b, space, apart, last, lanes, false, across));
    });
  }
  const cursors = cursorsOf(b, space, bases);
  emitNest(b, kept, cursors, () => body(new LineEmitter(b, space, segments, cursors, 1, false)));
}

/** Local operands hold an element of every lane side by side. */
function withLocalLanes(space: LineSpace, segment: Segment, lanes: number): Segment {
  const wide = (values: readonly number[]): number[] => values.map((value, k) => (space.operands[k]!.local ? value * lanes : value));
  return { shift: wide(segment.shift), dims: segment.dims.map((dim) => ({ trips: dim.trips, steps: wide(dim.steps) })) };
}

/** Stored elements go through unsigned views, which read narrow signed ones wrongly: those are not read back. */
function cursorsOf(b: KernelBuilder, space: LineSpace, bases: readonly number[]): string[] {
  return space.operands.map(({ param, dtype, access }, k) => {
    const elem = memoryElem(dtype);
    const unsigned = access === "in" ? elem : elem === "i8" ? "u8" : elem === "i16" ? "u16" : elem;
    return b.cursor(access === "in" ? "i" : "o", param, bases[k]!, unsigned);
  });
}

class LineEmitter implements Line {
  readonly lanes: number;
  private readonly b: KernelBuilder;
  private readonly space: LineSpace;
  private readonly segments: readonly Segment[];
  private readonly cursors: readonly string[];
  readonly along: boolean;
  private readonly across: Dim | undefined;

  constructor(b: KernelBuilder, space: LineSpace, segments: readonly Segment[], cursors: readonly string[], lanes: number, along: boolean, across?: Dim) {
    this.b = b;
    this.space = space;
    this.segments = segments;
    this.cursors = cursors;
    this.lanes = lanes;
    this.along = along;
    this.across = across;
  }

  fold(first: readonly Term[], step: (held: readonly Term[], at: LineElement) => readonly Term[], join: (k: number, a: Term, b: Term) => Term, unroll = 1): Term[] {
    const { b } = this;
    const sets = Array.from({ length: this.setsFor(unroll) }, () => first.map((term) => b.let("a", term)));
    for (const segment of this.segments) {
      this.walk(segment, sets.length, (at, set, fresh) => {
        const held = sets[set]!;
        const next = step(held, at);
        const values = fresh === undefined ? next : next.map((value, k) => this.blend(held[k]!, b.let("n", value), fresh));
        const moved = values.length > 1 ? values.map((value) => b.let("n", value)) : values;
        held.forEach((register, k) => b.set(register, moved[k]!));
      });
    }
    const [total, ...others] = sets;
    for (const set of others) total!.forEach((register, k) => b.set(register, join(k, register, set[k]!)));
    if (this.along) {
      for (let half = this.lanes / 2; half >= 1; half /= 2) {
        total!.forEach((register, k) => {
          const turned = b.let("n", b.op("shuffle", register.type, [register, register], Array.from({ length: this.lanes }, (_, i) => (i + half) % this.lanes)));
          b.set(register, join(k, register, turned));
        });
      }
    }
    return total!;
  }

  map(body: (at: LineElement) => void): void {
    for (const segment of this.segments) this.walk(segment, 1, (at) => body(at), true);
  }

  load(operand: number): Term {
    const { dtype } = this.space.operands[operand]!;
    return this.b.let("v", loadElement(this.b, dtype, this.lanes, this.cursors[operand]!, 0, { splat: this.across?.steps[operand] !== 1 }));
  }

  store(operand: number, value: Term): void {
    const { b } = this;
    const { dtype } = this.space.operands[operand]!;
    const cursor = this.cursors[operand]!;
    const count = this.along ? 1 : this.lanes;
    const isVector = !("mask" in value.type) && value.type.lanes > 1;
    const lane = (i: number): Term => (isVector ? b.op("extract", { elem: "mask" in value.type ? "i32" : value.type.elem, lanes: 1 }, [value], [i]) : value);
    if (count === 1) return storeElement(b, dtype, 1, cursor, 0, this.asRegister(lane(0), dtype));
    if (registerElem(dtype) === "i64") for (let i = 0; i < count; i++) storeElement(b, dtype, 1, cursor, i, this.asRegister(lane(i), dtype));
    else storeElement(b, dtype, count, cursor, 0, value);
  }

  /** Indices are counted in i32. */
  private asRegister(value: Term, dtype: DType): Term {
    const isWord = !("mask" in value.type) && value.type.elem === "i32";
    return registerElem(dtype) === "i64" && isWord ? this.b.op("convert", { elem: "i64", lanes: 1 }, [value]) : value;
  }

  /** Lanes before `fresh` have been counted already. */
  private blend(old: Term, next: Term, fresh: number): Term {
    return this.b.op("shuffle", old.type, [old, next], Array.from({ length: this.lanes }, (_, i) => (i < fresh ? i : this.lanes + i)));
  }

  /** More than one set of totals hides the latency of a step, where lines are long enough to pay for joining them. */
  private setsFor(unroll: number): number {
    const steps = Math.min(...this.segments.map((segment) => (segment.dims.at(-1)?.trips ?? 1) / (this.along ? this.lanes : 1)));
    return steps >= 2 * unroll ? unroll : 1;
  }

  /**
   * Visits a segment in steps of a vector (or of one element of every line), `sets` of them an iteration. The last vector of a run that has
   * a rest overlaps the one before: lanes from `fresh` on are new. With `late` it is computed first and stored last, so that a run may be changed in place.
   */
  private walk(segment: Segment, sets: number, visit: (at: LineElement, set: number, fresh?: number) => void, late = false): void {
    const { b, cursors } = this;
    const inner = segment.dims.at(-1) ?? { trips: 1, steps: cursors.map(() => 0) };
    const width = this.along ? this.lanes : 1;
    const whole = Math.floor(inner.trips / width);
    const rest = inner.trips % width;
    const rounds = Math.floor(whole / sets);
    emitNest(b, segment.dims.slice(0, -1), cursors, () => {
      const pending = rest > 0 && late ? this.elementAt(segment, inner, inner.trips - width, true) : undefined;
      if (pending) visit(pending, 0, width - rest);
      const round = (): void => {
        for (let set = 0; set < sets; set++) visit(this.elementAt(segment, inner, set * width), set);
      };
      if (rounds === 1) round();
      else if (rounds > 1) b.loop("i", rounds, advanceOf(inner, cursors, width * sets), round);
      for (let n = rounds * sets; n < whole; n++) visit(this.elementAt(segment, inner, n * width), n - rounds * sets);
      if (pending) pending.flush();
      else if (rest > 0) visit(this.elementAt(segment, inner, inner.trips - width), 0, width - rest);
    });
  }

  private elementAt(segment: Segment, inner: Dim, index: number, late = false): LineElement & { flush(): void } {
    const { b, space, cursors, lanes } = this;
    const offset = (k: number): number => segment.shift[k]! + inner.steps[k]! * index;
    const unit = (k: number): boolean => (this.along ? inner.steps[k] === 1 : this.across?.steps[k] === 1 || space.operands[k]!.local === true);
    const waiting: (() => void)[] = [];
    return {
      load: (k) => b.let("v", loadElement(b, space.operands[k]!.dtype, lanes, cursors[k]!, offset(k), { splat: !unit(k) })),
      store: (k, value) => {
        const kept = late ? b.let("t", value) : value;
        const write = (): void => storeElement(b, space.operands[k]!.dtype, lanes, cursors[k]!, offset(k), kept);
        if (late) waiting.push(write);
        else write();
      },
      flush: () => waiting.forEach((write) => write()),
    };
  }
}
