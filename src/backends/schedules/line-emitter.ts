import type { DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { loopsOf, type LineSpace, type Segment } from "./line-space.ts";
import { advanceOf, emitNest } from "./nest.ts";
import { loadElement, registerElem, storeElement } from "./storage.ts";
import type { Dim } from "./view.ts";

/** Elements at one step of a line: `lanes` of them, of one line or of neighbouring lines. */
export interface LineElement {
  load(operand: number): Term;
  store(operand: number, value: Term): void;
}

export interface FoldOptions {
  /** Sets of totals side by side, where lines are long enough to pay for joining them: they hide the latency of a step. */
  readonly unroll?: number;
  /** Operands that the step loads or stores; absent: all. Fewer may lie together in longer runs. */
  readonly touches?: readonly number[];
}

export interface Line {
  readonly lanes: number;
  /** Lanes are neighbours in a line, not lines. The last vector of a line may then overlap the one before: `fold` must not change what it reads. */
  readonly along: boolean;
  /** Folds a line from `first`; the results are the same in all lanes that belong to a line. `step` may also store. */
  fold(
    first: readonly Term[],
    step: (held: readonly Term[], at: LineElement) => readonly Term[],
    join: (k: number, a: Term, b: Term) => Term,
    more?: FoldOptions,
  ): Term[];
  map(body: (at: LineElement) => void): void;
  /** Operands that have one element a line. */
  load(operand: number): Term;
  store(operand: number, value: Term): void;
}

/** One line, or one a lane, at cursors that stand at its first elements. */
export class LineEmitter implements Line {
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

  fold(
    first: readonly Term[],
    step: (held: readonly Term[], at: LineElement) => readonly Term[],
    join: (k: number, a: Term, b: Term) => Term,
    { unroll = 1, touches }: FoldOptions = {},
  ): Term[] {
    const { b } = this;
    const sets = Array.from({ length: this.setsFor(unroll, touches) }, () => first.map((term) => b.let("a", term)));
    for (const segment of this.segments) {
      this.walk(segment, loopsOf(segment, touches), sets.length, (at, set, fresh) => {
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
          const turned = b.let(
            "n",
            b.op(
              "shuffle",
              register.type,
              [register, register],
              Array.from({ length: this.lanes }, (_, i) => (i + half) % this.lanes),
            ),
          );
          b.set(register, join(k, register, turned));
        });
      }
    }
    return total!;
  }

  map(body: (at: LineElement) => void): void {
    for (const segment of this.segments) this.walk(segment, loopsOf(segment), 1, (at) => body(at), true);
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
    return this.b.op(
      "shuffle",
      old.type,
      [old, next],
      Array.from({ length: this.lanes }, (_, i) => (i < fresh ? i : this.lanes + i)),
    );
  }

  private setsFor(unroll: number, touches: readonly number[] | undefined): number {
    const steps = Math.min(...this.segments.map((segment) => (loopsOf(segment, touches).at(-1)?.trips ?? 1) / (this.along ? this.lanes : 1)));
    return steps >= 2 * unroll ? unroll : 1;
  }

  /**
   * Visits a segment in steps of a vector (or of one element of every line), `sets` of them an iteration. The last vector of a run that has
   * a rest overlaps the one before: lanes from `fresh` on are new. With `late` it is computed first and stored last, so that a run may be changed in place.
   */
  private walk(segment: Segment, loops: readonly Dim[], sets: number, visit: (at: LineElement, set: number, fresh?: number) => void, late = false): void {
    const { b, cursors } = this;
    const inner = loops.at(-1) ?? { trips: 1, steps: cursors.map(() => 0) };
    const width = this.along ? this.lanes : 1;
    const whole = Math.floor(inner.trips / width);
    const rest = inner.trips % width;
    const rounds = Math.floor(whole / sets);
    emitNest(b, loops.slice(0, -1), cursors, () => {
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
