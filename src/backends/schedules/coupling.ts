import { coupling } from "../../ir/ops/coupling.ts";
import type { Op } from "../../ir/graph.ts";
import { elementCount } from "../../ir/types.ts";
import { I32, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { LowerContext, Schedule } from "../schedule.ts";
import { castRegister } from "./cast-expressions.ts";
import { declare, kernelOf } from "./gather.ts";
import { loadElement, registerType, storeCursor, storeElement } from "./storage.ts";

const DOUBLE = scalar("f64");

/** One iteration over a matrix of doubles in parameter `m`, with p in `p` and q * p in `w`; what has settled moves by 0 from then on. */
class Iteration {
  private readonly b: KernelBuilder;
  private readonly n: number;
  private readonly tolerance: number;
  /** 1 where p is good enough. */
  readonly settled: Term;

  constructor(b: KernelBuilder, n: number, tolerance: number) {
    this.b = b;
    this.n = n;
    this.tolerance = tolerance;
    this.settled = b.let("d", b.constant(I32, 0));
  }

  private c(value: number): Term {
    return this.b.constant(DOUBLE, value);
  }

  emit(): void {
    const { b } = this;
    const total = b.let("t", this.c(0));
    this.products(total);
    const farthest = b.let("e", this.c(0));
    const w = b.cursor("w", "w");
    b.loop("i", this.n, { [w]: 1 }, () => b.set(farthest, b.pmax(b.op("abs", DOUBLE, [b.sub(b.load(DOUBLE, w), total)]), farthest)));
    b.set(this.settled, b.select(b.compare("lt", farthest, this.c(this.tolerance)), b.constant(I32, 1), this.settled));
    this.move(total);
  }

  /** w = q * p, total = p * w. */
  private products(total: Term): void {
    const { b, n } = this;
    const [row, w, p] = [b.cursor("m", "m"), b.cursor("w", "w"), b.cursor("p", "p")];
    b.loop("i", n, { [row]: n, [w]: 1, [p]: 1 }, () => {
      const sum = b.let("s", this.c(0));
      const other = b.cursor("p", "p");
      b.loop("j", n, { [row]: 1, [other]: 1 }, () => b.set(sum, b.add(sum, b.mul(b.load(DOUBLE, row), b.load(DOUBLE, other)))));
      b.store(w, 0, sum);
      b.set(total, b.add(total, b.mul(b.load(DOUBLE, p), sum)));
    });
  }

  /** Each element in turn goes to where the total is least; then all are made to sum to 1 again. */
  private move(total: Term): void {
    const { b, n } = this;
    const [diagonal, line, w, p] = [b.cursor("g", "m"), b.cursor("m", "m"), b.cursor("w", "w"), b.cursor("p", "p")];
    b.loop("i", n, { [diagonal]: n + 1, [line]: n, [w]: 1, [p]: 1 }, () => {
      const own = b.let("o", b.load(DOUBLE, diagonal));
      const product = b.let("x", b.load(DOUBLE, w));
      const wish = b.let("v", b.div(b.sub(total, product), own));
      const step = b.let("v", b.select(b.compare("ne", this.settled, b.constant(I32, 0)), this.c(0), wish));
      b.store(p, 0, b.add(b.load(DOUBLE, p), step));
      const grown = b.let("k", b.add(this.c(1), step));
      const raised = b.add(total, b.mul(step, b.add(b.mul(step, own), b.mul(this.c(2), product))));
      b.set(total, b.div(b.div(raised, grown), grown));
      const [each, weight] = [b.cursor("w", "w"), b.cursor("p", "p")];
      b.loop("j", n, { [line]: 1, [each]: 1, [weight]: 1 }, () => {
        b.store(each, 0, b.div(b.add(b.load(DOUBLE, each), b.mul(step, b.load(DOUBLE, line))), grown));
        b.store(weight, 0, b.div(b.load(DOUBLE, weight), grown));
      });
    });
  }
}

function lowerCoupling(op: Op, context: LowerContext): void {
  const [q, y] = [context.operand(op, "q")!, context.result(op)];
  const { shape } = q.layout;
  const n = shape[2]!;
  if (elementCount(shape) === 0) return;
  const { steps, tolerance } = op.attrs as { readonly steps: number; readonly tolerance: number };
  const b = kernelOf(op, context, shape.join("x"));
  declare(b, { q, y });
  for (const [name, size] of Object.entries({ m: n * n, p: n, w: n })) b.param(name, "f64", size, "inout");
  const [from, to] = [b.cursor("q", "q"), storeCursor(b, "y", "y", 0, y.dtype)];
  b.loop("n", shape[0]!, { [from]: n * n, [to]: n }, () => {
    const [into, start] = [b.cursor("m", "m"), b.cursor("p", "p")];
    b.loop("i", n * n, { [from]: 1, [into]: 1 }, () => b.store(into, 0, castRegister(b, b.let("v", loadElement(b, q.dtype, 1, from)), q.dtype, "f64", DOUBLE)));
    b.loop("i", n, { [start]: 1 }, () => b.store(start, 0, b.constant(DOUBLE, 1 / n)));
    const iteration = new Iteration(b, n, tolerance / n);
    if (steps > 0) b.loop("s", steps, {}, () => iteration.emit());
    const found = b.cursor("p", "p");
    b.loop("i", n, { [found]: 1, [to]: 1 }, () =>
      storeElement(b, y.dtype, 1, to, 0, castRegister(b, b.let("v", b.load(DOUBLE, found)), "f64", y.dtype, registerType(y.dtype, 1))),
    );
  });
  const scratch = { m: context.scratch("f64", n * n), p: context.scratch("f64", n), w: context.scratch("f64", n) };
  context.call(b.finish(), { q: q.buffer, y: y.buffer, ...scratch });
}

export const couplingSchedule: Schedule = { ops: [coupling], lower: lowerCoupling };
