import type { Op } from "../../ir/graph.ts";
import { det, inverse } from "../../ir/ops/linear.ts";
import { elementCount, type DType } from "../../ir/types.ts";
import { I32, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { LowerContext, Schedule } from "../schedule.ts";
import { declare, kernelOf } from "./gather.ts";
import { constantElement, loadElement, registerType, storeCursor, storeElement } from "./storage.ts";
import { castRegister } from "./cast-expressions.ts";

const DOUBLE = scalar("f64");

/** Rows of `width` doubles in parameter `m`: the matrix, and behind it for an inverse the unit matrix, which becomes the inverse. */
class Elimination {
  private readonly b: KernelBuilder;
  private readonly n: number;
  private readonly width: number;
  private readonly isInverse: boolean;
  readonly determinant: Term;

  constructor(b: KernelBuilder, n: number, isInverse: boolean) {
    this.b = b;
    this.n = n;
    this.width = isInverse ? 2 * n : n;
    this.isInverse = isInverse;
    this.determinant = b.let("d", b.constant(DOUBLE, 1));
  }

  private c(value: number): Term {
    return this.b.constant(I32, value);
  }

  /** Gauss-Jordan with the greatest pivot; the column is a loop, so the matrix is as small in code as it is large in data. */
  emit(): void {
    const { b, n, width } = this;
    const column = b.let("c", this.c(0));
    const base = b.cursor("m", "m");
    b.loop("c", n, { [base]: width + 1 }, () => {
      const pivot = this.pivot(column);
      this.swap(column, pivot);
      const head = b.let("h", b.load(DOUBLE, base));
      b.set(this.determinant, b.mul(this.determinant, head));
      this.eliminate(column, head);
      b.set(column, b.add(column, this.c(1)));
    });
  }

  /** Row of the greatest element of the column from the diagonal on. */
  private pivot(column: Term): Term {
    const { b, n, width } = this;
    const [most, row, at] = [b.let("p", b.constant(DOUBLE, -1)), b.let("r", column), b.let("i", this.c(0))];
    const scan = b.cursor("s", "m");
    b.loop("i", n, { [scan]: width }, () => {
      const inside = b.let("x", b.pmin(b.pmax(column, this.c(0)), this.c(n - 1)));
      const value = b.let("v", b.op("abs", DOUBLE, [b.load(DOUBLE, scan, 0, inside)]));
      const better = b.op("and", { mask: 1 }, [b.compare("ge", at, column), b.compare("gt", value, most)]);
      const taken = b.let("g", better);
      b.set(row, b.select(taken, at, row));
      b.set(most, b.select(taken, value, most));
      b.set(at, b.add(at, this.c(1)));
    });
    return row;
  }

  private rowAt(row: Term): Term {
    const { b, n, width } = this;
    return b.let("x", b.mul(b.pmin(b.pmax(row, this.c(0)), this.c(n - 1)), this.c(width)));
  }

  private swap(a: Term, d: Term): void {
    const { b, width } = this;
    const [first, second] = [this.rowAt(a), this.rowAt(d)];
    b.set(this.determinant, b.select(b.compare("eq", a, d), this.determinant, b.op("neg", DOUBLE, [this.determinant])));
    const walk = b.cursor("w", "m");
    b.loop("w", width, { [walk]: 1 }, () => {
      const [x, y] = [b.let("v", b.load(DOUBLE, walk, 0, first)), b.let("v", b.load(DOUBLE, walk, 0, second))];
      b.store(walk, 0, y, first);
      b.store(walk, 0, x, second);
    });
  }

  private eliminate(column: Term, head: Term): void {
    const { b, n, width } = this;
    const pivotRow = this.rowAt(column);
    const inside = b.let("x", b.pmin(b.pmax(column, this.c(0)), this.c(n - 1)));
    const [row, source, at] = [b.cursor("e", "m"), b.cursor("f", "m"), b.let("i", this.c(0))];
    b.loop("i", n, { [row]: width }, () => {
      const own = b.compare("eq", at, column);
      // A singular matrix has no inverse, but a determinant: 0, from the first head of 0 on.
      const done = b.op("or", { mask: 1 }, [b.compare("lt", at, column), b.compare("eq", head, b.constant(DOUBLE, 0))]);
      const skipped = this.isInverse ? own : b.op("or", { mask: 1 }, [own, done]);
      const quotient = b.let("q", b.div(b.load(DOUBLE, row, 0, inside), head));
      const factor = b.let("q", b.select(skipped, b.constant(DOUBLE, 0), quotient));
      const isSkipped = b.let("k", b.select(skipped, this.c(1), this.c(0)));
      b.loop("j", width, { [row]: 1, [source]: 1 }, () => {
        const old = b.let("v", b.load(DOUBLE, row));
        const next = b.sub(old, b.mul(factor, b.load(DOUBLE, source, 0, pivotRow)));
        b.store(row, 0, b.select(b.compare("ne", isSkipped, this.c(0)), old, b.let("v", next)));
      });
      b.set(at, b.add(at, this.c(1)));
    });
    if (!this.isInverse) return;
    const scale = b.cursor("g", "m");
    b.loop("j", width, { [scale]: 1 }, () => b.store(scale, 0, b.div(b.load(DOUBLE, scale, 0, pivotRow), head), pivotRow));
  }
}

function lowerElimination(op: Op, context: LowerContext, isInverse: boolean): void {
  const [x, y] = [context.operand(op, "x")!, context.result(op)];
  const { shape } = x.layout;
  const n = shape.at(-1)!;
  const count = elementCount(shape.slice(0, -2));
  if (elementCount(y.layout.shape) === 0) return;
  const b = kernelOf(op, context, shape.join("x"));
  const width = isInverse ? 2 * n : n;
  declare(b, { x, y });
  const scratch = Math.max(1, n * width);
  b.param("m", "f64", scratch, "inout");
  const [from, to] = [b.cursor("x", "x"), storeCursor(b, "y", "y", 0, y.dtype)];
  const one = (dtype: DType, value: number): Term => constantElement(b, dtype, 1, value);
  b.loop("n", count, { [from]: n * n, [to]: isInverse ? n * n : 1 }, () => {
    if (n === 0) return storeElement(b, y.dtype, 1, to, 0, one(y.dtype, 1));
    const into = b.cursor("i", "m");
    b.loop("r", n, { [from]: n, [into]: width }, () =>
      b.loop("c", n, { [from]: 1, [into]: 1 }, () => {
        b.store(into, 0, castRegister(b, b.let("v", loadElement(b, x.dtype, 1, from)), x.dtype, "f64", DOUBLE));
        if (isInverse) b.store(into, n, b.constant(DOUBLE, 0));
      }),
    );
    if (isInverse) {
      const diagonal = b.cursor("u", "m", n);
      b.loop("r", n, { [diagonal]: width + 1 }, () => b.store(diagonal, 0, b.constant(DOUBLE, 1)));
    }
    const elimination = new Elimination(b, n, isInverse);
    elimination.emit();
    const result = (value: Term): Term => castRegister(b, value, "f64", y.dtype, registerType(y.dtype, 1));
    if (!isInverse) return storeElement(b, y.dtype, 1, to, 0, result(elimination.determinant));
    const out = b.cursor("o", "m", n);
    b.loop("r", n, { [out]: width, [to]: n }, () =>
      b.loop("c", n, { [out]: 1, [to]: 1 }, () => storeElement(b, y.dtype, 1, to, 0, result(b.let("v", b.load(DOUBLE, out))))),
    );
  });
  context.call(b.finish(), { x: x.buffer, y: y.buffer, m: context.scratch("f64", scratch) });
}

export const detSchedule: Schedule = { ops: [det], lower: (op, context) => lowerElimination(op, context, false) };
export const inverseSchedule: Schedule = { ops: [inverse], lower: (op, context) => lowerElimination(op, context, true) };
